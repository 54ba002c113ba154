#!/usr/bin/env bash
# All three rings of tests. Starts what they need (a docker engine of its own, a registry) in a
# directory of its own, and leaves nothing running.
set -euo pipefail
cd "$(dirname "$0")/.."
CARGO=${CARGO:-cargo}
work=$(mktemp -d /tmp/gadus-test.XXXXXX)
# Some docker tests run as an ordinary user, who has to reach the engine's socket in it.
chmod 755 "$work"
finish() {
  status=$?
  if [ -d "$work/engine" ]; then ops/docker-engine.sh stop "$work/engine" >/dev/null 2>&1 || true; fi
  rm -rf "$work" 2>/dev/null || true
  exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

# Skips are visible, and under CI they are failures.
note() { echo "test: $*" >&2; }

$CARGO clippy --quiet --workspace --all-targets -- -D warnings
# One set of features for everything, so that nothing is built twice.
$CARGO test --quiet --workspace --no-run
$CARGO build --quiet --workspace --bin gadus
if [ -n "${GADUS_CI_BUILT:-}" ]; then .ci/sources record "$GADUS_CI_BUILT"; fi
if [ "$(id -u)" -eq 0 ] && command -v dockerd >/dev/null 2>&1; then
  GADUS_TEST_DOCKER_SOCK=$(ops/docker-engine.sh start "$work/engine")
  export GADUS_TEST_DOCKER_SOCK
elif [ "${CI:-}" = true ]; then
  note "CI needs root and dockerd for the docker tests"
  exit 1
else
  note "SKIP the docker tests: they need root and dockerd"
fi
GADUS_TEST_PROGRAMS=$work/programs
ops/build-wasm.sh "$GADUS_TEST_PROGRAMS"
export GADUS_TEST_PROGRAMS
$CARGO test --workspace --no-fail-fast
