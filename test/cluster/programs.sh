#!/usr/bin/env bash
# Programs of the cluster from their Go modules, in the cache's bin folder: programs.sh PROGRAM...
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
export HOLDFAST_GO_TOOLS=$cache/go

# As Kubernetes' own build stamps it: kubeadm and kubelet insist on a version that fits the other's.
stamp() {
  local package minor
  minor=$(cut -d. -f2 <<<"$kubernetes")
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- '-X %s ' "$package.gitVersion=$kubernetes" "$package.gitMajor=1" "$package.gitMinor=$minor" \
      "$package.gitTreeState=clean" "$package.gitCommit=module" "$package.buildDate=2026-01-01T00:00:00Z"
  done
}

for program; do
  folder=test/cluster
  case $program in
    # Of a module of its own, since it is not made for the release of client-go that Kubernetes itself has.
    coredns) folder=test/cluster/coredns package=holdfast.dev/cluster/coredns ;;
    kind) package=sigs.k8s.io/kind ;;
    kubectl) package=k8s.io/kubernetes/cmd/kubectl ;;
    local-path-provisioner) package=github.com/rancher/local-path-provisioner ;;
    *) package=./$program ;;
  esac
  ldflags=
  [[ $program != kube* ]] || ldflags=$(stamp)
  # The path has a digest of the sources in it, so that links tell whether what was made from them is still good.
  path=$("$root/scripts/go-tool.sh" "$folder" "$package" "$ldflags")
  ln -sfn "$path" "$bin/$program"
  [[ $program != kube ]] || for name in kubeadm kubectl; do ln -sfn "$path" "$bin/$name"; done
done
