#!/usr/bin/env bash
# Formatting, static analysis and shell scripts. Nothing is changed; `make format` does that.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t sources < <(git ls-files '*.cpp' '*.h')
mapfile -t units < <(git ls-files 'controller/*.cpp' 'reconcilers/*.cpp')
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)

printf 'lint: clang-format on %d files\n' "${#sources[@]}"
clang-format-19 --dry-run --Werror "${sources[@]}"

printf 'lint: shellcheck on %d scripts\n' "${#scripts[@]}"
shellcheck -x "${scripts[@]}"

# clang-tidy reads a compilation database of its own: GCC's warning switches are not clang's, and
# the headers that are generated must be there.
cmake -G Ninja -B build/lint -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++-19 >/dev/null

# What was clean is not read again: clang-tidy takes longer than compiling. The key is the text after
# preprocessing, so a changed header counts.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/chaos-lint
mkdir -p "$cache"
tidy_one() {
    local unit=$1 key
    key=$( { clang-tidy-19 --version; cat .clang-tidy; clang++-19 -std=c++23 -E -I. -Ibuild/lint/controller/generated \
        -DBOOST_ASIO_SEPARATE_COMPILATION -DBOOST_BEAST_SEPARATE_COMPILATION -DBOOST_ASIO_NO_DEPRECATED \
        -DFMT_SHARED -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL -DSPDLOG_SHARED_LIB "$unit"; } | sha256sum)
    key=$cache/${key%% *}
    [[ ! -e $key ]] || return 0
    clang-tidy-19 -p build/lint --quiet "$unit" 2>/dev/null || { printf 'lint: %s\n' "$unit" >&2; return 1; }
    : >"$key"
}
export -f tidy_one
export cache
printf 'lint: clang-tidy on %d files\n' "${#units[@]}"
# shellcheck disable=SC2016  # for the inner shell
printf '%s\0' "${units[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'tidy_one "$1"' -
printf 'lint: clean\n'
