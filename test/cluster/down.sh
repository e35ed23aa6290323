#!/usr/bin/env bash
# Deletes the cluster and ends the Docker daemon that was started for it. What was built stays in the cache.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
if docker version >/dev/null 2>&1; then kind delete cluster --name "$cluster"; fi
"$here/dockerd.sh" stop
