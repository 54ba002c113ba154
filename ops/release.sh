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
RUSTFLAGS="-C target-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\"" \
  "${CARGO:-cargo}" build --quiet --release --target "$host" --workspace "${bins[@]/#/--bin=}"
mkdir -p "$target/release"
for bin in "${bins[@]}"; do
  cp -f "$target/$host/release/$bin" "$target/release/"
done

gadus=$(readlink -f "$target/release/gadus")
[ -e "$gadus" ] || exit 0
if [ "$(id -u)" -eq 0 ]; then enter=(chroot); else enter=(unshare --map-root-user --root); fi
if ! "${enter[@]}" / true 2>/dev/null; then
  echo "release: built, but not tried out: this user may not make a directory its root" >&2
  exit 0
fi
world=$(mktemp -d /tmp/gadus-release.XXXXXX)
finish() {
  status=$?
  if [ -n "${node:-}" ]; then kill "$node" 2>/dev/null || true; wait "$node" 2>/dev/null || true; fi
  [ $status -eq 0 ] || cat "$world/log" >&2
  chmod -R u+w "$world"
  rm -rf "$world"
  exit $status
}
trap finish EXIT
cp "$gadus" "$world/gadus"
echo '(module (memory (export "memory") 1) (func (export "_start")))' >"$world/nothing.wat"
"${enter[@]}" "$world" /gadus serve --data-dir /data --network "release-$$" \
  --api 127.0.0.1:0 --listen /ip4/127.0.0.1/tcp/0 2>"$world/log" &
node=$!
n=0
until port=$(grep -m1 -oP 'http://127\.0\.0\.1:\K[0-9]+' "$world/log"); do
  n=$((n + 1))
  [ $n -le 100 ] || exit 1
  sleep 0.05
done
# By a name: a resolver that needs the C library's modules finds no localhost here.
"${enter[@]}" "$world" /gadus --api "localhost:$port" wasm run /nothing.wat 2>>"$world/log"
