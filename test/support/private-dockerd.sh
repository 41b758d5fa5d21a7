#!/usr/bin/env bash
# A Docker engine of our own, for demos and tests, that shares nothing with an
# engine the user may be running.
#
#   private-dockerd.sh start DIR [--own-network]
#       the engine then answers on unix://DIR/docker.sock
#   private-dockerd.sh stop DIR
#       ends it, its containers and networks, and deletes DIR
#
# --own-network puts the engine and its bridges into a network namespace of their
# own. It works beside any firewall, but the host cannot reach the containers by
# address: nsenter into the namespace of the engine or of a container can.
set -euo pipefail

readonly start_deadline_s=30
readonly stop_deadline_s=15
readonly max_socket_path=107 # sun_path holds 108 bytes with its final NUL

fail() {
    printf 'private-dockerd: %s\n' "$*" >&2
    exit 1
}

usage() {
    printf 'usage: private-dockerd.sh start DIR [--own-network] | stop DIR\n' >&2
    exit 2
}

# Polls, because neither daemon reports readiness or death to anybody but its parent.
# until_deadline SECONDS COMMAND… returns 1 when COMMAND never succeeded.
until_deadline() {
    local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    until "$@"; do
        ((${EPOCHREALTIME/[.,]/} < end)) || return 1
        sleep 0.05
    done
}

