package nodenet

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// state is what a rule set is made from: the cluster as this node sees it.
type state struct {
	node, podSubnet string
	pods            []*corev1.Pod
	namespaces      []*corev1.Namespace
	policies        []*networkingv1.NetworkPolicy

	nsLabels map[string]labels.Set
	sets     strings.Builder // named sets, one for each pod selection
	setNames map[string]string
}

// ruleset renders the whole nftables table. It replaces the one before it in a
// single transaction, so there is no moment without enforcement.
//
// Each pod on this node that some policy selects has a chain for each direction
// that is isolated: a packet that a rule allows returns from it, any other is
// dropped at its end. A packet between two pods of this node passes both its
// sender's egress chain and its receiver's ingress chain.
func (s *state) ruleset() string {
	s.nsLabels, s.setNames = map[string]labels.Set{}, map[string]string{}
	s.sets.Reset()
	for _, n := range s.namespaces {
		s.nsLabels[n.Name] = n.Labels
	}
	sort.Slice(s.pods, func(i, j int) bool { return key(s.pods[i]) < key(s.pods[j]) })
	sort.Slice(s.policies, func(i, j int) bool { return key(s.policies[i]) < key(s.policies[j]) })

	var chains, ingress, egress strings.Builder
	for _, pod := range s.pods {
		if pod.Spec.NodeName != s.node || !inPodNetwork(pod) {
			continue
		}
		var in, out []string
		isolatedIn, isolatedOut := false, false
		for _, p := range s.policies {
			if p.Namespace != pod.Namespace || !matches(&p.Spec.PodSelector, pod.Labels) {
				continue
			}
			forIn, forOut := directions(p)
			if forIn {
				isolatedIn = true
				for _, r := range p.Spec.Ingress {
					in = append(in, s.rules(p.Namespace, "saddr", r.From, r.Ports, pod)...)
				}
			}
			if forOut {
				isolatedOut = true
				for _, r := range p.Spec.Egress {
					out = append(out, s.rules(p.Namespace, "daddr", r.To, r.Ports, nil)...)
				}
			}
		}
		ip := podIP(pod)
		name := strings.ReplaceAll(ip, ".", "_")
		if isolatedIn {
			chain(&chains, "in_"+name, key(pod), in)
			fmt.Fprintf(&ingress, "    ip daddr %s jump in_%s\n", ip, name)
		}
		if isolatedOut {
			chain(&chains, "out_"+name, key(pod), out)
			fmt.Fprintf(&egress, "    ip saddr %s jump out_%s\n", ip, name)
		}
	}

	var b strings.Builder
	b.WriteString("add table inet nodenet\ndelete table inet nodenet\ntable inet nodenet {\n")
	b.WriteString(s.sets.String())
	b.WriteString(chains.String())
	// Between pods, and between pods and the world. What a node sends to its own
	// pods (probes) does not pass here: the API wants that always allowed.
	fmt.Fprintf(&b, "  chain forward {\n    type filter hook forward priority filter; policy accept;\n    ct state established,related accept\n%s%s  }\n", &egress, &ingress)
	// From pods to their own node's addresses.
	fmt.Fprintf(&b, "  chain input {\n    type filter hook input priority filter; policy accept;\n    ct state established,related accept\n%s  }\n", &egress)
	fmt.Fprintf(&b, "  chain postrouting {\n    type nat hook postrouting priority srcnat; policy accept;\n    ip saddr %[1]s ip daddr != %[1]s masquerade\n  }\n", s.podSubnet)
	b.WriteString("}\n")
	return b.String()
}

func chain(b *strings.Builder, name, pod string, rules []string) {
	fmt.Fprintf(b, "  chain %s { # %s\n", name, pod)
	for _, r := range rules {
		fmt.Fprintf(b, "    %sreturn\n", r)
	}
	b.WriteString("    counter drop\n  }\n")
}

// rules renders one policy rule as match expressions, any of which allows.
// target is the pod whose named ports an ingress rule means; for egress it is
// nil, and a named port is looked up in each pod that the rule selects.
func (s *state) rules(ns, addr string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, target *corev1.Pod) []string {
	var out []string
	numbered, named := splitPorts(ports)
	if target != nil {
		for _, p := range named {
			for _, n := range namedPort(target, p) {
				numbered = append(numbered, portMatch(p.Protocol, fmt.Sprint(n)))
			}
		}
		named = nil
	}
	for _, from := range s.peers(ns, addr, peers) {
		if len(ports) == 0 {
			out = append(out, from)
		}
		for _, p := range numbered {
			out = append(out, from+p)
		}
	}
	for _, p := range named { // egress to a named port
		for _, pod := range s.selected(ns, peers) {
			for _, n := range namedPort(pod, p) {
				out = append(out, fmt.Sprintf("ip %s %s %s", addr, podIP(pod), portMatch(p.Protocol, fmt.Sprint(n))))
			}
		}
	}
	return out
}

