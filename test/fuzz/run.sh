#!/usr/bin/env bash
# run.sh SECONDS|smoke: builds the fuzzers and runs each that long on its kept corpus. What it finds new
# stays in build/fuzz/corpus; what breaks is left in build/fuzz with the command to repeat it. "smoke" is
# for CI: a bounded number of runs from the kept corpus alone with a fixed seed, so that the same tree
# always gives the same answer, and what is new is found by the long runs of `make fuzz`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [[ $1 == smoke ]]; then
    limits="-seed=1 -runs=50000 -max_total_time=120"
    found=$(mktemp -d)
    trap 'rm -rf "$found"' EXIT
else
    limits="-max_total_time=$1"
    found=build/fuzz/corpus
fi
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target manifest-fuzzer config-fuzzer docker-fuzzer event-fuzzer \
    journal-fuzzer netlink-fuzzer cgroup-fuzzer

fuzz_one() {
    local name=$1 log=build/fuzz/$1.log
    mkdir -p "$found/$name"
    # shellcheck disable=SC2086  # the limits are words
    if ! "build/fuzz/bin/$name-fuzzer" $limits -timeout=5 -rss_limit_mb=2048 \
        -max_len=65536 -artifact_prefix="build/fuzz/$name-" -print_final_stats=1 \
        "$found/$name" "test/fuzz/corpus/$name" >"$log" 2>&1; then
        tail -40 "$log" >&2
        printf 'fuzz: %s failed; repeat: build/fuzz/bin/%s-fuzzer build/fuzz/%s-…\n' "$name" "$name" "$name" >&2
        return 1
    fi
    printf 'fuzz: %s: %s executions, nothing found\n' "$name" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
}
export -f fuzz_one
export limits found
# shellcheck disable=SC2016  # for the inner shell
printf '%s\n' manifest config docker event journal netlink cgroup | xargs -n 1 -P "$(nproc)" bash -c 'fuzz_one "$1"' -
