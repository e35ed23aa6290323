#!/usr/bin/env bash
# Images of the cluster's own parts, for a node that is built here, as one archive in the cache. Their names and tags are the
# ones that kubeadm and kind ask for.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
programs=(kube coredns pause local-path-provisioner)
out=$cache/images.tar
key=$(digest "$here/images.sh" "$here/root-folder.sh" "$kubernetes" "$(cd "$bin" && readlink "${programs[@]}")")
kept "$out" "$key" && exit
source "$here/root-folder.sh"
work=$(mktemp -d "$cache/images.XXXXXX")
trap 'rm -rf "$work"' EXIT
images=()

# image FOLDER TAG [docker import OPTION...]
image() {
  archive "$work/$1" | docker import "${@:3}" - "$2"
  images+=("$2")
}
wanted=$(kubeadm config images list --kubernetes-version "$kubernetes")
name_of() { grep "/$1:" <<<"$wanted"; }

# One image under several names: manifests say which of the programs to run.
root_folder "$work/kube" "$(readlink -f "$bin/kube"):/usr/local/bin/kube" /usr/sbin/nft # kube-proxy and nodenet call nft
links=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy etcd)
for link in "${links[@]}" nodenet; do ln -s kube "$work/kube/usr/local/bin/$link"; done
image kube holdfast.local/nodenet:v1
for link in "${links[@]}"; do
  docker tag holdfast.local/nodenet:v1 "$(name_of "$link")"
  images+=("$(name_of "$link")")
done
root_folder "$work/coredns" "$(readlink -f "$bin/coredns"):/coredns"
image coredns "$(name_of coredns)" -c 'ENTRYPOINT ["/coredns"]'
root_folder "$work/pause" "$(readlink -f "$bin/pause"):/pause"
image pause "$(name_of pause)" -c 'ENTRYPOINT ["/pause"]' -c 'USER 65535:65535'
# The provisioner runs pods with a shell, of the same image.
root_folder "$work/storage" "$(readlink -f "$bin/local-path-provisioner"):/usr/local/bin/local-path-provisioner" /bin/busybox
for applet in $(busybox --list); do [[ $applet == busybox ]] || ln -s busybox "$work/storage/bin/$applet"; done
image storage holdfast.local/storage:v1

docker save -o "$out" "${images[@]}"
made "$out" "$key"
