#!/usr/bin/env bash
# Runs the Helm that scripts/helm/go.mod pins, built from its Go modules where it is not yet: scripts/helm.sh ARGUMENTS.
# Its release binaries would need another pinned download and its checksum; go.sum holds every module that it is made of.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
pinned=$(cat "$root"/scripts/helm/go.{mod,sum} | sha256sum | cut -c1-16)
helm=$root/node_modules/.cache/helm/$pinned/helm

if [[ ! -x $helm ]]; then
  command -v go >/dev/null || {
    printf 'error: go is needed to build Helm and not installed\n' >&2
    printf 'hint: install Go 1.21 or later: it fetches the Go that scripts/helm/go.mod names\n' >&2
    exit 1
  }
  mkdir -p "$(dirname "$helm")"
  exec 9>"$(dirname "$helm")/.lock"
  flock 9
  if [[ ! -x $helm ]]; then
    printf 'setup: building Helm, some minutes the first time\n' >&2
    (cd "$root/scripts/helm" &&
      CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o "$helm.new" helm.sh/helm/v4/cmd/helm) >&2
    mv "$helm.new" "$helm"
  fi
  exec 9>&-
fi
# Whatever Helm the user has besides: plugins and repositories of theirs play no part here.
export HELM_CONFIG_HOME=$root/node_modules/.cache/helm/config HELM_CACHE_HOME=$root/node_modules/.cache/helm/cache \
  HELM_DATA_HOME=$root/node_modules/.cache/helm/data
exec "$helm" "$@"
