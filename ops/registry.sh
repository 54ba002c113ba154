#!/bin/sh
# A docker registry on loopback for tests: Debian's docker-registry with its files under DIR.
#
#   registry.sh start DIR PORT   starts it, waits until it answers, prints its address
#   registry.sh stop DIR         ends it
set -eu

usage() { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
# A zombie has no arguments.
running() { [ -n "$({ tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null)" ]; }
fail() { echo "registry.sh: $*" >&2; exit 1; }

case "${1:-}:$#" in start:3|stop:2) ;; *) usage ;; esac
dir=$2
pidfile=$dir/registry.pid

start() {
  command -v docker-registry >/dev/null || fail "no docker-registry here: apt-get install docker-registry"
  mkdir -p "$dir"
  cat >"$dir/registry.yml" <<YML
version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: $dir/blobs }
  delete: { enabled: true }
http: { addr: "127.0.0.1:$1" }
YML
  setsid docker-registry serve "$dir/registry.yml" >>"$dir/registry.log" 2>&1 </dev/null &
  echo $! >"$pidfile"
  n=0
  until curl -fsS -m 5 "http://127.0.0.1:$1/v2/" >/dev/null 2>&1; do
    running "$(cat "$pidfile")" || fail "it ended at once; see $dir/registry.log"
    n=$((n + 1)); [ $n -lt 300 ] || fail "it does not answer; see $dir/registry.log"
    sleep 0.05
  done
  echo "127.0.0.1:$1"
}

stop() {
  [ -s "$pidfile" ] || return 0
  pid=$(cat "$pidfile")
  kill "$pid" 2>/dev/null || true
  n=0
  while running "$pid" && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$pidfile"
}

case $1 in
  start) start "$3" ;;
  stop) stop ;;
esac
