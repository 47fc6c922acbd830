#!/bin/sh
# as-root.sh COMMAND...: runs it as root, by sudo where need be, with the Node of the npm packages
# first on the PATH. What it leaves in the checkout belongs to the user who asked, like all else
# there: root's caches would stop the next `npm ci` and the next test run without root.
set -eu
checkout=$(cd "$(dirname "$0")/.." && pwd)
PATH=$checkout/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin # a user's PATH on Debian lacks these
export PATH

[ "$(id -u)" != 0 ] || exec "$@"
if ! command -v sudo >/dev/null; then
  printf '%s\n' "as-root: network namespaces need root, and there is no sudo: run it as root" >&2
  exit 3
fi

# One sudo for both, since after a long command a second one would ask for the password again.
# Ctrl-C reaches the command by itself; any other end of this shell reaches it by --pdeathsig.
# shellcheck disable=SC2016 # for root's shell
exec sudo env "PATH=$PATH" sh -c '
  checkout=$1
  shift
  trap : INT QUIT
  setpriv --pdeathsig TERM "$@" && status=0 || status=$?
  if [ "$(stat -c %u "$checkout")" = "$SUDO_UID" ]; then
    find "$checkout" -xdev -user 0 -exec chown -h "$SUDO_UID:$SUDO_GID" {} +
  fi
  exit "$status"' sh "$checkout" "$@"
