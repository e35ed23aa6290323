// Package crictl is the small part of cri-tools' crictl that kind and a person
// looking into a node need: inspecti, images, pods, ps. It speaks CRI v1.
package crictl

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Main does what os.Args say.
func Main() {
	if len(os.Args) < 2 {
		die(fmt.Errorf("usage: crictl inspecti IMAGE | images | pods | ps"))
	}
	endpoint := os.Getenv("CONTAINER_RUNTIME_ENDPOINT")
	if endpoint == "" {
		endpoint = "unix:///run/containerd/containerd.sock"
	}
	conn, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		die(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	images, runtime := cri.NewImageServiceClient(conn), cri.NewRuntimeServiceClient(conn)

	switch os.Args[1] {
	case "inspecti":
		if len(os.Args) < 3 {
			die(fmt.Errorf("usage: crictl inspecti IMAGE"))
		}
		name := os.Args[len(os.Args)-1]
		r, err := images.ImageStatus(ctx, &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: name}})
		if err != nil {
			die(err)
		}
		if r.Image == nil {
			die(fmt.Errorf("no such image %q present", name))
		}
		out := map[string]any{"status": map[string]any{
			"id": r.Image.Id, "repoTags": r.Image.RepoTags, "repoDigests": r.Image.RepoDigests,
			"size": strconv.FormatUint(r.Image.Size, 10), "username": r.Image.Username,
		}}
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(out); err != nil {
			die(err)
		}
	case "images":
		r, err := images.ListImages(ctx, &cri.ListImagesRequest{})
		if err != nil {
			die(err)
		}
		for _, i := range r.Images {
			fmt.Println(i.Id, i.Size, i.RepoTags)
		}
	case "pods":
		r, err := runtime.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{})
		if err != nil {
			die(err)
		}
		for _, p := range r.Items {
			fmt.Println(p.Id, p.State, p.Metadata.Namespace+"/"+p.Metadata.Name)
		}
	case "ps":
		r, err := runtime.ListContainers(ctx, &cri.ListContainersRequest{})
		if err != nil {
			die(err)
		}
		for _, c := range r.Containers {
			fmt.Println(c.Id, c.State, c.Metadata.Name, c.Image.GetImage())
		}
	default:
		die(fmt.Errorf("crictl: %q is not in this small crictl", os.Args[1]))
	}
}

func die(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