// peers renders a rule's peers; an empty list means everyone.
func (s *state) peers(ns, addr string, peers []networkingv1.NetworkPolicyPeer) []string {
	if len(peers) == 0 {
		return []string{""}
	}
	var out []string
	for _, p := range peers {
		if b := p.IPBlock; b != nil {
			cidr, ok := ipv4(b.CIDR)
			if !ok {
				continue
			}
			m := fmt.Sprintf("ip %s %s ", addr, cidr)
			var except []string
			for _, e := range b.Except {
				if c, ok := ipv4(e); ok {
					except = append(except, c)
				}
			}
			if len(except) > 0 {
				m += fmt.Sprintf("ip %s != { %s } ", addr, strings.Join(except, ", "))
			}
			out = append(out, m)
			continue
		}
		var ips []string
		for _, pod := range s.selected(ns, []networkingv1.NetworkPolicyPeer{p}) {
			ips = append(ips, podIP(pod))
		}
		if len(ips) > 0 { // nobody selected: nothing allowed by this peer
			out = append(out, fmt.Sprintf("ip %s @%s ", addr, s.set(ips)))
		}
	}
	return out
}

// selected lists the pods that peers select (an ipBlock selects none, an empty
// list everyone).
func (s *state) selected(ns string, peers []networkingv1.NetworkPolicyPeer) []*corev1.Pod {
	var out []*corev1.Pod
	for _, pod := range s.pods {
		if !inPodNetwork(pod) {
			continue
		}
		ok := len(peers) == 0
		for _, p := range peers {
			switch {
			case p.IPBlock != nil:
			case p.NamespaceSelector == nil:
				ok = ok || pod.Namespace == ns && matches(p.PodSelector, pod.Labels)
			default:
				ok = ok || matches(p.NamespaceSelector, s.nsLabels[pod.Namespace]) &&
					(p.PodSelector == nil || matches(p.PodSelector, pod.Labels))
			}
		}
		if ok {
			out = append(out, pod)
		}
	}
	return out
}

// set names the set of these addresses, making it the first time.
func (s *state) set(ips []string) string {
	sort.Strings(ips)
	elements := strings.Join(ips, ", ")
	name, ok := s.setNames[elements]
	if !ok {
		name = fmt.Sprintf("pods%d", len(s.setNames))
		s.setNames[elements] = name
		fmt.Fprintf(&s.sets, "  set %s { type ipv4_addr; elements = { %s }; }\n", name, elements)
	}
	return name
}

func splitPorts(ports []networkingv1.NetworkPolicyPort) (numbered []string, named []networkingv1.NetworkPolicyPort) {
	for _, p := range ports {
		switch {
		case p.Port == nil:
			numbered = append(numbered, portMatch(p.Protocol, ""))
		case p.Port.Type == intstr.String:
			named = append(named, p)
		case p.EndPort != nil:
			numbered = append(numbered, portMatch(p.Protocol, fmt.Sprintf("%d-%d", p.Port.IntVal, *p.EndPort)))
		default:
			numbered = append(numbered, portMatch(p.Protocol, fmt.Sprint(p.Port.IntVal)))
		}
	}
	return numbered, named
}

func portMatch(protocol *corev1.Protocol, port string) string {
	p := "tcp"
	if protocol != nil {
		p = strings.ToLower(string(*protocol))
	}
	if port == "" {
		return "meta l4proto " + p + " "
	}
	return p + " dport " + port + " "
}

// namedPort finds the numbers that a pod's containers give the port's name.
func namedPort(pod *corev1.Pod, p networkingv1.NetworkPolicyPort) []int32 {
	want := corev1.ProtocolTCP
	if p.Protocol != nil {
		want = *p.Protocol
	}
	var out []int32
	containers := append(append([]corev1.Container{}, pod.Spec.InitContainers...), pod.Spec.Containers...)
	for _, c := range containers {
		for _, cp := range c.Ports {
			have := cp.Protocol
			if have == "" {
				have = corev1.ProtocolTCP
			}
			if cp.Name == p.Port.StrVal && have == want {
				out = append(out, cp.ContainerPort)
			}
		}
	}
	return out
}

// directions tells which directions a policy isolates.
func directions(p *networkingv1.NetworkPolicy) (ingress, egress bool) {
	if len(p.Spec.PolicyTypes) == 0 {
		return true, len(p.Spec.Egress) > 0
	}
	for _, t := range p.Spec.PolicyTypes {
		ingress = ingress || t == networkingv1.PolicyTypeIngress
		egress = egress || t == networkingv1.PolicyTypeEgress
	}
	return ingress, egress
}

func matches(sel *metav1.LabelSelector, l map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(sel) // nil selects nothing
	return err == nil && s.Matches(labels.Set(l))
}

func inPodNetwork(p *corev1.Pod) bool {
	return !p.Spec.HostNetwork && podIP(p) != "" &&
		p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed
}

func podIP(p *corev1.Pod) string {
	if a, err := netip.ParseAddr(p.Status.PodIP); err == nil && a.Is4() {
		return a.String()
	}
	return ""
}

func ipv4(cidr string) (string, bool) {
	p, err := netip.ParsePrefix(cidr)
	return p.Masked().String(), err == nil && p.Addr().Is4()
}

func key(o metav1.Object) string { return o.GetNamespace() + "/" + o.GetName() }

func nft(ctx context.Context, rules string) error {
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, stderr.String())
	}
	return nil
}
