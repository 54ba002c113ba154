#!/usr/bin/env bash
# Runs the benchmark with a docker engine of its own where that is possible.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d /tmp/gadus-bench.XXXXXX)
finish() {
  status=$?
  if [ -d "$work/engine" ]; then ops/docker-engine.sh stop "$work/engine" >/dev/null 2>&1 || true; fi
  rm -rf "$work" 2>/dev/null || true
  exit $status
}
trap finish EXIT
if [ "$(id -u)" -eq 0 ] && command -v dockerd >/dev/null 2>&1; then
  GADUS_TEST_DOCKER_SOCK=$(ops/docker-engine.sh start "$work/engine")
  export GADUS_TEST_DOCKER_SOCK
  ops/test-image.sh "$GADUS_TEST_DOCKER_SOCK" >/dev/null
fi
# Programs of floats alone, which need no library. Without clang their rows are left out.
if command -v clang >/dev/null 2>&1; then
  export GADUS_BENCH_PROGRAMS=$work/programs
  mkdir "$GADUS_BENCH_PROGRAMS"
  for source in integration/bench/programs/*.c; do
    clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry \
      -o "$GADUS_BENCH_PROGRAMS/$(basename "$source" .c).wasm" "$source"
  done
fi
GADUS_BIN=$(readlink -f "$GADUS") "$(dirname "$GADUS")/gadus-bench" ${BENCH_ARGS:-}
