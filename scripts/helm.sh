#!/usr/bin/env bash
# Runs the Helm that scripts/helm/go.mod pins: scripts/helm.sh ARGUMENTS. Built from its modules, because a release's binary
# would be one more download and checksum to keep.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
helm=$("$root/scripts/go-tool.sh" scripts/helm helm.sh/helm/v4/cmd/helm)
# Whatever Helm the user has besides: plugins and repositories of theirs play no part here.
own=$root/node_modules/.cache/helm
export HELM_CONFIG_HOME=$own/config HELM_CACHE_HOME=$own/cache HELM_DATA_HOME=$own/data
exec "$helm" "$@"
