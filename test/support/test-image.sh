#!/usr/bin/env bash
# test-image.sh DOCKER_HOST: makes the image chaos-test:1 on that engine: a static busybox that idles
# and ends at once when told to.
set -euo pipefail

root=$(mktemp -d)
trap 'rm -rf -- "$root"' EXIT
mkdir -p "$root"/{bin,proc,sys,dev}
mkdir -m 1777 "$root/tmp"
cp -L "$(command -v busybox)" "$root/bin/busybox"
for applet in sh sleep test kill; do
    ln -s busybox "$root/bin/$applet"
done
# A busybox that is not static needs its libraries beside it.
{ ldd "$root/bin/busybox" 2>/dev/null || true; } | { grep -oE '/[^ ]+' || true; } | while read -r library; do
    mkdir -p "$root${library%/*}"
    cp -L "$library" "$root$library"
done
printf '#!/bin/sh\ntrap "exit 143" TERM\nsleep 2147483647 &\nwait\n' >"$root/bin/idle"
chmod 755 "$root" "$root/bin/idle"
tar -C "$root" --owner=0 --group=0 --numeric-owner -c . |
    docker -H "$1" import --change 'ENTRYPOINT ["/bin/idle"]' --change 'ENV PATH=/bin' - chaos-test:1 >/dev/null
