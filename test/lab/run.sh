#!/usr/bin/env bash
# run.sh BUILD [PROGRAM ARGUMENT…]: the tests that need the lab's kernel, or the program, inside a virtual
# machine: Debian's cloud kernel with netem and cgroup version 2, under software emulation, with Docker.
# run.sh BUILD --shell: a shell in there instead.
#
# What runs in the machine is a copy of the tree and of BUILD/bin, at the same path as here. Its output is
# this script's output, its exit code this script's; the console goes to BUILD/lab-console.log and is
# shown when the machine hangs (LAB_SECONDS, by default 900) or ends without a word.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
shift
readonly here repository build
readonly seconds=${LAB_SECONDS:-900}
readonly console=$build/lab-console.log
work=''

fail() {
    printf 'lab: %s\n' "$*" >&2
    exit 1
}

# Loud, and no way out in CI.
skip() {
    printf 'skipped: tests in the lab: %s\n' "$1" >&2
    [[ -z ${CI-} ]] || fail 'in CI nothing may be skipped'
    exit 0
}

# shellcheck disable=SC2317  # called by trap
clean_up() {
    [[ -z $work ]] || rm -rf -- "$work"
}

# The libraries of our programs, which the machine's Debian does not all have.
copy_libraries() {
    local program
    mkdir -p "$work/job/libraries"
    for program in "$build"/bin/{chaos-controller,chaosctl,integration-tests}; do
        ldd "$program" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p'
    done | sort -u | grep -vE '/(libc|libm|libpthread|libdl|librt|ld-linux[^/]*)\.so' |
        xargs -I{} cp -L {} "$work/job/libraries/"
}

make_job() {
    mkdir -p "$work/job/tree/${build#"$repository"/}/bin"
    # Files that git knows and that are gone from the tree are no reason to stop.
    (cd "$repository" && git ls-files -z --cached --others --exclude-standard |
        xargs -0 cp --parents -t "$work/job/tree" 2>/dev/null) || true
    cp "$build"/bin/{chaos-controller,chaos-stressor,chaosctl,integration-tests} \
        "$work/job/tree/${build#"$repository"/}/bin/"
    copy_libraries
    printf '%s' "$repository" >"$work/job/where"
    printf '%s\n' "$1" >"$work/job/command"
    mke2fs -q -t ext4 -d "$work/job" "$work/job.img" 256M >/dev/null
}

# The command line for the shell inside: each word quoted. Through a pipe, so that no program takes the
# serial port for a terminal with colours.
command_of() {
    if [[ ${1-} == --shell ]]; then
        printf 'stty sane; exec bash -i'
        return
    fi
    (($# > 0)) || set -- "$build/bin/integration-tests" '[lab]'
    printf 'CI=%q CHAOS_SLOWNESS=20 CHAOS_ENGINE_DIR=/var/tmp test/run.sh %q' "${CI-}" "$build"
    printf ' %q' "$@"
    # shellcheck disable=SC2016  # for the shell inside
    printf ' 2>&1 | cat; exit "${PIPESTATUS[0]}"'
}

# In the foreground: a signal to us ends the machine too, and a shell in it has our terminal.
boot() {
    local image=$1 limit=$2
    shift 2
    timeout --foreground -k 5 "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 \
        -nodefaults -no-user-config -display none -no-reboot \
        -kernel "$image/vmlinuz" -initrd "$image/initrd" -append 'console=ttyS0 quiet panic=-1' \
        -drive "file=$image/root.img,if=virtio,format=raw,cache=unsafe,snapshot=on" \
        -drive "file=$work/job.img,if=virtio,format=raw,cache=unsafe,readonly=on" \
        -serial "file:$console" "$@"
}

# Passes the output on, but for the last line, whose number becomes the exit code.
pass_on() {
    local line code=''
    while IFS= read -r line; do
        if [[ $line =~ ^lab:\ exit\ ([0-9]+) ]]; then
            code=${BASH_REMATCH[1]}
        else
            printf '%s\n' "$line"
        fi
    done
    [[ -n $code ]] || return 125
    return "$code"
}

if ! command -v qemu-system-x86_64 >/dev/null; then
    skip 'qemu-system-x86_64 is missing'
elif ! grep -q '^ID=debian$' /etc/os-release; then
    skip 'it boots the packages of a Debian, and this is none'
elif ((EUID != 0)); then
    skip 'making its image needs root'
fi
image=$("$here/image.sh")
work=$(mktemp -d "${TMPDIR:-/tmp}/chaos-lab.XXXXXX")
trap clean_up EXIT
make_job "$(command_of "$@")"
if [[ ${1-} == --shell ]]; then
    boot "$image" 0 -serial stdio
    exit
fi
code=0
boot "$image" "$seconds" -serial stdio </dev/null 2>"$work/qemu.log" | pass_on || code=$?
if ((code == 125)); then
    printf 'lab: the machine ended without a result; its console:\n' >&2
    tail -40 "$console" >&2
    cat "$work/qemu.log" >&2
fi
exit "$code"
