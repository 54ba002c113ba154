# Runs the README's blocks as somebody would who pastes them, one after the other.
#
#   bash readme.sh BLOCK...
#
# A block is a file: NN.sh or NN.py. What they say is printed after a line `== NN`. Nodes run in
# the background, as in terminals of their own, on ports of their own: NODE_API is where the README's
# 127.0.0.1:1234 is, NODE_DIR where their data goes. PYTHON runs Python.
set -euo pipefail

api=$NODE_API
requester=none
nodes=()

finish() {
  status=$?
  end_nodes
  exit $status
}
trap finish EXIT
trap 'echo "line $LINENO of $block: $BASH_COMMAND" >&2' ERR

end_nodes() {
  for pid in "${nodes[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${nodes[@]}"; do wait "$pid" 2>/dev/null || true; done
  nodes=()
}

# A terminal of its own for a node. Its log is shown when it does not come up.
node() {
  local log listen=$api
  log=$(mktemp "$NODE_DIR/XXXXXX")
  case "$*" in
    *--compute*) listen=127.0.0.1:0 ;;
    *) end_nodes ;;
  esac
  (
    export GADUS_API=$listen GADUS_LISTEN=/ip4/127.0.0.1/tcp/0 GADUS_NODE_LIMITS_PROBE_MS=200
    # A devstack keeps its data for itself.
    if [ "$1" = serve ]; then export GADUS_DATA_DIR=$log.data; fi
    exec gadus "$@"
  ) </dev/null >"$log" 2>&1 &
  nodes+=($!)
  until_so "$log" grep -q -e '^peers$' "$log"
  case "$*" in
    devstack*) until_so "$log" grep -q 'Ctrl-C ends all' "$log" ;;
    *--compute*) until_so "$log" knows 2 ;;
    *) requester=$(grep -m1 -o '/ip4/127[^ ]*' "$log"); until_so "$log" knows 1 ;;
  esac
}

# Whether the requester knows so many nodes that can run something.
knows() {
  [ "$(command gadus node list --output json | grep -c '"wasm"')" -ge "$1" ]
}

until_so() {
  local log=$1 n=0
  shift
  until "$@"; do
    n=$((n + 1))
    if [ $n -gt 1200 ]; then
      echo "not so: $*" >&2
      cat "$log" >&2
      return 1
    fi
    sleep 0.05
  done
}

gadus() {
  case $1 in
    serve | devstack) node "$@" ;;
    *) command gadus "$@" ;;
  esac
}

# An answer that is an error is one here, too.
curl() { command curl --fail-with-body "$@"; }

export GADUS_API=$api
for block in "$@"; do
  name=$(basename "$block")
  echo "== ${name%.*}"
  sed -i -e "s|127\.0\.0\.1:1234|$api|g" -e "s|/ip4/10\.0\.0\.1/tcp/1235|$requester|g" "$block"
  case $block in
    *.py) "$PYTHON" "$block" ;;
    # shellcheck disable=SC1090
    *) source "$block" ;;
  esac
done
