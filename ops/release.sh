#!/usr/bin/env bash
# Builds what is given to people: one static binary, for the kind of machine it is built on. Then
# it has to run a job in a directory that has nothing else in it.
#
#   ops/release.sh [BIN…]    the binaries of the workspace, `gadus` first; target/release/BIN
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
host=$(rustc -vV | sed -n 's/^host: //p')
bins=("${@:-gadus}")

# The target is named so that the flags are for it alone: proc macros cannot be static. Random
# bytes come from the kernel's own call: where the C library's is looked up by name, a static
# binary finds none, and would need /dev.
unset CARGO_ENCODED_RUSTFLAGS
RUSTFLAGS="-C target-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\"" \
  CARGO_TARGET_DIR=$target "${CARGO:-cargo}" build --quiet --release --target "$host" --workspace \
  "${bins[@]/#/--bin=}"
mkdir -p "$target/release"
for bin in "${bins[@]}"; do
  cp -f "$target/$host/release/$bin" "$target/release/"
  if readelf -lW "$target/release/$bin" | grep -q INTERP; then
    echo "release: $bin is not static" >&2
    exit 1
  fi
done
[ -e "$target/release/gadus" ] || exit 0

world=$(mktemp -d "${TMPDIR:-/tmp}/gadus-release.XXXXXX")
touch "$world/log"
finish() {
  status=$?
  stop
  [ $status -eq 0 ] || cat "$world/log" >&2
  chmod -R u+w "$world"
  rm -rf "$world"
  exit $status
}
# A node that does not end when it is asked to is ended all the same.
stop() {
  [ -n "${node:-}" ] || return 0
  kill "$node" 2>/dev/null || true
  timeout 20 tail --pid="$node" -f /dev/null || kill -9 "$node" 2>/dev/null || true
  wait "$node" 2>/dev/null || true
  node=
}
trap finish EXIT
cp "$target/release/gadus" "$world/gadus"
echo '(module (memory (export "memory") 1) (func (export "_start")))' >"$world/nothing.wat"

# Runs a job on a node: what enters the world of both, and where they find their things there.
try_out() {
  local at=$1 n=0 port
  shift
  "$@" "$at/gadus" serve --data-dir "$at/data" --network "release-$$" \
    --api 127.0.0.1:0 --listen /ip4/127.0.0.1/tcp/0 2>"$world/log" &
  node=$!
  until port=$(grep -m1 -oP 'http://127\.0\.0\.1:\K[0-9]+' "$world/log"); do
    n=$((n + 1))
    [ $n -le 100 ] || return 1
    sleep 0.05
  done
  # By a name: a resolver that needs the C library's modules finds no localhost in an empty world.
  "$@" "$at/gadus" --api "localhost:$port" wasm run "$at/nothing.wat" 2>>"$world/log"
  stop
}

# As it is used: its compiler is a process of its own.
try_out "$world" env
if grep -q "compiled in the process of the node" "$world/log"; then exit 1; fi
rm -rf "$world/data"
if [ "$(id -u)" -eq 0 ]; then enter=(chroot); else enter=(unshare --map-root-user --root); fi
if ! "${enter[@]}" / true 2>/dev/null; then
  echo "release: not tried out in an empty directory: this user may not make one its root" >&2
  exit 0
fi
try_out "" "${enter[@]}" "$world"
