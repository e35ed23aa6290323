package nodenet

import (
	"encoding/json"
	"log"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const socket = "/run/nodenet/nodenet.sock"

// starting holds the pods that the CNI plugin has announced and whose status does
// not show their address yet.
type starting struct {
	mu   sync.Mutex
	pods map[string]*startingPod // by namespace/name
}

type startingPod struct {
	Namespace, Name, IP string

	at      time.Time
	waiting []chan struct{} // closed once rules that know the pod are in force
}

// serve answers the CNI plugin: each connection announces one pod, and is
// answered when the pod's rules are in force.
func (s *starting) serve(changed func()) error {
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		return err
	}
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				log.Fatal(err)
			}
			go s.answer(c, changed)
		}
	}()
	return nil
}

func (s *starting) answer(c net.Conn, changed func()) {
	defer c.Close()
	p := &startingPod{at: time.Now()}
	if err := json.NewDecoder(c).Decode(p); err != nil {
		log.Printf("CNI plugin: %v", err)
		return
	}
	done := make(chan struct{})
	s.mu.Lock()
	p.waiting = []chan struct{}{done}
	s.pods[p.Namespace+"/"+p.Name] = p
	s.mu.Unlock()
	changed()
	answer := ""
	select {
	case <-done:
	case <-time.After(15 * time.Second):
		answer = "no rules yet for " + p.Namespace + "/" + p.Name
	}
	if err := json.NewEncoder(c).Encode(answer); err != nil {
		log.Printf("CNI plugin: %v", err)
	}
}

// addTo gives announced pods their address, and returns what to call once rules
// made from the result are in force.
func (s *starting) addTo(pods []*corev1.Pod) (inForce func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ready []chan struct{}
	known := map[string]bool{}
	for i, pod := range pods {
		known[key(pod)] = true
		p := s.pods[key(pod)]
		if p == nil {
			continue
		}
		ready = append(ready, p.waiting...)
		p.waiting = nil
		if pod.Status.PodIP == p.IP {
			delete(s.pods, key(pod)) // its status has caught up
			continue
		}
		c := *pod // shared with the informer: not to be written to
		c.Status.PodIP = p.IP
		pods[i] = &c
	}
	for k, p := range s.pods {
		if !known[k] && time.Since(p.at) > time.Minute {
			delete(s.pods, k)
		}
	}
	return func() {
		for _, c := range ready {
			close(c)
		}
	}
}
