# First process of a sandbox (a node or a pod): run by sh inside fresh namespaces, it makes a root file
# system of its own over the host's, so that nothing written inside reaches the host, then waits.
#
# Environment: SANDBOX_DIRECTORY (an empty directory of the host), SANDBOX_HOSTNAME, SANDBOX_HOSTS (text of
# /etc/hosts), SANDBOX_BINDS (lines `source<TAB>destination<TAB>ro|rw`), SANDBOX_SYSCTLS (lines `path value`).
# Prints `ready PID`, its process id as the host sees it.
set -eu
# /proc is still the host's here, so this is the host's number for this process.
read -r pid _ </proc/self/stat
mount --make-rprivate /
hostname "$SANDBOX_HOSTNAME"

mount -t tmpfs -o size=512m,mode=755 tmpfs "$SANDBOX_DIRECTORY"
cd "$SANDBOX_DIRECTORY"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp

# What the host's packages configured is not this node's: it starts as a container image would.
rm -rf etc/frr/*.conf var/log/frr/*
if grep -q '^frr:' etc/passwd; then
  install -d -o frr -g frr -m 755 run/frr var/log/frr
  # Nothing listens to syslog in here: what the daemons say would be lost.
  echo 'frr_global_options="--log file:/var/log/frr/frr.log --log-level informational"' >>etc/frr/daemons
fi
mkdir -p run/netns run/lock
printf '%s\n' "$SANDBOX_HOSTNAME" >etc/hostname
printf '%s' "$SANDBOX_HOSTS" >etc/hosts

tab=$(printf '\t')
printf '%s' "$SANDBOX_BINDS" | while IFS="$tab" read -r source destination mode; do
  destination=${destination#/}
  if [ -d "$source" ]; then
    mkdir -p "$destination"
  else
    mkdir -p "$(dirname "$destination")"
    [ -e "$destination" ] || : >"$destination"
  fi
  mount --bind "$source" "$destination"
  if [ "$mode" = ro ]; then mount -o remount,bind,ro "$destination"; fi
done

mkdir run/.host
pivot_root . run/.host
cd /
umount -l /run/.host
rmdir /run/.host

printf '%s' "$SANDBOX_SYSCTLS" | while read -r path value; do
  printf '%s' "$value" >"/proc/sys/$path"
done

echo "ready $pid"
# With SIGCHLD ignored the kernel reaps orphans for PID 1: without that, watchfrr waits for ever on zombies.
exec env -i --ignore-signal=CHLD /bin/sleep infinity >/dev/null 2>&1
