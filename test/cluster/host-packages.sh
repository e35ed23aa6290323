#!/usr/bin/env bash
# The machine's own packages: `host-packages.sh PROGRAM=PACKAGE...` installs those whose program is missing.
set -euo pipefail
PATH=$PATH:/usr/sbin
missing=()
for pair; do command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}"); done
((${#missing[@]} > 0)) || exit 0
if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
  printf 'error: the test cluster needs packages that are not installed: %s\n' "${missing[*]}" >&2
  printf 'hint: on Debian: sudo apt-get install --no-install-recommends %s\n' "${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "${missing[@]}"
