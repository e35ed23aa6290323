#!/usr/bin/env bash
# Prints the path of a program that is built from a folder's pinned Go modules where it is not yet:
# scripts/go-tool.sh FOLDER PACKAGE. go.sum there holds every module that it is made of.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
folder=$root/$1 package=$2
shopt -s nullglob
sources=("$folder"/go.mod "$folder"/go.sum "$folder"/*.go)
program=$root/node_modules/.cache/go/$(basename "$folder")-$(cat "${sources[@]}" | sha256sum | cut -c1-16)

if [[ ! -x $program ]]; then
  # Where Go's own installer puts it, which not every shell has on its PATH.
  PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || {
    printf 'error: go is needed for the checks of the chart and not installed\n' >&2
    printf 'hint: install Go 1.21 or later: it fetches the Go that %s/go.mod names\n' "$1" >&2
    exit 1
  }
  mkdir -p "$(dirname "$program")"
  # One build at a time: the second finds what the first made.
  exec 9>"$(dirname "$program")/.lock"
  flock 9
  if [[ ! -x $program ]]; then
    printf 'setup: building %s, some minutes the first time\n' "$(basename "$folder")" >&2
    (cd "$folder" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags='-s -w' -o "$program.new" "$package") >&2
    mv "$program.new" "$program"
  fi
  exec 9>&-
fi
printf '%s\n' "$program"
