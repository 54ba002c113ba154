#!/bin/sh
# Builds the programs of integration/e2e/programs into OUT_DIR: NAME.wasm for WASI, and NAME, a
# static binary of this machine for container images. Builds only what is older than its source,
# and says nothing unless something goes wrong.
#
#   ops/build-wasm.sh OUT_DIR
#
# Needs Debian's clang, lld, wasi-libc and libclang-rt-14-dev-wasm32, and a C compiler as `cc`;
# ops/setup.sh installs them. WASI_SYSROOT overrides /usr, CLANG and CC the compilers.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: ops/build-wasm.sh OUT_DIR" >&2
    exit 2
fi
out=$1
here=$(cd "$(dirname "$0")/.." && pwd)
clang=${CLANG:-clang}
sysroot=${WASI_SYSROOT:-/usr}

missing() {
    echo "build-wasm: $1; run ops/setup.sh" >&2
    exit 1
}
command -v "$clang" >/dev/null 2>&1 || missing "no clang"
command -v wasm-ld >/dev/null 2>&1 || command -v wasm-ld-14 >/dev/null 2>&1 || missing "no wasm-ld"
[ -e "$sysroot/lib/wasm32-wasi/crt1.o" ] || missing "no wasi-libc below $sysroot"

mkdir -p "$out"
# Built beside the result and renamed, so that nobody ever runs half a file.
trap 'rm -f "$out"/*.tmp.$$' EXIT

for source in "$here"/integration/e2e/programs/*.c; do
    name=$(basename "$source" .c)
    if [ ! "$out/$name.wasm" -nt "$source" ]; then
        "$clang" --target=wasm32-wasi --sysroot="$sysroot" -std=c99 -O2 -Wall -Wextra \
            -Wl,--strip-debug -o "$out/$name.wasm.tmp.$$" "$source"
        mv "$out/$name.wasm.tmp.$$" "$out/$name.wasm"
    fi
    if [ ! "$out/$name" -nt "$source" ]; then
        "${CC:-cc}" -std=c99 -O2 -Wall -Wextra -static -o "$out/$name.tmp.$$" "$source" -lm
        mv "$out/$name.tmp.$$" "$out/$name"
    fi
done
