#!/usr/bin/env bash
# Prints the path of a program that is built from a folder's pinned Go modules where it is not yet:
# scripts/go-tool.sh FOLDER PACKAGE [LDFLAGS]. go.sum there holds every module that it is made of.
# HOLDFAST_GO_TOOLS is where programs are kept, node_modules/.cache/go when it is not set.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
folder=$root/$1 package=$2 ldflags="-s -w ${3:-}"
name=$(basename "$package")
key=$({
  printf '%s\n' "$package" "$ldflags"
  find "$folder" \( -name 'go.mod' -o -name 'go.sum' -o -name '*.go' ! -name '*_test.go' \) -print0 | LC_ALL=C sort -z | xargs -0 cat
} | sha256sum | cut -c1-16)
program=${HOLDFAST_GO_TOOLS:-$root/node_modules/.cache/go}/$name-$key

if [[ ! -x $program ]]; then
  # Where Go's own installer puts it, which not every shell has on its PATH.
  PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || {
    printf 'error: go is needed to build %s and not installed\n' "$name" >&2
    printf 'hint: install Go 1.21 or later: it fetches the Go that %s/go.mod names\n' "$1" >&2
    exit 1
  }
  mkdir -p "$(dirname "$program")"
  # One build at a time: the second finds what the first made.
  exec 9>"$(dirname "$program")/.lock"
  flock 9
  if [[ ! -x $program ]]; then
    printf 'setup: building %s, some minutes the first time\n' "$name" >&2
    (cd "$folder" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags="$ldflags" -o "$program.new" "$package") >&2
    mv "$program.new" "$program"
  fi
  exec 9>&-
fi
printf '%s\n' "$program"
