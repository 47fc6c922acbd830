#!/bin/sh
# A Docker engine for tests, apart from any other on the machine: own data, own socket, own bridge.
#
#   setup/test-engine.sh start     prints DOCKER_HOST=… when it answers; fine where it runs already
#   setup/test-engine.sh images    builds images/ on it, without a registry
#   setup/test-engine.sh stop      ends it; nothing of it stays on the machine but its data and the cache
#   setup/test-engine.sh run …     all three, and in between the command, with DOCKER_HOST set
#
# The engine is Debian's docker.io, installed if it is missing. Where it keeps things:
# SPINELAB_TEST_ENGINE (/var/lib/spinelab-test) and SPINELAB_CACHE (/var/cache/spinelab).
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

home=${SPINELAB_TEST_ENGINE:-/var/lib/spinelab-test}
cache=${SPINELAB_CACHE:-/var/cache/spinelab}
socket=$home/docker.sock
bridge=spinelab-test
bridge_address=172.31.250.1/24
start_within_s=30

fail() {
  printf 'test-engine: %s\n' "$@" >&2
  exit 3
}

engine() { docker --host "unix://$socket" "$@"; }

# Of a process that is not just waiting to be forgotten.
alive() { [ -e "$1" ] && grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$(cat "$1")/status"; }

running() { alive "$home/pid"; }

# The engine was killed, and what it had started goes on.
crashed() { ! running && pgrep -f "containerd-shim.* $home/exec/" >/dev/null; }

# Debian's package starts its own engine when it is installed: for that time the policy hook says no.
install_engine() {
  missing=
  for pair in dockerd:docker.io iptables:iptables debootstrap:debootstrap podman:podman; do
    command -v "${pair%:*}" >/dev/null || missing="$missing ${pair#*:}"
  done
  # What Podman's routers need beside it.
  for pair in catatonit:/usr/bin/catatonit netavark:/usr/lib/podman/netavark; do
    [ -e "${pair#*:}" ] || missing="$missing ${pair%:*}"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fail "needs$missing, and there is no apt-get to install it"
  policy=/usr/sbin/policy-rc.d
  made=
  if [ ! -e $policy ]; then
    made=yes
    # shellcheck disable=SC2016 # for the hook, not for here
    printf '#!/bin/sh\ncase $1 in docker | containerd | podman*) exit 101 ;; esac\n' >$policy
    chmod 755 $policy
  fi
  apt-get -q update >&2 || :
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing >&2 || {
    [ -z "$made" ] || rm -f $policy
    fail "apt-get could not install$missing"
  }
  [ -z "$made" ] || rm -f $policy
}

# kind runs its nodes with every capability. Where the machine itself has not got all of them, the
# OCI runtime must leave out the one that is missing.
write_runtime() {
  bounding=$(sed -n 's/^CapBnd:\s*//p' /proc/self/status)
  # CAP_SYS_RESOURCE is bit 24 (linux/capability.h).
  [ $((0x$bounding >> 24 & 1)) = 0 ] || return 1
  cat >"$home/runc" <<RUNC
#!/bin/bash
arguments=("\$@")
for ((i = 0; i < \${#arguments[@]}; i++)); do
  case \${arguments[i]} in
    --bundle | -b) file=\${arguments[i + 1]}/config.json ;;
    --process | -p) file=\${arguments[i + 1]} ;;
  esac
done
if [ -f "\${file-}" ]; then
  sed -i 's/"CAP_SYS_RESOURCE",//g; s/,"CAP_SYS_RESOURCE"//g' "\$file"
fi
exec $(command -v runc) "\$@"
RUNC
  chmod 755 "$home/runc"
}

start() {
  [ "$(id -u)" = 0 ] || running || fail "needs root: sudo $0 start"
  if ! running; then
    install_engine
    stop # what one that was killed left
    mkdir -p "$home" "$cache"
    iptables-save >"$home/iptables-before" || fail "iptables does not work on this machine"
    cat /proc/sys/net/ipv4/ip_forward >"$home/ip-forward-before"
    ip link add "$bridge" type bridge
    ip address add "$bridge_address" dev "$bridge"
    ip link set "$bridge" up
    launch
  fi
  echo "DOCKER_HOST=unix://$socket"
}

launch() {
  set -- --data-root "$home/data" --exec-root "$home/exec" --host "unix://$socket" \
    --pidfile "$home/pid" --bridge "$bridge" --group root
  if write_runtime; then
    set -- "$@" --add-runtime "spinelab=$home/runc" --default-runtime spinelab
  fi
  rm -f "$home/pid"
  # Of a killed one the engine would wait for.
  alive "$home/exec/containerd/containerd.pid" || rm -f "$home/exec/containerd/containerd.pid"
  # kind's nodes want a cgroup namespace of their own, which cgroup v1 machines do not give by themselves.
  setsid dockerd "$@" --default-cgroupns-mode private >"$home/log" 2>&1 </dev/null &
  tenths=0
  until engine version >/dev/null 2>&1; do
    tenths=$((tenths + 1))
    if [ $tenths -gt $((start_within_s * 10)) ] || ! kill -0 $! 2>/dev/null; then
      tail -20 "$home/log" >&2
      fail "the engine did not come up (see above)" "clean up what it left: $0 stop"
    fi
    sleep 0.1
  done
}

stop() {
  # Only the engine can end what it left running.
  if crashed; then launch; fi
  if running; then
    containers=$(engine ps --all --quiet)
    # shellcheck disable=SC2086 # a list of words
    [ -z "$containers" ] || engine rm --force --volumes $containers >/dev/null
    engine network prune --force >/dev/null
    kill "$(cat "$home/pid")"
    while alive "$home/pid"; do sleep 0.05; done
  fi
  rm -f "$home/pid" "$socket"
  ip link delete "$bridge" 2>/dev/null || :
  [ ! -e "$home/iptables-before" ] || remove_rules
  # The engine leaves its namespace and its data folder mounted.
  awk -v below="$home/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r |
    while read -r mounted; do umount "$mounted"; done
  rm -rf "$home/exec" "$home/runc"
}

# Whether another engine runs in this network namespace.
another_engine() {
  for pid in $(pgrep -x dockerd); do
    [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ] || return 0
  done
  return 1
}

# The engine leaves its packet filter rules. Where another one runs here it needs its own, of the same
# names: then only what names our bridge goes.
remove_rules() {
  if another_engine; then
    iptables-save | awk -v bridge="$bridge" '
      /^\*/ { table = substr($1, 2) }
      $1 == "-A" && index($0, bridge) { sub(/^-A/, "-D"); print "-t " table " " $0 }' |
      while read -r rule; do eval "iptables $rule"; done
  else
    iptables-restore <"$home/iptables-before"
    for table in filter nat; do
      grep -q "^\*$table" "$home/iptables-before" || remove_table $table
    done
    cat "$home/ip-forward-before" >/proc/sys/net/ipv4/ip_forward
  fi
  rm -f "$home/iptables-before" "$home/ip-forward-before"
}

# A table that was not there: iptables keeps it, empty; nft takes it away.
remove_table() {
  iptables -t "$1" -F
  iptables -t "$1" -X
  [ "$1" != filter ] || iptables -P FORWARD ACCEPT
  if command -v nft >/dev/null; then nft delete table ip "$1" 2>/dev/null || :; fi
}

# The base of all images, made of Debian's packages once a machine.
base_image() {
  tree=$cache/debian-bookworm.tar.gz
  if [ ! -e "$tree" ]; then
    work=$(mktemp -d "$cache/debootstrap.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mirror=$(apt-cache policy | sed -n 's,.* \(http[^ ]*/debian/\?\) .*,\1,p' | head -1)
    debootstrap --variant=minbase --include=ca-certificates bookworm "$work/root" "$mirror" >&2 ||
      fail "debootstrap failed (see above)"
    rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/* \
      "$work"/root/usr/share/doc/* "$work"/root/usr/share/man/* "$work"/root/usr/share/locale/*
    tar -C "$work/root" -c . | gzip -1 >"$tree.$$"
    mv "$tree.$$" "$tree"
    rm -rf "$work"
    trap - EXIT
  fi
  engine image inspect debian:bookworm-slim >/dev/null 2>&1 ||
    engine import --change 'CMD ["bash"]' "$tree" debian:bookworm-slim >/dev/null
}

# Images as the topologies and manifests name them, so that labs run unchanged.
names_of() { grep -rhoE "(image: *)[^ ]*$1[^ ]*" topologies labs test/data | sed 's/image: *//' | sort -u; }

# Built when the Dockerfile has changed; saved for the next engine with an empty data root.
build() {
  name=$1
  sum=$(sha256sum "images/$name/Dockerfile" | cut -c1-16)
  saved=$cache/$name-$sum.tar.gz
  tag=spinelab/$name:$sum
  if ! engine image inspect "$tag" >/dev/null 2>&1; then
    if [ -e "$saved" ]; then
      engine load --quiet --input "$saved" >/dev/null
    else
      base_image
      engine build --quiet --tag "$tag" "images/$name" >&2
      engine save "$tag" | gzip -1 >"$saved.$$"
      mv "$saved.$$" "$saved"
    fi
  fi
  for other in "spinelab/$name" $(names_of "$name"); do engine tag "$tag" "$other"; done
}

case ${1-} in
  start) start ;;
  stop) stop ;;
  images)
    running || fail "the engine does not run: $0 start"
    base_image
    build frr
    build netshoot
    ;;
  run)
    shift
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    # An engine that was there before stays.
    running || trap stop EXIT
    start >&2
    "$0" images
    DOCKER_HOST=unix://$socket "$@"
    ;;
  *) fail "usage: $0 start | images | stop | run COMMAND…" ;;
esac
