#!/usr/bin/env bash
# image.sh: makes what the lab boots (a Debian system with Docker, the cloud kernel, an initramfs), once
# for each version of its ingredients, and prints the directory that holds vmlinuz, initrd and root.img.
# In CHAOS_LAB_CACHE, by default ~/.cache/chaos-lab.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly packages=docker.io,iptables,iproute2,iputils-ping,nftables,kmod,busybox-static,curl,procps,socat,jq,util-linux
# In this order: each needs the ones before it.
readonly boot_modules=(virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk)
readonly root_megabytes=1200

fail() {
    printf 'lab: %s\n' "$*" >&2
    exit 1
}

# The package with the kernel itself: linux-image-cloud-amd64 only names it.
kernel_package() {
    apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -1
}

suite() (
    # shellcheck disable=SC1091  # there on every system that the lab supports
    . /etc/os-release
    [[ $ID == debian ]] || fail "needs Debian, whose packages it boots; this is $ID"
    printf '%s' "$VERSION_CODENAME"
)

unpack_kernel() {
    local work=$1 kernel=$2 release=${2#linux-image-}
    (cd "$work" && apt-get download -q "$kernel" >apt.log 2>&1) || fail "cannot fetch $kernel: $(cat "$work/apt.log")"
    dpkg -x "$work"/linux-image-*.deb "$work/kernel"
    cp "$work/kernel/boot/vmlinuz-$release" "$work/out/vmlinuz"
    mkdir -p "$work/root/usr/lib/modules"
    cp -a "$work/kernel/lib/modules/$release" "$work/root/usr/lib/modules/"
    depmod -b "$work/root/usr" "$release" 2>/dev/null || depmod -b "$work/root" "$release"
}

make_initramfs() {
    local work=$1 release=$2 module
    mkdir -p "$work/initramfs"/{bin,modules,root,proc,dev}
    cp -L "$(command -v busybox)" "$work/initramfs/bin/busybox"
    for module in "${boot_modules[@]}"; do
        find "$work/root/usr/lib/modules/$release" -name "$module.ko" -exec cp {} "$work/initramfs/modules/" \;
        [[ -f $work/initramfs/modules/$module.ko ]] || fail "the kernel has no module $module"
    done
    {
        printf '#!/bin/busybox sh\nset -e\n/bin/busybox mount -t devtmpfs dev /dev\n'
        printf '/bin/busybox insmod /modules/%s.ko\n' "${boot_modules[@]}"
        # shellcheck disable=SC2016  # for the shell inside
        printf 'for i in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vda ] && break; /bin/busybox sleep 0.2; done\n'
        printf '/bin/busybox mount -t ext4 /dev/vda /root\n'
        printf 'exec /bin/busybox switch_root /root /lab-init\n'
    } >"$work/initramfs/init"
    chmod 755 "$work/initramfs/init"
    (cd "$work/initramfs" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/out/initrd"
}

make_root() {
    local work=$1
    mmdebstrap --variant=minbase --include="$packages" "$(suite)" "$work/root" >"$work/mmdebstrap.log" 2>&1 ||
        fail "mmdebstrap: $(tail -5 "$work/mmdebstrap.log")"
    rm -rf "$work/root"/var/cache/apt/archives/*.deb "$work/root"/usr/share/{doc,man,locale}
    install -m 755 "$here/init.sh" "$work/root/lab-init"
}

main() {
    local kernel key cache work
    kernel=$(kernel_package)
    if [[ -z $kernel ]]; then
        apt-get update -q >/dev/null 2>&1 || true # its lists may have been cleaned away
        kernel=$(kernel_package)
    fi
    [[ -n $kernel ]] || fail 'apt knows no linux-image-cloud-amd64'
    key=$(cat "$here/image.sh" "$here/init.sh" <(printf '%s %s' "$kernel" "$(suite)") | sha256sum | cut -c1-16)
    cache=${CHAOS_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var}/.cache}/chaos-lab}
    if [[ ! -d $cache/$key ]]; then
        printf 'lab: making the image (about a minute, once)\n' >&2
        mkdir -p "$cache"
        work=$(mktemp -d "$cache/making.XXXXXX")
        # shellcheck disable=SC2064  # the value of now
        trap "rm -rf '$work'" EXIT
        mkdir "$work/out"
        make_root "$work"
        unpack_kernel "$work" "$kernel"
        make_initramfs "$work" "${kernel#linux-image-}"
        mke2fs -q -t ext4 -d "$work/root" "$work/out/root.img" "${root_megabytes}M" >/dev/null
        # Older ones, which have such names; whatever else is in there is not ours.
        find "$cache" -mindepth 1 -maxdepth 1 -regextype posix-extended -regex '.*/[0-9a-f]{16}' -exec rm -rf {} +
        mv "$work/out" "$cache/$key"
    fi
    printf '%s\n' "$cache/$key"
}

main
