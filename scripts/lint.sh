#!/usr/bin/env bash
# Every check that reads the code without running it. All of them run; any failure makes the exit code non-zero.
#
#   scripts/lint.sh            check
#   scripts/lint.sh format-c   bring the probe's C into form instead
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

readonly BIN=.venv/bin
failed=()

check() { # check NAME COMMAND...
    local name=$1
    shift
    if "$@"; then
        printf 'lint: %-14s ok\n' "$name"
    else
        printf 'lint: %-14s FAILED\n' "$name"
        failed+=("$name")
    fi
}

# A tool that this release of the distribution has no package of is left out, and said so.
check_if_there() { # check_if_there NAME TOOL ARGUMENTS...
    if command -v "$2" >/dev/null; then
        check "$@"
    else
        printf 'lint: %-14s skipped, %s is not installed\n' "$1" "$2"
    fi
}

c_files() { find probe -name '*.[ch]' ! -name schema.h | sort; }
lua_files() { find sysdig_py chisels tests -name '*.lua' ! -path '*/node_modules/*' | sort; }
shell_files() { { find scripts tests -name '*.sh'; echo .ci/run; } | sort; }

main() {
    local c lua shell
    mapfile -t c < <(c_files)
    mapfile -t lua < <(lua_files)
    mapfile -t shell < <(shell_files)
    if [[ ${1:-} == format-c ]]; then
        ((${#c[@]} == 0)) || clang-format -i "${c[@]}"
        return
    fi
    check imports "$BIN/lint-imports" --no-cache
    check ruff "$BIN/python" -m ruff check --quiet .
    check format "$BIN/python" -m ruff format --check --quiet .
    check types "$BIN/python" -m mypy --no-error-summary
    check_if_there lua luacheck --quiet "${lua[@]}"
    ((${#c[@]} == 0)) || check_if_there c clang-format --dry-run -Werror "${c[@]}"
    check_if_there shell shellcheck "${shell[@]}"
    ((${#failed[@]} == 0)) || { printf 'lint failed: %s\n' "${failed[*]}" >&2; exit 1; }
}

main "$@"
