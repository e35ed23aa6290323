package nodenet

import (
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func testPod(ns, name, node, ip string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{
			Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: 8080}},
		}}},
		Status: corev1.PodStatus{PodIP: ip, Phase: corev1.PodRunning},
	}
}

func TestRuleset(t *testing.T) {
	server := testPod("a", "server", "here", "10.244.0.2")
	client := testPod("b", "client", "there", "10.244.1.2")
	host := testPod("b", "host", "there", "172.18.0.9")
	host.Spec.HostNetwork = true

	for _, tc := range []struct {
		name, policy   string
		want, wantNone []string
	}{
		{"no policy isolates nobody", "", nil, []string{"drop", "jump"}},
		{"a policy of another namespace does not count", `{metadata: {namespace: b}, spec: {podSelector: {}}}`,
			nil, []string{"drop"}},
		{"default deny, both directions", `{spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}`,
			[]string{"ip daddr 10.244.0.2 jump in_10_244_0_2", "ip saddr 10.244.0.2 jump out_10_244_0_2"}, []string{" return"}},
		{"no policyTypes and no egress rules: ingress only", `{spec: {podSelector: {}}}`,
			[]string{"jump in_"}, []string{"jump out_"}},
		{"an empty from lets everyone in", `{spec: {podSelector: {}, ingress: [{}]}}`,
			[]string{"\n    return\n"}, nil},
		{"pods of a namespace, named port", `{spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {name: b}}}], ports: [{port: web}]}]}}`,
			[]string{"elements = { 10.244.1.2 }", "ip saddr @pods0 tcp dport 8080 return"}, []string{"172.18.0.9"}},
		{"a pod selector alone means the policy's namespace", `{spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: client}}}]}]}}`,
			nil, []string{" return"}},
		{"a port name nobody has allows nothing", `{spec: {podSelector: {}, ingress: [{ports: [{port: nope}]}]}}`,
			nil, []string{" return"}},
		{"egress: block with exceptions, range, protocol alone", `{spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.244.0.0/16]}}], ports: [{port: 1000, endPort: 2000}, {protocol: UDP}]}]}}`,
			[]string{"ip daddr 10.0.0.0/8 ip daddr != { 10.244.0.0/16 } tcp dport 1000-2000 return", "meta l4proto udp return"}, []string{"jump in_"}},
		{"egress to a named port is the peer's own number", `{spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}, podSelector: {matchLabels: {app: client}}}], ports: [{port: web}]}]}}`,
			[]string{"ip daddr 10.244.1.2 tcp dport 8080 return"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := state{node: "here", podSubnet: "10.244.0.0/16", pods: []*corev1.Pod{server, client, host}}
			for _, n := range []string{"a", "b"} {
				s.namespaces = append(s.namespaces, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: n, Labels: map[string]string{"name": n}}})
			}
			if tc.policy != "" {
				p := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "p"}}
				if err := yaml.Unmarshal([]byte(tc.policy), p); err != nil {
					t.Fatal(err)
				}
				if p.Namespace == "" {
					p.Namespace = "a"
				}
				s.policies = append(s.policies, p)
			}
			got := s.ruleset()
			for _, w := range tc.want {
				if !strings.Contains(got, w) {
					t.Errorf("no %q in\n%s", w, got)
				}
			}
			for _, w := range tc.wantNone {
				if strings.Contains(got, w) {
					t.Errorf("%q in\n%s", w, got)
				}
			}
			if nft, err := exec.LookPath("nft"); err == nil {
				cmd := exec.Command(nft, "--check", "-f", "-")
				cmd.Stdin = strings.NewReader(got)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("nft refuses it: %s\n%s", out, got)
				}
			}
		})
	}
}
