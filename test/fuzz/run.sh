#!/usr/bin/env bash
# run.sh SECONDS: builds the fuzzers and runs each that long on its kept corpus. What it finds new stays
# in build/fuzz/corpus; what breaks is left in build/fuzz with the command to repeat it.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly seconds=$1
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target manifest-fuzzer docker-fuzzer event-fuzzer journal-fuzzer

fuzz_one() {
    local name=$1 log=build/fuzz/$1.log
    mkdir -p "build/fuzz/corpus/$name"
    if ! "build/fuzz/bin/$name-fuzzer" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 \
        -max_len=65536 -artifact_prefix="build/fuzz/$name-" -print_final_stats=1 \
        "build/fuzz/corpus/$name" "test/fuzz/corpus/$name" >"$log" 2>&1; then
        tail -40 "$log" >&2
        printf 'fuzz: %s failed; repeat: build/fuzz/bin/%s-fuzzer build/fuzz/%s-…\n' "$name" "$name" "$name" >&2
        return 1
    fi
    printf 'fuzz: %s: %s executions, nothing found\n' "$name" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
}
export -f fuzz_one
export seconds
# shellcheck disable=SC2016  # for the inner shell
printf '%s\n' manifest docker event journal | xargs -n 1 -P "$(nproc)" bash -c 'fuzz_one "$1"' -
