#!/bin/sh
# A docker engine of its own for tests and demos: own socket, data, state, cgroups and mounts, all
# under DIR, so that it runs beside (and never touches) a docker engine of the machine. Needs root.
#
#   docker-engine.sh start DIR      starts it, waits until it answers, prints the socket's path
#   docker-engine.sh stop DIR       ends it and every container of it; leaves no process and no mount
#   docker-engine.sh kill DIR SIG   sends the daemon alone a signal and waits until it is gone, for
#                                   tests; start brings it back
#
# Containers have no bridge network there, only none and host. The socket belongs to the group
# docker, where there is one. ENGINE_FLAGS are added to the daemon's.
set -eu

usage() { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
fail() { echo "docker-engine.sh: $*" >&2; exit 1; }

case "${1:-}:$#" in start:2|stop:2|kill:3) ;; *) usage ;; esac
action=$1
[ "$(id -u)" -eq 0 ] || fail "needs root"
case $action in start) mkdir -p "$2" ;; esac
[ -d "$2" ] || exit 0
dir=$(cd "$2" && pwd -P)
# Socket paths end at 108 bytes, so the state directory has a short name of its own.
id=gadus-$(printf %s "$dir" | cksum | tr -d ' ')
run=/run/$id
socket=$dir/docker.sock

# Not a zombie either: those have no arguments, and whose they are may take its time to reap them.
args() { { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null; }
running() { [ -n "$(args "$1")" ]; }
alive() { [ -s "$1" ] && running "$(cat "$1")"; }
answers() { curl -fsS -m 5 --unix-socket "$socket" http://engine/_ping >/dev/null 2>&1; }

# Everything in the engine's cgroups: containers that outlived their shims too.
contained() { cat /sys/fs/cgroup/*/"$id"/*/cgroup.procs /sys/fs/cgroup/"$id"/*/cgroup.procs 2>/dev/null || true; }

# The engine's own processes: each names the state directory in its arguments.
own() {
  for p in /proc/[0-9]*; do
    case "$(args "${p#/proc/}")" in
      dockerd*"$run/"*|*containerd*"$run/"*) echo "${p#/proc/}" ;;
    esac
  done
}

end() { # PIDFILE: ask, wait up to 15 s, then insist
  [ -s "$1" ] || return 0
  pid=$(cat "$1")
  kill "$pid" 2>/dev/null || true
  n=0
  while running "$pid" && [ $n -lt 150 ]; do sleep 0.1; n=$((n + 1)); done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$1"
}

start_containerd() {
  alive "$run/containerd.pid" && return 0
  cat >"$run/containerd.toml" <<TOML
version = 2
root = "$dir/containerd"
state = "$run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
oom_score = 0
[grpc]
  address = "$run/containerd.sock"
[ttrpc]
  address = "$run/containerd.sock.ttrpc"
[debug]
  level = "warn"
TOML
  rm -f "$run/containerd.sock"
  setsid unshare --mount --propagation slave sh -c 'echo $$ >"$0/containerd.pid"; exec containerd --config "$0/containerd.toml"' \
    "$run" >>"$dir/containerd.log" 2>&1 </dev/null &
  n=0
  until [ -S "$run/containerd.sock" ]; do
    n=$((n + 1)); [ $n -lt 300 ] || fail "containerd does not answer; see $dir/containerd.log"
    sleep 0.05
  done
}

start() {
  command -v dockerd >/dev/null || fail "no dockerd here: apt-get install docker.io"
  alive "$run/docker.pid" && answers && { echo "$socket"; return 0; }
  mkdir -p "$dir" "$run"
  start_containerd
  rm -f "$run/docker.pid" "$socket"
  group=root
  getent group docker >/dev/null && group=docker
  # In the mount namespace of containerd: what one mounts the other has to see, and the host need not.
  setsid nsenter --mount --target "$(cat "$run/containerd.pid")" \
    dockerd --host "unix://$socket" --containerd "$run/containerd.sock" --data-root "$dir/data" \
    --exec-root "$run/exec" --pidfile "$run/docker.pid" --group "$group" --cgroup-parent "/$id" \
    --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --log-level warn ${ENGINE_FLAGS:-} \
    >>"$dir/dockerd.log" 2>&1 </dev/null &
  n=0
  until answers; do
    n=$((n + 1)); [ $n -lt 600 ] || fail "dockerd does not answer; see $dir/dockerd.log"
    sleep 0.05
  done
  echo "$socket"
}

stop() {
  kill -9 $(contained) 2>/dev/null || true
  end "$run/docker.pid"
  end "$run/containerd.pid"
  n=0
  while pids="$(contained) $(own)"; [ -n "$(echo $pids)" ] && [ $n -lt 100 ]; do
    kill -9 $pids 2>/dev/null || true
    sleep 0.1; n=$((n + 1))
  done
  for root in /sys/fs/cgroup/*/"$id" /sys/fs/cgroup/"$id"; do
    [ -d "$root" ] && find "$root" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  rm -rf "$run" "$socket"
}

kill_daemon() {
  alive "$run/docker.pid" || fail "it does not run"
  pid=$(cat "$run/docker.pid")
  kill -s "$1" "$pid"
  while running "$pid"; do sleep 0.02; done
}

case $action in
  start) start ;;
  stop) stop ;;
  kill) kill_daemon "$3" ;;
esac
