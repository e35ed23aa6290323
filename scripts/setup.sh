#!/usr/bin/env bash
# Makes a fresh clone ready: system tools, packages as locked, bundles. What is there already is left alone, so that
# every npm script can start with it. Usage: scripts/setup.sh [--no-bundles [--addon]] [--try TOOL] [TOOL...]; a TOOL to
# try is installed where that is possible, else whoever wants it says that it is missing. With the bundles comes the
# signer's addon, and --addon makes that alone.
# Nothing goes to stdout, which belongs to the command that follows.
set -euo pipefail
exec >&2
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$1"
  shift
  for hint in "$@"; do printf 'hint: %s\n' "$hint"; done
  exit 1
}

# Runs a command whose output matters only when it fails; says every 10 s that it still runs.
quietly() {
  local what=$1 log pid started=$SECONDS reported=0
  shift
  log=$(mktemp)
  say "$what"
  # It keeps the lock open: where this script is ended first, the next set-up waits for what is still at work.
  "$@" >"$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - started >= reported + 10)); then
      reported=$((SECONDS - started))
      say "still at it after $reported s"
    fi
  done
  if ! wait "$pid"; then
    cat "$log"
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
  say "done in $((SECONDS - started)) s"
}

declare -A package_of=([ssh-keygen]=openssh-client [npm]=npm [flock]=util-linux [cmp]=diffutils [softhsm2-util]=softhsm2)

need() {
  local tool=$1 package=${package_of[$1]:-$1}
  command -v "$tool" >/dev/null && return
  if [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
    quietly "installing $package, for $tool" env DEBIAN_FRONTEND=noninteractive \
      bash -c "apt-get update -q && apt-get install -q -y --no-install-recommends $package" && command -v "$tool" >/dev/null && return
  fi
  fail "$tool is needed and not installed" "install it, on Debian: sudo apt-get install $package"
}

try() {
  local tool=$1 package=${package_of[$1]:-$1}
  command -v "$tool" >/dev/null && return
  [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null || return 0
  say "installing $package, for $tool"
  DEBIAN_FRONTEND=noninteractive timeout 60 \
    bash -c "apt-get update -q && apt-get install -q -y --no-install-recommends $package" >/dev/null 2>&1 ||
    say "$package could not be installed within a minute: going on without"
}

install_packages() {
  cmp -s package-lock.json node_modules/.installed-lock && return
  need npm
  quietly 'installing packages, about half a minute' \
    npm ci --include=dev --include=optional --no-audit --no-fund --no-update-notifier --loglevel=error ||
    fail 'packages could not be installed' 'npm above says why; npm ci needs the package registry'
  cp package-lock.json node_modules/.installed-lock
}

# Bundles are as new as their newest source; folders count too, since they change when a file goes.
sources=(client cli common crds hsm operator policy proto signer statement scripts package.json package-lock.json)

bundle() {
  if [[ -f dist/meta.json ]]; then
    local newer
    newer=$(find "${sources[@]}" -path signer/native/target -prune -o -newer dist/meta.json ! -name '*.test.ts' -print -quit \
      2>/dev/null || true)
    [[ -z $newer ]] && return
  fi
  quietly 'bundling' node_modules/.bin/node scripts/bundle.ts || fail 'the bundles could not be made'
}

# Where there is no Rust, everything but what only the addon can do works without it.
addon() {
  [[ ${HOLDFAST_NATIVE:-} == off ]] && return
  local made=dist/holdfast.node newer why
  if [[ -f $made ]]; then
    newer=$(find signer/native/{src,build.rs,Cargo.toml,Cargo.lock} scripts/native.sh -newer "$made" -print -quit)
    [[ -z $newer ]] && return
  fi
  if ! why=$(scripts/native.sh usable); then
    rm -f "$made"
    say "without the signer's addon, so without ECDSA, and with FROST in JavaScript: $why, and cargo 1.88 or later builds it"
    return
  fi
  quietly "building the signer's addon, a minute or two the first time" scripts/native.sh build ||
    fail "the signer's addon could not be built" 'cargo above says why; HOLDFAST_NATIVE=off goes without it'
}

need flock
# One setup at a time: the second waits and then finds everything done.
mkdir -p dist 2>/dev/null || true
[[ -w dist ]] || fail "$PWD is not writable" 'run it as the user who owns the folder, or in a clone of your own'
exec 9>dist/.setup.lock
flock -w 1 9 || { say 'waiting for another setup of this folder'; flock 9; }

need cmp
bundles=true addon=true
while (($# > 0)); do
  case $1 in
    --no-bundles) bundles=false addon=false ;;
    --addon) addon=true ;;
    --try)
      shift
      try "${1:?--try wants a tool}"
      ;;
    *) need "$1" ;;
  esac
  shift
done
install_packages
[[ -x node_modules/.bin/node ]] ||
  fail "no Node 24 for this machine ($(uname -sm))" 'it comes with the packages, for Linux on x86-64 and arm64'
if $bundles; then bundle; fi
if $addon; then addon; fi
