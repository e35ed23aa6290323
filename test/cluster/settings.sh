# shellcheck shell=bash
# shellcheck disable=SC2034 # used where it is sourced
# Where the cluster's parts are, and what its scripts share. Sourced by them.
# HOLDFAST_CLUSTER_CACHE: all that is made. Not below node_modules: a cluster outlives `npm ci`, and serves other checkouts.
# HOLDFAST_CLUSTER_NODES: machines of the cluster, 3 when not set; the first is the control plane.
# HOLDFAST_CLUSTER_NODE_IMAGE: `published` or `built`; when not set, published where that can be had.
# DOCKER_HOST: a daemon to use. When not set, the machine's where it runs, else one of the cluster's own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
cluster=holdfast
cache=${HOLDFAST_CLUSTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/cluster}
bin=$cache/bin
mkdir -p "$bin"

kubernetes=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$here/go.mod")
node_image=holdfast.local/node:$kubernetes

export KUBECONFIG=$cache/kubeconfig
# Where Debian and Go's own installer put things, which not every shell has on its PATH.
export PATH=$bin:$PATH:/usr/sbin:/usr/local/go/bin
[[ -n ${DOCKER_HOST:-} ]] || docker version >/dev/null 2>&1 || export DOCKER_HOST=unix://$cache/docker.sock
# The builder that comes with Debian's Docker; the other one is a plugin.
export DOCKER_BUILDKIT=0

say() { printf 'cluster: %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  for hint; do printf 'hint: %s\n' "$hint" >&2; done
  exit 1
}

# step WHAT COMMAND...: says what it does, each half minute that it still does, and the end of what it wrote where it fails.
step() {
  local what=$1 log pid started=$SECONDS reported=0
  shift
  log=$(mktemp "$cache/step.XXXXXX")
  say "$what"
  "$@" >"$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - started >= reported + 30)); then
      reported=$((SECONDS - started))
      say "$what: still at it after $reported s"
    fi
  done
  wait "$pid" || {
    tail -n 40 "$log" >&2
    fail "$what: failed" "all of it is in $log"
  }
  rm -f "$log"
  say "$what: done in $((SECONDS - started)) s"
}

# digest WORD...: of these words; one that is a file or a folder counts with what is in it.
digest() {
  local word
  for word; do
    if [[ -e $word ]]; then
      find "$word" -type f -print0 | LC_ALL=C sort -z | xargs -0 cat
    else
      printf '%s\n' "$word"
    fi
  done | sha256sum | cut -c1-16
}

# kept FILE KEY: whether FILE is there and was made from what KEY digests. `made FILE KEY` says so of what has just been made.
kept() { [[ -e $1 && $(cat "$1.key" 2>/dev/null) == "$2" ]]; }
made() { printf '%s' "$2" >"$1.key"; }

# A folder of a module that go.mod names, downloaded where it is not yet.
module() { (cd "$here" && go mod download -json "$1" | jq -r .Dir); }
