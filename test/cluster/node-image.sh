#!/usr/bin/env bash
# kind's node image, built here: Debian with systemd and containerd, kind's own entrypoint and units from its Go module, the
# programs of Kubernetes, and the images of images.sh in containerd's store.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
kind=$(module sigs.k8s.io/kind)
key=$(digest "$here/node-image.sh" "$here/cni.yaml" "$cache"/{images,node-rootfs}.tar.key "$kind/go.mod" "$(cd "$bin" && readlink kube nodenet-cni)")
[[ $(docker image inspect -f '{{.Config.Labels.key}}' "$node_image" 2>/dev/null) != "$key" ]] || exit 0
files=$kind/images/base/files
pause=$(kubeadm config images list --kubernetes-version "$kubernetes" | grep /pause:)
container=
folder=$(mktemp -d "$cache/node.XXXXXX")
trap '[[ -z $container ]] || docker rm -f -v "$container" >/dev/null; rm -rf "$folder"' EXIT
chmod 755 "$folder"
tar -C "$folder" -xf "$cache/node-rootfs.tar"

# What kind's base image has on top of its packages.
mkdir -p "$folder"/kind/{bin,manifests} "$folder"/etc/{containerd,kubernetes/manifests,systemd/system/kubelet.service.d} "$folder"/opt/cni/bin
install -m 755 "$files/usr/local/bin/entrypoint" "$folder/usr/local/bin/"
install -m 755 "$files"/kind/bin/* "$folder/kind/bin/"
install -m 644 "$files/etc/crictl.yaml" "$folder/etc/"
install -m 644 "$files/etc/default/kubelet" "$folder/etc/default/"
install -m 644 "$files"/etc/sysctl.d/* "$folder/etc/sysctl.d/"
install -m 644 "$files"/etc/systemd/system/{kubelet.slice,kubelet.service,containerd.service,undo-mount-hacks.service} "$folder/etc/systemd/system/"
install -m 644 "$files"/etc/systemd/system/kubelet.service.d/* "$folder/etc/systemd/system/kubelet.service.d/"

# Debian has containerd in /usr/bin, and its network plugins in /usr/lib/cni.
sed -i 's#/usr/local/bin/containerd#/usr/bin/containerd#' "$folder/etc/systemd/system/containerd.service"
for plugin in host-local loopback ptp portmap; do ln -s "/usr/lib/cni/$plugin" "$folder/opt/cni/bin/$plugin"; done
install -m 755 "$bin/nodenet-cni" "$folder/opt/cni/bin/"
# kubeadm's pause image; no fuse-overlayfs; and no lowering of oom_score_adj, for which a machine may lack CAP_SYS_RESOURCE.
sed -e "s#sandbox_image = .*#sandbox_image = \"$pause\"#" -e '/^\[proxy_plugins/,/address = /d' \
  -e 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' \
  "$files/etc/containerd/config.toml" >"$folder/etc/containerd/config.toml"
cat >>"$folder/etc/containerd/config.toml" <<'X'

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/opt/cni/bin"
  conf_dir = "/etc/cni/net.d"
X
chroot "$folder" ctr oci spec |
  jq '.hooks.createContainer += [{path: "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' >"$folder/etc/containerd/cri-base.json"

# systemd: only what a node needs.
rm -f "$folder"/lib/systemd/system/{multi-user,local-fs,basic}.target.wants/* "$folder"/etc/systemd/system/*.wants/* \
  "$folder"/lib/systemd/system/sockets.target.wants/*{udev,initctl}* "$folder"/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service
echo 'ReadKMsg=no' >>"$folder/etc/systemd/journald.conf"
chroot "$folder" systemctl --quiet enable kubelet.service containerd.service undo-mount-hacks.service
chroot "$folder" systemctl --quiet mask systemd-binfmt.service

install -m 755 "$bin/kube" "$folder/usr/bin/kube"
for name in kubelet kubeadm kubectl crictl; do ln -s kube "$folder/usr/bin/$name"; done
printf '%s' "$kubernetes" >"$folder/kind/version"
install -m 644 "$here/cni.yaml" "$folder/kind/manifests/default-cni.yaml"
# kind has it as a constant of its own program.
sed -n '/^const defaultStorageManifest = `$/,/^`$/{//!p}' "$kind/pkg/build/nodeimage/const_storage.go" |
  sed 's/` + storage[A-Za-z]*Image + `/holdfast.local\/storage:v1/' >"$folder/kind/manifests/default-storage.yaml"
[[ $(grep -c 'holdfast.local/storage:v1' "$folder/kind/manifests/default-storage.yaml") -eq 3 ]] ||
  fail "kind's storage manifest is not where it was" "look for it in $kind/pkg/build/nodeimage"
rm -rf "$folder"/var/lib/apt/lists/* "$folder"/var/cache/apt/*
: >"$folder/etc/machine-id"
tar -C "$folder" --numeric-owner -c . | docker import - "$node_image-base"

# As kind's own build does it: containerd runs once in the image, which is then committed. Unpacking waits for the node,
# since overlayfs does not stack. An imported image has no STOPSIGNAL: what is committed has that of the container.
container=$(docker run -d --privileged --stop-signal SIGRTMIN+3 -e container=docker --entrypoint sleep "$node_image-base" infinity)
docker exec -d "$container" containerd
for ((i = 0; i < 60; i++)); do
  docker exec "$container" ctr version >/dev/null 2>&1 && break
  sleep 0.5
done
docker exec -i "$container" ctr -n k8s.io images import --all-platforms --no-unpack --digests - <"$cache/images.tar"
docker exec "$container" sh -c 'kill $(pidof containerd); while pidof containerd >/dev/null; do sleep 0.1; done'
docker commit --change 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]' --change 'CMD []' --change "LABEL key=$key" "$container" "$node_image"