# A PID file outlives its process and the number may have been given to another:
# only a process whose arguments name a path below our folder is ours. A zombie
# has no arguments, so it counts as gone.
is_ours() {
    local pid=$1
    [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
    { tr '\0' '\n' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -F -- "$dir/" >/dev/null
}

is_gone() {
    ! is_ours "$1"
}

pid_in() {
    local pid=
    [[ ! -r $1 ]] || read -r pid <"$1" || true
    printf '%s' "$pid"
}

end_process() {
    local pid=$1
    is_ours "$pid" || return 0
    kill -TERM "$pid" 2>/dev/null || true
    until_deadline "$stop_deadline_s" is_gone "$pid" && return 0
    kill -KILL "$pid" 2>/dev/null || true
    until_deadline "$stop_deadline_s" is_gone "$pid" || fail "process $pid survives SIGKILL"
}

# Networks of two engines started at the same moment must not overlap, and neither
# sees the other's: each takes a slice of the benchmarking range (RFC 2544, which
# nobody routes) that its folder selects. The second pool is for the case that the
# host does have a route into the first.
address_pools() {
    local hash
    hash=$(printf '%s' "$dir" | cksum)
    hash=${hash%% *}
    printf '%s\n' --default-address-pool "base=198.$((18 + hash % 2)).$((hash / 2 % 16 * 16)).0/20,size=24" \
        --default-address-pool base=172.24.0.0/13,size=24
}

# dockerd would use a containerd it finds at the default address, which is the
# user's, with the namespace of the user's engine. So it gets one of its own. The
# opt plugin would otherwise create /opt/containerd.
write_config() {
    mkdir -p "$dir"/{data,exec,containerd}
    : >"$dir/marker"
    engine_config >"$dir/daemon.json"
    cat >"$dir/containerd.toml" <<TOML
version = 2
root = "$dir/containerd/root"
state = "$dir/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$dir/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$dir/containerd/opt"
TOML
}

# Engines before 23 keep an identity key, in /etc/docker unless told otherwise; only
# the file can say so, and later engines refuse the word.
engine_config() {
    local version
    version=$(dockerd --version)
    version=${version#Docker version }
    if ((${version%%.*} < 23)); then
        printf '{"deprecated-key-path": "%s"}\n' "$dir/key.json"
    else
        printf '{}\n'
    fi
}

# launch NAME LOG COMMAND… starts a daemon that keeps none of our descriptors: one
# that is left open would hang whoever reads our output to its end.
launch() {
    local name=$1 log=$2 fd
    shift 2
    (
        exec </dev/null >>"$log" 2>&1
        for fd in /proc/"$BASHPID"/fd/*; do
            fd=${fd##*/}
            ((fd <= 2)) || eval "exec $fd>&-"
        done
        exec setsid "$@"
    ) &
    printf '%s\n' "$!" >"$dir/$name.pid"
}

# A running engine makes the kernel show bridged packets to iptables and has iptables
# drop what it does not know, and with that the traffic on our bridges.
check_host_filter() {
    local switch=/proc/sys/net/bridge/bridge-nf-call-iptables
    [[ -z $own_network && -r $switch && $(<"$switch") == 1 ]] || return 0
    ! iptables -S FORWARD 2>/dev/null | grep -xF -- '-P FORWARD DROP' >/dev/null ||
        fail "this host's firewall drops what passes bridges, between containers too: use --own-network"
}

launch_all() {
    local -a options isolate=()
    # shellcheck disable=SC2016  # for the inner shell
    [[ -z $own_network ]] || isolate=(unshare --net sh -c 'ip link set lo up && exec "$@"' -)
    mapfile -t options < <(address_pools)
    # A dockerd that was killed leaves its containerd running and its PID file behind; the latter
    # would keep the next one from starting for as long as the dead one is not reaped.
    ! is_gone "$(pid_in "$dir/containerd.pid")" ||
        launch containerd "$dir/containerd.log" containerd --config "$dir/containerd.toml"
    rm -f -- "$dir/engine.pid"
    # Without iptables and forwarding the host's rules and sysctls stay as they are;
    # containers on one user-defined network reach each other all the same, by
    # address and by name. No default bridge: it would need the name docker0.
    launch dockerd "$dir/dockerd.log" "${isolate[@]}" dockerd \
        --config-file "$dir/daemon.json" --host "unix://$dir/docker.sock" \
        --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/engine.pid" \
        --containerd "$dir/containerd/containerd.sock" --bridge=none \
        --iptables=false --ip6tables=false --ip-masq=false --ip-forward=false \
        "${options[@]}"
}

answers() {
    [[ -S $dir/docker.sock ]] &&
        curl -fsS -m 2 -o /dev/null --unix-socket "$dir/docker.sock" http://docker/_ping 2>/dev/null
}

# Here both are our children, which bash reaps as they end; their arguments do not
# tell yet, just after the fork.
answers_or_died() {
    answers || [[ ! -d /proc/$(pid_in "$dir/dockerd.pid") || ! -d /proc/$(pid_in "$dir/containerd.pid") ]]
}

start() {
    local tool socket=$dir/docker.sock
    # LC_ALL=C makes ${#…} count bytes.
    local LC_ALL=C
    ((EUID == 0)) || fail 'an engine needs root'
    ((${#socket} <= max_socket_path)) ||
        fail "$socket is ${#socket} bytes long, a socket's path may have $max_socket_path: choose a shorter folder"
    [[ $dir =~ ^[A-Za-z0-9/._+-]+$ ]] || fail "$dir: use letters, digits and ._+- only"
    for tool in dockerd containerd runc curl setsid; do
        command -v "$tool" >/dev/null || fail "$tool is missing"
    done
    is_gone "$(pid_in "$dir/dockerd.pid")" || fail "already running in $dir"
    check_host_filter
    # stop deletes the folder, so it must not be one that held something else.
    [[ ! -e $dir || -e $dir/marker || -z $(ls -A "$dir") ]] || fail "$dir is not empty"

    write_config
    launch_all
    until_deadline "$start_deadline_s" answers_or_died || true
    answers && return 0
    end_process "$(pid_in "$dir/dockerd.pid")"
    end_process "$(pid_in "$dir/containerd.pid")"
    printf 'private-dockerd: no answer on %s; the end of its log:\n' "$socket" >&2
    tail -n 20 "$dir/dockerd.log" >&2
    exit 1
}

# The orderly way, while the engine answers: it then unmounts and unlinks by itself.
remove_by_engine() {
    local -a docker=(timeout "$stop_deadline_s" docker -H "unix://$dir/docker.sock") ids
    command -v docker >/dev/null && answers || return 0
    mapfile -t ids < <("${docker[@]}" ps -aq)
    ((${#ids[@]} == 0)) || "${docker[@]}" rm -f "${ids[@]}" >/dev/null 2>&1 || true
    "${docker[@]}" network prune -f >/dev/null 2>&1 || true
}

# The rest is for an engine that was killed: its containers then live on below
# their shims, whose arguments name our containerd.
kill_leftovers() {
    local file pid
    for file in "$dir"/containerd/state/io.containerd.runtime.v2.task/moby/*/init.pid; do
        pid=$(pid_in "$file")
        # init.pid may be stale: the container's ID is in the control group's path.
        file=${file%/init.pid}
        if [[ -n $pid ]] && grep -qF "${file##*/}" "/proc/$pid/cgroup" 2>/dev/null; then
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done
    for file in /proc/[0-9]*; do
        pid=${file#/proc/}
        [[ $(readlink "$file/exe" 2>/dev/null) != */containerd-shim* ]] || end_process "$pid"
    done
}

# Bridges are called br- and the start of the network's ID; the engine's database
# tells ours from those of other engines.
delete_bridges() {
    local database=$dir/data/network/files/local-kv.db link
    [[ -e $database ]] || return 0
    for link in /sys/class/net/br-*; do
        [[ -d $link/bridge ]] || continue
        link=${link##*/}
        grep -aqF "\"${link#br-}" "$database" || continue
        ip link delete "$link" 2>/dev/null || true
    done
}

unmount_all() {
    local target
    # Deepest first. A lazy unmount, because a process that is just dying may hold it.
    while read -r target; do
        umount -l "$target" 2>/dev/null || true
    done < <(awk -v "below=$dir/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
    ! awk '{ print $5 }' /proc/self/mountinfo | grep -qF -- "$dir/" || fail "mounts remain below $dir"
}

stop() {
    [[ -e $dir ]] || return 0
    [[ -e $dir/marker ]] || fail "$dir was not made by start"
    ((EUID == 0)) || fail 'an engine needs root'
    remove_by_engine
    end_process "$(pid_in "$dir/dockerd.pid")"
    kill_leftovers
    end_process "$(pid_in "$dir/containerd.pid")"
    delete_bridges
    unmount_all
    rm -rf --one-file-system -- "$dir"
}

[[ $# -ge 2 && -n $2 ]] || usage
dir=$(realpath -m -- "$2")
own_network=
[[ $#:$1:${3-} != 3:start:--own-network ]] || own_network=1
[[ $# == 2 || -n $own_network ]] || usage
readonly dir own_network
PATH=$PATH:/usr/sbin:/sbin
case $1 in
start) start ;;
stop) stop ;;
*) usage ;;
esac
