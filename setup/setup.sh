#!/bin/sh
# Brings what Spinelab needs on Debian and Ubuntu, and nothing that is there already: system
# packages (by apt-get, with sudo where need be) and the npm packages. Says first what is missing.
# `make setup` runs it; with nothing to do it is done at once.
#
# `setup.sh test` brings what only tests need as well, `setup.sh speakers` the BGP daemons that the
# interop tests and the benchmark want.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # a user's PATH on Debian lacks them

# What is looked for | the package that brings it | what it is for.
# A word with a slash is a file, any other is a command.
wanted() {
  cat <<'TABLE'
/usr/lib/frr/bgpd|frr|the routers
vtysh|frr|the routers
ip|iproute2|links, addresses, routes
ss|iproute2|links, addresses, routes
nft|nftables|NAT, packet loss
iptables|iptables|NAT as topologies write it
ping|iputils-ping|checks
traceroute|traceroute|checks
curl|curl|checks
socat|socat|servers in pods
tcpdump|tcpdump|spinelab capture
sysctl|procps|forwarding inside the nodes
ps|procps|what runs inside the nodes
unshare|util-linux|namespaces
nsenter|util-linux|namespaces
mount|mount|namespaces
setpriv|util-linux|namespaces
TABLE
  # Without modules there is nothing to load, as in a container.
  if [ -d "/lib/modules/$(uname -r)" ]; then
    echo 'modprobe|kmod|kernel modules'
  fi
  case ${1-} in
    test)
      cat <<'TEST'
tshark|tshark|reading what the speaker sends
bgpdump|bgpdump|reading what the speaker dumps
pmbmpd|pmacct|hearing what the speaker tells by BMP
TEST
      ;;
    speakers)
      cat <<'SPEAKERS'
bird|bird2|a speaker to be tried and measured against
gobgpd|gobgpd|a speaker to be tried and measured against
exabgp|exabgp|a speaker to be tried and measured against
bgpctl|openbgpd|a speaker to be tried and measured against
SPEAKERS
      ;;
  esac
}

say() { printf '%s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 3
}

present() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# Lines of the table whose command or file is not there.
missing() {
  wanted "$@" | while IFS='|' read -r what package purpose; do
    present "$what" || say "$what|$package|$purpose"
  done
}

# npm writes .package-lock.json last. A checkout touches the lock file without changing it, so
# where it looks newer its content decides, by the copy kept of what was installed.
npm_packages_are_current() {
  [ -e node_modules/.package-lock.json ] || return 1
  # shellcheck disable=SC3013 # POSIX has it since 2024, dash and bash for long
  [ package-lock.json -nt node_modules/.package-lock.json ] || return 0
  cmp -s package-lock.json "$installed_lock"
}
installed_lock=node_modules/.cache/spinelab-installed-lock.json

# frr's package starts its daemons on the machine itself, at once and at every boot (the other BGP daemons' too). The
# labs run their own inside the nodes and need none there. So for the time of the installation
# Debian's policy hook says no to what is being installed, and then it is switched off for good.
# A hook that the machine has already stays as it is.
policy=/usr/sbin/policy-rc.d
policy_mark='# made by the set-up of Spinelab, gone when it is done; for'

hold_services() {
  [ -e $policy ] && return
  services=
  names=
  for package in $1; do
    case $package in
      frr) services="$services frr" names="$names | frr | frr.service" ;;
      bird2) services="$services bird" names="$names | bird | bird.service" ;;
      gobgpd | exabgp | openbgpd)
        services="$services $package" names="$names | $package | $package.service"
        ;;
    esac
  done
  [ -n "$services" ] || return 0
  # shellcheck disable=SC2016 # for the hook, not for here
  printf '#!/bin/sh\n%s\ncase $1 in %s) exit 101 ;; esac\n' "$policy_mark$services" "${names# | }" |
    $as_root sh -c "cat >$policy && chmod 755 $policy"
}

# The hook itself says which services it is for: so this also ends a set-up that was killed.
release_services() {
  [ -e $policy ] || return 0
  services=$(sed -n "s/^$policy_mark//p" $policy)
  [ -n "$services" ] || return 0
  for service in $services; do
    if command -v systemctl >/dev/null; then
      ! systemctl --quiet is-enabled "$service" 2>/dev/null || $as_root systemctl --quiet disable "$service"
    elif [ -e "/etc/init.d/$service" ]; then
      $as_root update-rc.d "$service" disable
    fi
  done
  $as_root rm $policy
}

install_packages() {
  command -v apt-get >/dev/null || fail \
    "no apt-get on this machine: Spinelab sets itself up on Debian and Ubuntu only" \
    "install by hand what gives the commands above, then run this again"
  [ -z "$as_root" ] || command -v sudo >/dev/null || fail \
    "installing packages needs root, and there is no sudo: run make setup as root"

  say "installing by apt-get:$1"
  trap release_services EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  hold_services "$1"
  $as_root apt-get -q update || say "apt-get update failed: going on with the lists that are here"
  # A machine that has just booted may be upgrading itself: that is waited for.
  # shellcheck disable=SC2086 # a list of words
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install $1 ||
    fail "apt-get could not install (see above):$1"
  release_services
  trap - EXIT INT TERM HUP
}

install_npm_packages() {
  say "npm packages: npm ci"
  # What a run by plain sudo left in there npm could not replace.
  if [ -d node_modules ] && [ -n "$(find node_modules ! -user "$(id -u)" -print -quit)" ]; then
    setup/as-root.sh true
  fi
  npm ci --prefer-offline --no-audit --no-fund --loglevel=error || fail "npm ci failed (see above)"
  mkdir -p "${installed_lock%/*}"
  cp package-lock.json $installed_lock
}

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo

# What a set-up that was killed left.
release_services

lacking=$(missing "$@")
packages=
for package in $(say "$lacking" | cut -s -d'|' -f2 | sort -u); do
  packages="$packages $package"
done
npm_current=yes
npm_packages_are_current || npm_current=

if [ -z "$packages" ] && [ -n "$npm_current" ]; then
  exit 0
fi

say "Spinelab needs, and this machine lacks:"
if [ -n "$lacking" ]; then
  say "$lacking" | while IFS='|' read -r what package purpose; do
    printf '  %-18s of package %-14s for %s\n' "$what" "$package" "$purpose"
  done
fi
if [ -z "$npm_current" ]; then
  printf '  %-18s as package-lock.json names them\n' "npm packages"
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    fail "no Node.js, or no npm: install Node.js 20 or newer with npm first, from nodejs.org" \
      "(what Debian 12 and Ubuntu 24.04 package is older)"
  fi
  if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'; then
    fail "Node.js 20 or newer is needed to install the npm packages; this is $(node --version)"
  fi
fi

[ -z "$packages" ] || install_packages "$packages"
[ -n "$npm_current" ] || install_npm_packages

lacking=$(missing "$@")
[ -z "$lacking" ] || fail "still missing after the installation:" "$lacking"
say "set-up done"
