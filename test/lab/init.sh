#!/bin/bash
# The lab's first process: mounts what a system needs, starts Docker, runs the job on the second disk
# with the second serial port for its output, and powers off.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=${TERM:-dumb}

mount -t proc proc /proc
mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -sf /proc/self/fd /dev/fd
ip link set lo up
hostname lab
for module in overlay bridge br_netfilter veth nf_tables nft_compat xt_conntrack xt_addrtype nft_chain_nat; do
    modprobe -q "$module" || echo "lab: no module $module"
done
sysctl -qw net.ipv4.ip_forward=1

# The job: a file system whose first line of /where says at which path it was on the host, since programs
# and tests find each other by it.
mkdir -p /job
mount -o ro /dev/vdb /job
repository=$(cat /job/where)
mkdir -p "$repository"
mount -t tmpfs work "$repository"
cp -a /job/tree/. "$repository"
export LD_LIBRARY_PATH=/job/libraries

stty -F /dev/ttyS1 raw -echo
cd "$repository" || exit
setsid -w bash -c ". /job/command" <>/dev/ttyS1 >&0 2>&1
echo "lab: exit $?" >/dev/ttyS1
sync
echo o >/proc/sysrq-trigger
sleep 10
