#!/bin/bash
# The same lab as labs/rack-spine, built by hand with the least there is: three FRR routers, four
# nodes with a stock BGP daemon, two pods, up to the first ping from a pod of rack 0 that a pod of
# rack 1 answers. `make bench` compares Spinelab with it on the same machine in the same run.
#
#   bench/by-hand.sh [--speaker bird|frr] [--keep]
#
# Prints one line of JSON: milliseconds from its start to the end of each stage. Needs root. It
# reads topologies/rack-spine.clab.yaml no further than these lines repeat it. Its namespaces have
# no name and live only as long as this process, so it runs beside any lab.
set -euo pipefail

start_us=${EPOCHREALTIME/./}
work=$(mktemp -d /tmp/by-hand.XXXXXX)
keep=
speaker=
while [ $# -gt 0 ]; do
  case $1 in
    --speaker) speaker=$2 && shift ;;
    --keep) keep=yes ;;
    *) echo "usage: ${0##*/} [--speaker bird|frr] [--keep]" >&2 && exit 2 ;;
  esac
  shift
done
PATH=$PATH:/usr/sbin:/sbin
if [ -z "$speaker" ]; then
  if command -v bird >/dev/null; then speaker=bird; else speaker=frr; fi
fi
[ "$(id -u)" = 0 ] || { echo "${0##*/} needs root" >&2 && exit 3; }
[ -x /usr/lib/frr/bgpd ] || { echo "${0##*/} needs frr: make setup" >&2 && exit 3; }

routers=(router0 tor0 tor1)
# Node, AS, address, its ToR's address on the link, its ToR's loopback, podCIDR without the last byte.
nodes=(
  "kind-control-plane 65010 10.0.1.2 10.0.1.1 10.0.0.1 10.1.0"
  "kind-worker        65010 10.0.2.2 10.0.2.1 10.0.0.1 10.1.3"
  "kind-worker2       65011 10.0.3.2 10.0.3.1 10.0.0.2 10.1.2"
  "kind-worker3       65011 10.0.4.2 10.0.4.1 10.0.0.2 10.1.1"
)

declare -A pid # of each sandbox's init

# --- Sandboxes ------------------------------------------------------------------------------------

# PID 1 of a sandbox: an overlay over / that takes every write, its own /proc, /run and /tmp. $1 is
# the name, $2 an empty folder.
# shellcheck disable=SC2016 # for the sandbox, not for here
init='
mount --make-rprivate /
mount -t tmpfs -o size=64m,mode=755 tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mkdir run/netns run/old
install -d -o frr -g frr run/frr
rm -f etc/frr/frr.conf etc/frr/vtysh.conf
hostname "$1"
printf "127.0.0.1 localhost %s\n" "$1" >etc/hosts
pivot_root . run/old
umount -l run/old
ip link set lo up
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.disable_ipv6=0 \
  net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
echo ready >&3
exec env --ignore-signal=CHLD sleep infinity 3>&- # ignored SIGCHLD: the kernel reaps for it
'

# The sandbox ends with the unshare that made it, and that with this script.
sandbox() {
  mkdir "$work/$1"
  setsid unshare --net --mount --uts --ipc --pid --fork --kill-child \
    sh -ec "$init" init "$1" "$work/$1" 3>"$work/ready" >"$work/$1.log" 2>&1 </dev/null &
  unshares+=($!)
}

