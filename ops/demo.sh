#!/usr/bin/env bash
# One job, from the command line to a result CID, across a network of four processes: first as a
# Wasm function, then as a container where a docker engine answers or can be started.
#
#   GADUS=path/to/gadus [INPUT=PATH] ops/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d /tmp/gadus-demo.XXXXXX)
pids=()
finish() {
  status=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ -d "$work/engine" ]; then ops/docker-engine.sh stop "$work/engine" >/dev/null 2>&1 || true; fi
  chmod -R u+w "$work" 2>/dev/null || true
  rm -rf "$work"
  exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
shown() { printf '\033[2m$ %s\033[0m\n' "$*"; }
run() { shown "$@"; "$@"; }
gadus() { "$GADUS" "$@"; }

# An engine that answers, else one of our own where we may start it.
engine() {
  local socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
  socket=${socket#unix://}
  if curl -fsS -m 2 --unix-socket "$socket" http://engine/_ping >/dev/null 2>&1; then
    echo "$socket"
  elif [ "$(id -u)" -eq 0 ] && command -v dockerd >/dev/null 2>&1; then
    ops/docker-engine.sh start "$work/engine" 2>/dev/null || true
  fi
}

# A node: its name, then flags of serve. Its log has the addresses in it.
node() {
  local name=$1
  shift
  "$GADUS" serve --name "$name" --network demo --data-dir "$work/$name" --api 127.0.0.1:0 \
    --listen /ip4/127.0.0.1/tcp/0 "$@" 2>"$work/$name.log" &
  pids+=($!)
}

# Waits until a node's log has a line that matches, and prints the match.
of_log() {
  local name=$1 pattern=$2 n=0 found
  until found=$(grep -m1 -oE "$pattern" "$work/$name.log"); do
    n=$((n + 1))
    if [ $n -gt 200 ]; then cat "$work/$name.log" >&2; return 1; fi
    sleep 0.05
  done
  echo "$found"
}

# Runs a job with its output on the terminal, then shows who bid, where the time went, and the
# first lines of its result. The ids are in what the command says.
show() {
  local id result
  shown "$@"
  "$@" 2>"$work/talk" || { cat "$work/talk" >&2; return 1; }
  id=$(grep -m1 -oE 'j-[0-9a-f-]{36}' "$work/talk")
  result=$(sed -n 's/^result: //p' "$work/talk")
  run gadus job describe "$id"
  shown gadus cat "$result/outputs/counts.txt"
  gadus cat "$result/outputs/counts.txt" >"$work/counts"
  head -n 8 "$work/counts"
}

# A few MB of text: sources and licences of what gadus is built from.
make_input() {
  local sources
  sources=$(ls -d "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/ | head -n 1)
  mkdir -p "$work/input"
  for crate in tokio-1 serde-1 axum-0 clap_builder-4 libp2p-swarm-0 redb-4 cid-0; do
    for dir in "$sources$crate"*; do
      [ -d "$dir" ] && mkdir -p "$work/input/$(basename "$dir")" &&
        cp -r "$dir"/src "$dir"/LICENSE* "$work/input/$(basename "$dir")/" 2>/dev/null || true
    done
  done
  echo "$work/input"
}

# An image with nothing in it but the same program, built for this machine.
make_image() {
  mkdir -p "$work/image/tmp"
  cp "$work/programs/wordfreq" "$work/image/wordfreq"
  tar -C "$work/image" -c . |
    curl -fsS --unix-socket "$1" -X POST -H 'Content-Type: application/x-tar' --data-binary @- \
      'http://engine/images/create?fromSrc=-&repo=gadus-demo&tag=wordfreq' >/dev/null
}

ops/build-wasm.sh "$work/programs"
input=${INPUT:-$(make_input)}
socket=$(engine)
if [ -n "$socket" ]; then
  export GADUS_DOCKER_SOCKET=$socket
  make_image "$socket"
fi

say "A requester and three compute nodes, each a process with a directory of its own"
node requester --requester
api=$(of_log requester 'http://[0-9.:]+')
peer=$(of_log requester '/ip4/127[^ ]+')
for n in 1 2 3; do node "compute-$n" --compute --peer "$peer"; done
export GADUS_API=$api
n=0
until [ "$(gadus node list --output json | grep -c '"CONNECTED"')" -ge 8 ]; do
  n=$((n + 1))
  [ $n -lt 200 ] || { gadus node list; exit 1; }
  sleep 0.05
done
run gadus node list

say "A directory of $(du -sh "$input" | cut -f1), by content"
shown gadus add "$input"
cid=$(gadus add "$input")
echo "$cid"

say "Word frequencies of it, as a Wasm function next to the data"
show gadus wasm run "$work/programs/wordfreq.wasm" 20 -i "ipfs://$cid:/inputs" -o outputs:/outputs

if [ -z "$socket" ]; then
  say "No docker engine answers here, and none can be started: the container is left out"
  exit 0
fi
say "The same as a container, without a network, a capability, or a writable root"
show gadus docker run gadus-demo:wordfreq -i "ipfs://$cid:/inputs" -o outputs:/outputs -- /wordfreq 20
