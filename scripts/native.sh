#!/usr/bin/env bash
# Builds the signer's addon into dist/holdfast.node, or checks it. Usage: scripts/native.sh usable|build|check
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../signer/native"

# As Cargo.toml says: an older one fails with many words.
wanted=1.88
# Where Rust's own installer puts it, which not every shell has on its PATH.
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin

# Says in one line why there is no Rust that can build it.
usable() {
  local found
  found=$(cargo --version 2>/dev/null | cut -d' ' -f2) || true
  [[ -n $found ]] || { printf 'no cargo'; return 1; }
  [[ $(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -1) == "$wanted" ]] || { printf 'cargo is %s' "$found"; return 1; }
}

# Messages of panics have the paths of sources: crates are in /cargo there, wherever and from which registry they are here.
same_paths() {
  local home=${CARGO_HOME:-$HOME/.cargo} folder flags=()
  cargo fetch --locked --target "$(rustc --print host-tuple)"
  # Of flags that match, the last one counts.
  for folder in "$home" "$home"/registry/src/*; do flags+=("--remap-path-prefix=$folder=/cargo"); done
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && printf '%s' "${flags[*]}")
  export CARGO_ENCODED_RUSTFLAGS
}

case ${1:-} in
  usable) usable ;;
  build)
    same_paths
    cargo build --release --locked --target-dir target
    # Renamed into place: a signer that starts meanwhile loads the old one or the new one.
    cp target/release/libholdfast_native.so ../../dist/holdfast.node.new
    mv ../../dist/holdfast.node.new ../../dist/holdfast.node
    ;;
  check)
    cargo fmt --check
    cargo clippy --locked --all-targets --target-dir target -- -D warnings
    cargo test --locked --target-dir target
    ;;
  *)
    echo 'usage: scripts/native.sh usable|build|check' >&2
    exit 2
    ;;
esac
