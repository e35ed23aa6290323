#!/usr/bin/env bash
# Makes what is missing, then the cluster, and prints the environment in which kind, kubectl and docker find it: NAME=VALUE a
# line. What is there already is left alone. Settings: see settings.sh.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
exec 3>&1 >&2
exec 9>"$cache/.lock"
flock 9

step 'packages for containers' "$here/host-packages.sh" jq=jq dockerd=docker.io containerd=containerd runc=runc \
  iptables=iptables nft=nftables
"$here/dockerd.sh" start 3>&- 9>&- # it outlives whoever reads these
"$here/programs.sh" kind

# kind's own node image, by digest, where it is here or its registry answers.
published() {
  [[ ${HOLDFAST_CLUSTER_NODE_IMAGE:-} != built ]] || return
  local image
  image=$(sed -n 's/^const Image = "\(.*\)"$/\1/p' "$(module sigs.k8s.io/kind)/pkg/apis/config/defaults/image.go")
  docker image inspect "$image" >/dev/null 2>&1 ||
    timeout 20 docker manifest inspect "$image" >/dev/null 2>&1 ||
    [[ ${HOLDFAST_CLUSTER_NODE_IMAGE:-} == published ]] || return
  printf '%s\n' "$image"
}

if image=$(published); then
  step "kind's node image" docker pull --quiet "$image"
  "$here/programs.sh" kubectl
else
  say "kind's node image cannot be had here: one is built, which takes a quarter of an hour the first time"
  image=$node_image
  step 'packages for a node' "$here/host-packages.sh" mmdebstrap=mmdebstrap eatmydata=eatmydata busybox=busybox
  # It waits for the network and the disk while the compiler does not.
  step "a node's Debian" "$here/node-rootfs.sh" &
  rootfs=$!
  step 'programs of Kubernetes' "$here/programs.sh" kube coredns local-path-provisioner nodenet-cni pause
  wait "$rootfs"
  step "images of the cluster's own parts" "$here/images.sh"
  step 'node image' "$here/node-image.sh"
fi

# Systemd, kubelet and containerd of each node watch files: more than a machine allows by default.
if (($(sysctl -n fs.inotify.max_user_instances) < 1024)); then
  sysctl -q -w fs.inotify.max_user_instances=1024 || say 'fs.inotify.max_user_instances is below 1024: nodes may fail to start'
fi

{
  printf 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n'
  # An image that is built here has nft for kube-proxy, and no iptables.
  printf 'networking: { kubeProxyMode: nftables }\n'
  printf 'nodes:\n  - role: control-plane\n'
  for ((i = 1; i < ${HOLDFAST_CLUSTER_NODES:-3}; i++)); do printf '  - role: worker\n'; done
} >"$cache/kind.yaml"
key=$(digest "$(docker image inspect -f '{{.Id}}' "$image")" "$cache/kind.yaml")
if ! { kind get clusters --quiet | grep -qx "$cluster" && kept "$cache/kubeconfig" "$key"; }; then
  kind delete cluster --quiet --name "$cluster"
  step "cluster $cluster" kind create cluster --name "$cluster" --image "$image" --config "$cache/kind.yaml" --retain --wait 5m
  made "$cache/kubeconfig" "$key"
fi
kubectl wait --for=condition=Ready node --all --timeout=120s >/dev/null ||
  fail "cluster $cluster is there and not ready" 'test/cluster/down.sh deletes it'
printf '%s\n' "PATH=$PATH" "KUBECONFIG=$KUBECONFIG" "DOCKER_BUILDKIT=$DOCKER_BUILDKIT" ${DOCKER_HOST:+"DOCKER_HOST=$DOCKER_HOST"} >&3
