#!/bin/sh
# Installs what `make demo` needs of Debian's packages, and with `test` what `make test` needs as
# well. Only what is missing; says nothing when that is nothing.
#
#   ops/setup.sh [test]
#
# Works as root, or through sudo where that asks for no password. Rust is not installed here.
set -eu

fail() { echo "setup: $*" >&2; exit 1; }

case "${1:-demo}:$#" in
    demo:0) what=demo ;;
    test:1) what=test ;;
    *) echo "usage: ops/setup.sh [test]" >&2; exit 2 ;;
esac

# The runtime library for wasm32 is packaged by the version of clang.
clang_version() {
    version=$(apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-\([0-9]*\)$/\1/p')
    echo "${version:-14}"
}

engine_answers() {
    curl -fsS -m 5 --unix-socket "${1#unix://}" http://engine/_ping >/dev/null 2>&1
}

# An engine from elsewhere does as well, and would be in the way of Debian's.
lacks_engine() {
    command -v dockerd >/dev/null 2>&1 && return 1
    [ "$what" = demo ] || return 0
    ! engine_answers "${DOCKER_HOST:-/var/run/docker.sock}"
}

wanted() {
    echo make curl ca-certificates gcc libc6-dev
    echo clang lld wasi-libc "libclang-rt-$(clang_version)-dev-wasm32"
    echo busybox-static
    if lacks_engine; then echo docker.io; fi
    if [ "$what" = test ]; then
        echo docker-registry iproute2 iptables procps util-linux
        # For Bacalhau's own client, and for Go and Node where there is none.
        echo python3 python3-venv
    fi
}

missing() {
    for package in $(wanted); do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || echo "$package"
    done
}

command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 ||
    fail "this is no Debian; install the likes of: $(wanted | tr '\n' ' ')"

packages=$(missing | tr '\n' ' ')
[ -n "$packages" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    fail "some packages are missing, and it takes root to install them. As root, run:
  apt-get update && apt-get install --no-install-recommends $packages"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >>"$log" 2>&1; }

echo "setup: installing $packages" >&2
# The names are words of their own.
# shellcheck disable=SC2086
if ! apt install --no-install-recommends $packages; then
    # Old or empty package lists, most likely; with new ones the names may be others.
    if ! apt update || ! apt install --no-install-recommends $(missing); then
        tail -n 20 "$log" >&2
        fail "apt-get did not install them; its last words are above"
    fi
fi

packages=$(missing | tr '\n' ' ')
[ -z "$packages" ] || fail "still missing after the installation: $packages"
