#!/bin/sh
# record.ts in namespaces of its own: for the network, so that port 179 is free and the cable is seen
# by nobody; for mounts, so that /run is empty; for processes, so that all end with it.
set -eu
cd "$(dirname "$0")/../.."
exec unshare --net --mount --pid --fork --kill-child --mount-proc sh -c '
  mount -t tmpfs -o mode=755 none /run
  mkdir /run/openbgpd
  ip link set lo up
  exec node_modules/.bin/node test/bgp-captures/record.ts "$@"' sh "$@"