cleanup() {
  # Held by a signal in the middle of it, it would leave sandboxes.
  trap '' INT TERM HUP
  [ ${#unshares[@]} -eq 0 ] || kill -KILL "${unshares[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
unshares=()
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

inside() { nsenter -t "${pid[$1]}" -a -- "${@:2}"; }
since_start_ms() { echo $(((${EPOCHREALTIME/./} - start_us) / 1000)); }

mkfifo "$work/ready"
exec 4<>"$work/ready" # held open at both ends: no reader or writer ever waits for the other
names=("${routers[@]}" management)
for node in "${nodes[@]}"; do names+=("${node%% *}"); done
for name in "${names[@]}"; do sandbox "$name"; done
for name in "${names[@]}"; do
  read -r -t 20 -u 4 _ || { echo "a sandbox does not come up" >&2 && cat "$work"/*.log >&2 && exit 1; }
done
for i in "${!names[@]}"; do
  read -r children <"/proc/${unshares[i]}/task/${unshares[i]}/children" || [ -n "$children" ] # no newline
  pid[${names[i]}]=${children%% *}
done
sandboxes_ms=$(since_start_ms)

# --- Links ----------------------------------------------------------------------------------------

# Every end gets an index of its own: ends that share one can wait a second for their address.
index=1000
cable() {
  echo "link add $2 index $index netns ${pid[$1]} type veth peer name $4 index $((index + 1)) netns ${pid[$3]}"
  index=$((index + 2))
}
{
  cable router0 net0 tor0 net0
  cable router0 net1 tor1 net0
  cable tor0 net1 kind-control-plane net0
  cable tor0 net2 kind-worker net0
  cable tor1 net1 kind-worker2 net0
  cable tor1 net2 kind-worker3 net0
  for name in "${names[@]}"; do
    [ "$name" = management ] || cable "$name" eth0 management "m-${name:0:13}"
  done
} | ip -batch -

{
  echo "link add br0 type bridge"
  echo "addr add 172.20.20.1/24 dev br0"
  echo "link set br0 up"
  for name in "${names[@]}"; do
    [ "$name" = management ] || echo "link set m-${name:0:13} master br0 up"
  done
} | inside management ip -batch -
host=1
for name in "${names[@]}"; do
  [ "$name" = management ] && continue
  host=$((host + 1))
  case $name in
    router0) links="net0 net1" ;;
    tor*) links="net0 net1 net2" ;;
    *) links="net0" ;;
  esac
  {
    for link in $links eth0; do echo "link set $link up"; done
    echo "addr add 172.20.20.$host/24 dev eth0"
    echo "route add default via 172.20.20.1"
  } | inside "$name" ip -batch -
done
links_ms=$(since_start_ms)

# --- The topology's exec lines --------------------------------------------------------------------

# bgpd NAME AS ROUTER-ID LINES…
configure() {
  local lines=(-c "conf t" -c "frr defaults datacenter" -c "router bgp $2" -c "bgp router-id $3"
    -c "no bgp ebgp-requires-policy" -c "neighbor ROUTERS peer-group"
    -c "neighbor ROUTERS remote-as external")
  local line
  for line in "${@:4}" "address-family ipv4 unicast" "redistribute connected" "exit-address-family"; do
    lines+=(-c "$line")
  done
  inside "$1" touch /etc/frr/vtysh.conf
  inside "$1" sed -i -e 's/bgpd=no/bgpd=yes/g' /etc/frr/daemons
  inside "$1" /usr/lib/frr/frrinit.sh start
  inside "$1" vtysh "${lines[@]}"
}

spine() {
  inside router0 iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
  inside router0 ip addr add 10.0.0.0/32 dev lo
  inside router0 ip route add blackhole 10.0.0.0/8
  configure router0 65000 10.0.0.0 "neighbor ROUTERS default-originate" \
    "neighbor net0 interface peer-group ROUTERS" "neighbor net1 interface peer-group ROUTERS"
}

# tor NAME AS LOOPBACK NET1 NET2
tor() {
  inside "$1" ip link del eth0
  inside "$1" ip addr add "$3/32" dev lo
  inside "$1" ip addr add "$4.1/24" dev net1
  inside "$1" ip addr add "$5.1/24" dev net2
  configure "$1" "$2" "$3" "neighbor SERVERS peer-group" "neighbor SERVERS remote-as internal" \
    "neighbor net0 interface peer-group ROUTERS" "neighbor $4.2 peer-group SERVERS" \
    "neighbor $5.2 peer-group SERVERS"
}

# --- Nodes ----------------------------------------------------------------------------------------

# node NAME AS ADDRESS GATEWAY TOR POD: its address and way out, a pod, a BGP daemon that announces
# the podCIDR.
node() {
  inside "$1" ip addr add "$3/24" dev net0
  inside "$1" ip route replace default via "$4"
  # shellcheck disable=SC2016 # for the node, not for here
  inside "$1" sh -ec '
    gateway=$1.115 address=$1.142
    ip link add cilium_host type veth peer name cilium_net
    ip addr add $gateway/32 dev cilium_host
    ip link set cilium_host up
    ip link set cilium_net up
    ip netns add pod
    ip link add lxc0 type veth peer name eth0 netns pod
    ip link set lxc0 up
    ip route add $address/32 dev lxc0 scope link src $gateway
    ip -n pod -batch - <<END
link set lo up
addr add $address/32 dev eth0
link set eth0 up
route add $gateway dev eth0 scope link
route add default via $gateway
END' pod "$6"
  case $speaker in
    bird)
      inside "$1" sh -ec 'cat >/tmp/bird.conf; bird -c /tmp/bird.conf -s /run/bird.ctl' <<END
router id $3;
protocol device {}
protocol static { ipv4; route $6.0/24 unreachable; }
protocol bgp tor {
  local $3 as $2; neighbor $5 as $2; multihop 2; connect delay time 1;
  ipv4 { import none; export where source = RTS_STATIC; next hop self; };
}
END
      ;;
    frr)
      inside "$1" sh -ec 'cat >/tmp/bgpd.conf; chmod 644 /tmp/bgpd.conf
        /usr/lib/frr/bgpd -d -Z -f /tmp/bgpd.conf -l 127.0.0.1 -A 127.0.0.1' <<END
router bgp $2
 bgp router-id $3
 no bgp network import-check
 neighbor $5 remote-as $2
 neighbor $5 update-source $3
 address-family ipv4 unicast
  network $6.0/24
  neighbor $5 prefix-list NONE in
 exit-address-family
ip prefix-list NONE deny any
END
      ;;
  esac
}

spine >"$work/router0.log" 2>&1 &
working=($!)
tor tor0 65010 10.0.0.1 10.0.1 10.0.2 >"$work/tor0.log" 2>&1 &
working+=($!)
tor tor1 65011 10.0.0.2 10.0.3 10.0.4 >"$work/tor1.log" 2>&1 &
working+=($!)
for node in "${nodes[@]}"; do
  read -r -a words <<<"$node"
  node "${words[@]}" >"$work/${words[0]}.log" 2>&1 &
  working+=($!)
done
for job in "${working[@]}"; do
  wait "$job" || { echo "a node could not be set up" >&2 && tail -n 5 "$work"/*.log >&2 && exit 1; }
done
exec_ms=$(since_start_ms)

# --- The first ping across ------------------------------------------------------------------------

# Answered once is enough: it pings every 10 ms and ends with the first answer, or after a minute.
if ! inside kind-worker ip netns exec pod ping -q -i 0.01 -w 60 -c 1 10.1.1.142 >"$work/ping.log" 2>&1; then
  echo "no ping across within 60 s" >&2 && cat "$work/ping.log" >&2 && exit 1
fi
ping_ms=$(since_start_ms)

if [ -n "$keep" ]; then
  for name in "${names[@]}"; do echo "nsenter -t ${pid[$name]} -a  # $name" >&2; done
  echo "Enter takes it down" >&2
  read -r _
fi
printf '{"speaker":"%s","sandboxes":%d,"sandboxesMs":%d,"linksMs":%d,"execMs":%d,"firstPingMs":%d}\n' \
  "$speaker" "${#names[@]}" "$sandboxes_ms" "$links_ms" "$exec_ms" "$ping_ms"
