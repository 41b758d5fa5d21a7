#!/usr/bin/env bash
# Installs what is missing of the packages this project is built, checked and tested
# with. Says nothing when nothing is.
#
#   deps.sh [--check] GROUP…    groups: build lint demo test
#
# --check installs nothing: it prints what is missing and then ends with 1.
set -euo pipefail

# package:command: any installation of the command will do, packaged or not.
# a|b|c: the first of them that the system offers.
# A name alone: only the package will do, as there is no command to look for.
#
# libboost-dev alone may be too old (1.74 in Debian 12), hence the versions before it.
# catch2 is version 2 in Debian 12 and version 3 from Debian 13 and Ubuntu 24.04 on:
# the sources must compile with both.
readonly build=(
    g++:g++ make:make cmake:cmake ninja-build:ninja ccache:ccache mold:mold pkg-config:pkg-config
    'libboost1.81-dev|libboost1.83-dev|libboost1.88-dev|libboost-dev'
    libyaml-cpp-dev rapidjson-dev libspdlog-dev prometheus-cpp-dev libcli11-dev
    libsqlite3-dev libssl-dev libre2-dev libmnl-dev libnftables-dev libhowardhinnant-date-dev
    tzdata catch2
)
readonly lint=(clang-format-19:clang-format-19 clang-19:clang++-19 clang-tidy-19:clang-tidy-19 libclang-rt-19-dev shellcheck:shellcheck)
# busybox by command: busybox-static and busybox exclude each other, and either will do.
readonly demo=(iptables:iptables iproute2:ip busybox-static:busybox curl:curl)
# The engine's package brings the client except where that has one of its own.
readonly engine=(docker.io:dockerd 'docker-cli|docker.io:docker')
readonly lab=(qemu-system-x86:qemu-system-x86_64 mmdebstrap:mmdebstrap cpio:cpio e2fsprogs:mke2fs kmod:depmod)
readonly more_for_test=(iputils-ping:ping nftables:nft docker-compose:docker-compose jq:jq prometheus:promtool git:git socat:socat faketime:faketime stress-ng:stress-ng systemd:systemd-analyze prometheus-alertmanager:prometheus-alertmanager)

usage() {
    printf 'usage: deps.sh [--check] build|lint|demo|test…\n' >&2
    exit 2
}

has() {
    command -v "$1" >/dev/null
}

