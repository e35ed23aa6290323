#!/usr/bin/env bash
# update-kubernetes.sh v1.34.4: writes that release into go.mod. What Kubernetes has as folders of its repository are modules
# of the same release elsewhere, v0.34.4.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
version=$1
mod=$(go mod download -json "k8s.io/kubernetes@$version" | jq -r .GoMod)
mapfile -t replace < <(sed -n "s#^[[:space:]]*\(k8s.io/[^ ]*\) => ./staging/.*#-replace=\1=\1@v0.${version#v1.}#p" "$mod")
go mod edit -require="k8s.io/kubernetes@$version" "${replace[@]}"
go mod tidy
