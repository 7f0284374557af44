#!/bin/sh
# Install the Debian packages named in a file, as root or with sudo; otherwise print the one command that does it.
set -u
list=$1
if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "no Debian packages here: see $list for what the system should offer"
    exit 0
fi
missing=""
for package in $(grep -v '^#' "$list"); do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
tell() {
    echo "some system packages are missing; to have them, run:"
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends$missing"
}
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif sudo --non-interactive true 2>/dev/null; then
    as_root="sudo --non-interactive"
else
    tell
    exit 0
fi
echo "installing system packages:$missing"
export DEBIAN_FRONTEND=noninteractive
{ $as_root apt-get update --quiet=2 && $as_root apt-get install --quiet=2 --yes --no-install-recommends $missing >/dev/null; } || tell