# curl first: the client takes longer, but it may be the only one there.
engine_answers() {
    local host=${DOCKER_HOST:-unix:///var/run/docker.sock}
    local socket=${host#unix://}
    if [[ $host == unix://* && ! -S $socket ]]; then
        return 1
    elif [[ $host == unix://* ]] && has curl; then
        curl -fsS -m 1 -o /dev/null --unix-socket "$socket" http://docker/_ping 2>/dev/null
    else
        has docker && timeout 2 docker version >/dev/null 2>&1
    fi
}

# Fills the global list wanted.
add_group() {
    case $1 in
    build) wanted+=("${build[@]}") ;;
    lint) wanted+=("${lint[@]}") ;;
    demo)
        wanted+=("${demo[@]}")
        has dockerd || engine_answers || wanted+=("${engine[@]}")
        ;;
    # Tests start engines of their own, so that one which merely answers will not do.
    test) wanted+=("${demo[@]}" "${engine[@]}" "${more_for_test[@]}" "${lab[@]}") ;;
    *) usage ;;
    esac
}

# The one query; fills the global set installed with what is completely installed.
query_installed() {
    local state package
    local -a names=()
    mapfile -t names < <(printf '%s\n' "$@" | tr '|' '\n')
    while read -r state package; do
        [[ $state != ii ]] || installed[$package]=1
    done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${names[@]}" 2>/dev/null || true)
}

is_offered() {
    apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

# Prints the first of a|b|c that is on offer, and the first of all when none is.
choose() {
    local -a names
    local name
    IFS='|' read -ra names <<<"$1"
    for name in "${names[@]}"; do
        if ((${#names[@]} == 1)) || is_offered "$name"; then
            printf '%s\n' "$name"
            return
        fi
    done
    printf '%s\n' "${names[0]}"
}

# a|b|c is satisfied by any of them, but the last, which has no version in its name,
# counts only where no other is on offer: it may be too old.
any_installed() {
    local -a names
    local name
    IFS='|' read -ra names <<<"$1"
    for name in "${names[@]}"; do
        [[ -z ${installed[$name]-} ]] || [[ $name == libboost-dev && $(choose "$1") != "$name" ]] || return 0
    done
    return 1
}

# Fills the global list missing with entries of wanted.
find_missing() {
    local entry
    local -a by_package=()
    for entry in "${wanted[@]}"; do
        if [[ $entry != *:* ]]; then
            by_package+=("$entry")
        elif ! has "${entry#*:}"; then
            missing+=("${entry%:*}")
        fi
    done
    ((${#by_package[@]} > 0)) && has dpkg-query || return 0
    query_installed "${by_package[@]}"
    for entry in "${by_package[@]}"; do
        any_installed "$entry" || missing+=("$entry")
    done
}

as_root() {
    if ((EUID == 0)); then
        env "$@"
    else
        sudo env "$@"
    fi
}

# Packages of services start them when they are installed, and enable them for the
# next boot. A policy-rc.d would prevent the first, but one left behind by a crash
# would silently keep the whole system from starting services. These variables leave
# nothing behind: the first is for systemctl, the second for SysV scripts, the third
# for needrestart, which would restart services whose libraries were updated.
# --no-remove: never at the cost of something the user has installed.
apt_get() {
    as_root SYSTEMD_OFFLINE=1 RUNLEVEL=1 NEEDRESTART_SUSPEND=1 DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=60 "$@"
}

service_packages() {
    { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' docker.io containerd prometheus 2>/dev/null || true; } |
        awk '$1 == "ii" { print $2 }'
}

# Takes back the enabling of services whose package was not there before.
disable_new_services() {
    local before=$1 package unit
    local -a units=()
    has systemctl || return 0
    while read -r package; do
        ! grep -qxF -- "$package" <<<"$before" || continue
        while read -r unit; do
            units+=("${unit##*/}")
        done < <(dpkg -L "$package" | grep -E '/systemd/system/[^/@]+\.(service|socket|timer)$')
    done < <(service_packages)
    ((${#units[@]} == 0)) || as_root SYSTEMD_OFFLINE=1 systemctl --quiet disable "${units[@]}" >/dev/null 2>&1 || true
}

install_missing() {
    local entry before
    local -a packages=()
    # Before the choice between alternatives, which a system without lists cannot make.
    apt_get update
    for entry in "${missing[@]}"; do
        packages+=("$(choose "$entry")")
    done
    mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
    printf 'deps: installing %s\n' "${packages[*]}"
    before=$(service_packages)
    apt_get install -y --no-install-recommends --no-remove "${packages[@]}" >/dev/null
    disable_new_services "$before"
}

check_only=
if [[ ${1-} == --check ]]; then
    check_only=1
    shift
fi
(($# > 0)) || usage
# Debian leaves these out of an ordinary user's path.
PATH=$PATH:/usr/sbin:/sbin
wanted=() missing=()
declare -A installed=()
for group in "$@"; do
    add_group "$group"
done
find_missing
# Groups overlap.
((${#missing[@]} == 0)) || mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
if ! has dpkg-query || ! has apt-get; then
    # No package database to ask: the commands decide, and the list is for reading.
    ((${#missing[@]} > 0)) || exit 0
    printf 'deps: not a Debian system; install what these packages of Debian 12 hold:\n'
    printf '%s\n' "${wanted[@]%:*}" | sort -u
    exit 1
fi
((${#missing[@]} > 0)) || exit 0
if [[ -n $check_only ]]; then
    printf 'deps: missing %s\n' "${missing[*]}"
    exit 1
fi
install_missing
