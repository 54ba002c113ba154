#!/bin/sh
# Imports test images made of Debian's busybox-static into the engine at SOCKET, and prints their
# names: gadus-test:root, and gadus-test:nobody, whose user is 65534.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 SOCKET" >&2; exit 2; }
busybox=$(command -v busybox) || { echo "$0: no busybox here: apt-get install busybox-static" >&2; exit 1; }
export DOCKER_HOST="unix://$1"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

mkdir -p "$tree/bin" "$tree/etc" "$tree/tmp" "$tree/proc" "$tree/sys" "$tree/dev"
chmod 755 "$tree"
chmod 1777 "$tree/tmp"
cp "$busybox" "$tree/bin/busybox"
for name in $("$busybox" --list); do
  [ -e "$tree/bin/$name" ] || ln -s busybox "$tree/bin/$name"
done
printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$tree/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"
# A program for no machine: what exec says of it is what it says of another architecture's.
printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\002\000\377\377' >"$tree/bin/alien"
printf 'not executable\n' >"$tree/bin/plain"
chmod 755 "$tree/bin/alien"
chmod 644 "$tree/bin/plain"

import() { tar -C "$tree" --numeric-owner --owner=0 --group=0 -c . | docker import "$@" >/dev/null; }
import --change 'ENV PATH=/bin' --change 'CMD ["/bin/sh"]' - gadus-test:root
import --change 'ENV PATH=/bin' --change 'USER 65534' --change 'VOLUME /volume' - gadus-test:nobody
echo gadus-test:root
echo gadus-test:nobody
