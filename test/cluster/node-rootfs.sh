#!/usr/bin/env bash
# The Debian of a node that is built here, as an archive in the cache.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
suite=bookworm # its systemd still runs where a machine has version 1 of cgroups, as those from 258 on do not
packages=usr-is-merged,systemd,systemd-sysv,util-linux,mount,kmod,procps,hostname,bash,jq,curl,ca-certificates
packages+=,iproute2,iptables,nftables,conntrack,ethtool,socat,e2fsprogs,libseccomp2
packages+=,containerd,runc,containernetworking-plugins
out=$cache/node-rootfs.tar
key=$(digest "$suite" "$packages")
kept "$out" "$key" && exit
hooks=/usr/share/mmdebstrap/hooks
mmdebstrap --quiet --variant=minbase --include="$packages" --hook-dir=$hooks/merged-usr --hook-dir=$hooks/eatmydata \
  --aptopt='Acquire::Languages "none"' --aptopt='Apt::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/'{man,doc,locale}'/*' "$suite" "$out"
made "$out" "$key"
