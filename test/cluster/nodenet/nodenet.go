// Package nodenet is the network of a test cluster's nodes that share one layer-2
// network, as kind's do. On its node it
//
//   - routes every other node's pod range to that node,
//   - masquerades what pods send outside the pod network,
//   - enforces networking.k8s.io/v1 NetworkPolicy with nftables, and
//   - writes the CNI configuration (ptp + host-local + portmap + nodenet-cni),
//     last, so a node turns Ready only once policies are enforced on it.
//
// IPv4 only. A policy takes effect within about a tenth of a second of the API
// change, and holds for a new pod from its first packet (see nodenet-cni);
// connections already established are left alone (as the API allows).
package nodenet

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// routeProtocol marks this program's routes, so that stale ones can be found.
const routeProtocol = 178

const cniConf = `{
  "cniVersion": "0.3.1",
  "name": "nodenet",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni-ipam-state",
        "routes": [{"dst": "0.0.0.0/0"}],
        "ranges": [[{"subnet": %q}]]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}},
    {"type": "nodenet-cni"}
  ]
}
`

// Main runs until it is told to stop.
func Main() {
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	nodeName, podSubnet := os.Getenv("NODE_NAME"), os.Getenv("POD_SUBNET")
	if nodeName == "" || podSubnet == "" {
		log.Fatal("NODE_NAME and POD_SUBNET must be set")
	}
	cfg, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	if e := os.Getenv("CONTROL_PLANE_ENDPOINT"); e != "" { // set by kind: no need to wait for kube-proxy
		cfg.Host = "https://" + e
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	f := informers.NewSharedInformerFactory(client, 0)
	nodes, pods := f.Core().V1().Nodes(), f.Core().V1().Pods()
	namespaces, policies := f.Core().V1().Namespaces(), f.Networking().V1().NetworkPolicies()
	changed := make(chan struct{}, 1)
	poke := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { poke() },
		UpdateFunc: func(any, any) { poke() },
		DeleteFunc: func(any) { poke() },
	}
	for _, i := range []cache.SharedIndexInformer{nodes.Informer(), pods.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := i.AddEventHandler(handler); err != nil {
			log.Fatal(err)
		}
	}
	f.Start(ctx.Done())
	f.WaitForCacheSync(ctx.Done())
	starting := &starting{pods: map[string]*startingPod{}}
	if err := starting.serve(poke); err != nil {
		log.Fatal(err)
	}

	var applied string // the rule set in force
	var wroteCNI string
	sync := func() error {
		allNodes, err := nodes.Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		var podCIDR string
		for _, n := range allNodes {
			if n.Name == nodeName {
				podCIDR = n.Spec.PodCIDR
			}
		}
		if podCIDR == "" {
			return fmt.Errorf("node %s has no pod range yet", nodeName)
		}
		if err := syncRoutes(nodeName, allNodes); err != nil {
			return err
		}
		s := state{node: nodeName, podSubnet: podSubnet}
		if s.pods, err = pods.Lister().List(labels.Everything()); err != nil {
			return err
		}
		inForce := starting.addTo(s.pods)
		if s.namespaces, err = namespaces.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if s.policies, err = policies.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if rules := s.ruleset(); rules != applied {
			start := time.Now()
			if err := nft(ctx, rules); err != nil {
				return err
			}
			applied = rules
			log.Printf("applied %d bytes of rules for %d policies in %s", len(rules), len(s.policies), time.Since(start).Round(time.Millisecond))
		}
		inForce()
		if wroteCNI != podCIDR {
			if err := writeFile("/etc/cni/net.d/10-nodenet.conflist", fmt.Sprintf(cniConf, podCIDR)); err != nil {
				return err
			}
			wroteCNI = podCIDR
			log.Printf("wrote the CNI configuration for %s", podCIDR)
		}
		return nil
	}

	poke()
	retry := time.NewTicker(30 * time.Second)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return // the rules stay: policies hold while this program restarts
		case <-changed:
		case <-retry.C:
		}
		if err := sync(); err != nil {
			log.Printf("sync: %v", err)
			time.AfterFunc(time.Second, poke)
		}
		time.Sleep(50 * time.Millisecond) // gather a burst of changes
	}
}

// syncRoutes routes each other node's pod range to its address, and removes the
// routes of nodes that are gone.
func syncRoutes(self string, nodes []*corev1.Node) error {
	want := map[string]bool{}
	for _, n := range nodes {
		if n.Name == self || n.Spec.PodCIDR == "" {
			continue
		}
		_, dst, err := net.ParseCIDR(n.Spec.PodCIDR)
		if err != nil {
			return err
		}
		for _, a := range n.Status.Addresses {
			if gw := net.ParseIP(a.Address).To4(); a.Type == corev1.NodeInternalIP && gw != nil {
				want[dst.String()] = true
				if err := netlink.RouteReplace(&netlink.Route{Dst: dst, Gw: gw, Protocol: routeProtocol}); err != nil {
					return fmt.Errorf("route %s via %s: %w", dst, gw, err)
				}
				break
			}
		}
	}
	have, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: routeProtocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return err
	}
	for i := range have {
		if have[i].Dst != nil && !want[have[i].Dst.String()] {
			if err := netlink.RouteDel(&have[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeFile(path, content string) error {
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(tmp, []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
