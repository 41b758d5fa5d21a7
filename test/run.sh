#!/usr/bin/env bash
# run.sh BUILD [PROGRAM ARGUMENT…]: every test of that build, or the program, against an engine that
# is started for them and stopped after them, in CHAOS_ENGINE_DIR (/tmp). With CI set nothing may be
# skipped.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$1" && pwd)
shift
readonly here build
engine=''

stop_engine() {
    [[ -z $engine ]] || "$here/support/private-dockerd.sh" stop "$engine/d"
    [[ -z $engine ]] || rmdir "$engine"
}

skip() {
    printf 'skipped: tests against a real engine: %s\n' "$1" >&2
    if [[ -n ${CI-} ]]; then
        printf 'in CI nothing may be skipped\n' >&2
        exit 1
    fi
}

start_engine() {
    ((EUID == 0)) || { skip 'starting one needs root'; return; }
    command -v dockerd >/dev/null || PATH=$PATH:/usr/sbin command -v dockerd >/dev/null || { skip 'dockerd is missing'; return; }
    engine=$(mktemp -d "${CHAOS_ENGINE_DIR:-/tmp}/chaos-test.XXXXXX")
    trap stop_engine EXIT
    "$here/support/private-dockerd.sh" start "$engine/d" --own-network
    export CHAOS_TEST_DOCKER=unix://$engine/d/docker.sock
    "$here/support/test-image.sh" "$CHAOS_TEST_DOCKER"
}

export PATH=$PATH:/usr/sbin:/sbin
[[ -z ${CI-} ]] || export CHAOS_REQUIRE_ALL=1
start_engine
if (($# > 0)); then
    "$@"
    exit
fi
ctest --test-dir "$build" --output-on-failure -j "$(($(nproc) + 1))"
