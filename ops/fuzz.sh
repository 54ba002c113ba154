#!/bin/sh
# Feeds one of the parsers of what strangers send with bytes that a fuzzer makes up, which tells what
# it failed on. What is worth keeping of that goes to fuzz/corpus, where a test replays it.
#
#   ops/fuzz.sh TARGET [SECONDS]
#
# The targets are the folders of fuzz/corpus; 600 seconds is the usual time. Needs cargo-fuzz (`cargo
# install cargo-fuzz`) and a C++ compiler; Rust may be a stable one. Found inputs are kept below
# ${TMPDIR:-/tmp}/gadus-fuzz/TARGET for the next run.
set -eu

[ $# -ge 1 ] && [ $# -le 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
cd "$(dirname "$0")/.."
target=$1
found=${TMPDIR:-/tmp}/gadus-fuzz/$target
mkdir -p "$found"
# What instruments the code is no part of stable Rust; no sanitizer is asked for, since the parsers
# have no unsafe code.
RUSTC_BOOTSTRAP=1 cargo fuzz run -s none "$target" "$found" "fuzz/corpus/$target" -- \
    -max_total_time="${2:-600}" -rss_limit_mb=1024 -timeout=10 -max_len=8192 -print_final_stats=1
