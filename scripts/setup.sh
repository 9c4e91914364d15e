#!/usr/bin/env bash
# Bring a Debian 12+/Ubuntu 22.04+ machine to the point where the program (and its tests) can run.
#
#   scripts/setup.sh run    what the program needs
#   scripts/setup.sh all    that, and what the tests, the demo and the benches need (the default)
#
# Does nothing, quickly, when nothing is missing. Packages come from apt (as root); the Python packages go
# into .venv, made by the system's Python with its packages visible, because bcc's binding is one of them.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PYTHON=/usr/bin/python3
readonly VENV=.venv
readonly STAMP=$VENV/setup-stamp
readonly MODE=${1:-all}
readonly POLICY=/usr/sbin/policy-rc.d

# What is looked for, and the packages that bring it: the first one apt knows is installed.
# A path, a command, or py:MODULE for the system's Python.
readonly NEEDED=(
    "$PYTHON python3"
    "py:bcc python3-bpfcc"
    "py:ensurepip python3-venv"
    "bpftool bpftool linux-tools-common"
)
readonly NEEDED_BY_TESTS=(
    "busybox busybox-static"
    "ip iproute2"
    "iptables iptables"
    "dockerd docker.io"
    "docker docker-cli docker.io"
    "redis-server redis-server"
    "redis-benchmark redis-tools"
    "tmux tmux"
    "tshark tshark"
    "clang-format clang-format"
)
# Not every release has these: the tests that use them say so when they skip.
readonly WANTED_BY_TESTS=(
    "sysdig sysdig"
    "luacheck lua-check"
    "shellcheck shellcheck"
    "as binutils"
    "qemu-system-x86_64 qemu-system-x86"
    "qemu-system-aarch64 qemu-system-arm"
)

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# --- what is there ---------------------------------------------------------------------------------------------------

is_there() {
    case $1 in
        py:*) "$PYTHON" -c "import importlib.util as u, sys; sys.exit(u.find_spec('${1#py:}') is None)" 2>/dev/null ;;
        # Ubuntu's bpftool can be a wrapper that lacks the tool of the running kernel
        bpftool) bpftool version >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing() { # missing "THING PACKAGE..." ... : print the rows whose thing is not there
    local row
    for row in "$@"; do
        is_there "${row%% *}" || printf '%s\n' "$row"
    done
}

# --- apt -------------------------------------------------------------------------------------------------------------

# No pipe into a grep -q here: it would leave apt-cache writing into a closed pipe.
has_candidate() {
    local policy
    policy=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null)
    [[ $policy == *"Candidate: "* && $policy != *"Candidate: (none)"* ]]
}

package_of() { # package_of "THING PACKAGE...": the first package apt has
    local package
    for package in ${1#* }; do
        has_candidate "$package" && { printf '%s\n' "$package"; return; }
    done
    return 1
}

lists_are_fresh=""
refresh_lists() {
    [[ -z $lists_are_fresh ]] || return 0
    need_root "the package lists"
    say "refreshing the package lists"
    apt-get -qq -o DPkg::Lock::Timeout=300 update || say "apt-get update failed; going on with the lists there are"
    lists_are_fresh=1
}

# The services of docker and redis must not start because their packages were installed.
forbid_services() {
    [[ ! -e $POLICY ]] || return 0
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
    trap 'rm -f "$POLICY"' EXIT
}

allow_services() {
    [[ -z $(trap -p EXIT) ]] || { rm -f "$POLICY"; trap - EXIT; }
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 install --no-install-recommends "$@" >/dev/null
}

install_packages() {
    say "installing $*"
    forbid_services
    if ! apt_install "$@"; then
        refresh_lists
        apt_install "$@" || return 1
    fi
    allow_services
}

install_needed() { # install_needed "THING PACKAGE..." ...
    local row package packages=()
    for row in "$@"; do
        package=$(package_of "$row") || { refresh_lists; package=$(package_of "$row"); } ||
            die "${row%% *} is missing and apt has none of: ${row#* }"
        packages+=("$package")
    done
    need_root "${packages[@]}"
    install_packages "${packages[@]}" || die "apt-get could not install: ${packages[*]}"
}

install_wanted() { # the same, but going on without what cannot be had
    local row package packages=()
    for row in "$@"; do
        if package=$(package_of "$row"); then
            packages+=("$package")
        else
            say "${row%% *}: this release has no package ${row#* }; going on without it"
        fi
    done
    ((${#packages[@]})) || return 0
    if ((EUID != 0)); then
        say "without root no package is installed; going on without: ${packages[*]}"
    else
        install_packages "${packages[@]}" || say "apt-get could not install, going on without: ${packages[*]}"
    fi
}

# bpftool of Ubuntu: the wrapper alone is not enough, the kernel's own tools package is needed too.
complete_bpftool() {
    ! is_there bpftool || return 0
    local package
    for package in "linux-tools-$(uname -r)" linux-tools-generic; do
        ! has_candidate "$package" || install_packages "$package" || true
        ! is_there bpftool || return 0
    done
    local tool
    tool=$(find /usr/lib -path '*linux-tools*' -name bpftool -perm -u+x 2>/dev/null | sort -V | tail -n 1)
    [[ -n $tool ]] || die "no working bpftool for kernel $(uname -r)"
    say "using $tool for kernel $(uname -r)"
    ln -sf "$tool" /usr/local/sbin/bpftool
}

need_apt() {
    command -v apt-get >/dev/null || die "missing: $*; this script knows apt (Debian, Ubuntu) only"
}

need_root() {
    ((EUID == 0)) || die "missing: $*; installing them needs root: sudo make setup"
}

install_missing() {
    local must=() may=()
    mapfile -t must < <(missing "${NEEDED[@]}"; [[ $MODE == run ]] || missing "${NEEDED_BY_TESTS[@]}")
    [[ $MODE == run ]] || mapfile -t may < <(missing "${WANTED_BY_TESTS[@]}")
    ((${#must[@]} + ${#may[@]})) || return 0
    need_apt "${must[@]%% *}" "${may[@]%% *}"
    compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || refresh_lists
    ((${#must[@]} == 0)) || install_needed "${must[@]}"
    ((${#may[@]} == 0)) || install_wanted "${may[@]}"
    complete_bpftool
}

# --- the virtual environment -----------------------------------------------------------------------------------------

check_python() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        die "$PYTHON is $("$PYTHON" -V); Python 3.10 or later is needed (Debian 12, Ubuntu 22.04 or later)"
}

venv_is_right() {
    [[ -x $VENV/bin/python ]] && grep -qx 'home = /usr/bin' "$VENV/pyvenv.cfg" &&
        grep -qx 'include-system-site-packages = true' "$VENV/pyvenv.cfg" &&
        grep -qF "$PWD/$VENV" "$VENV/bin/activate" && "$VENV/bin/python" -c ''
}

make_venv() {
    ! venv_is_right || return 0
    if [[ -e $VENV ]]; then
        [[ -f $VENV/pyvenv.cfg ]] || die "$VENV is in the way and is no virtual environment"
        say "$VENV is not made by $PYTHON with the system's packages visible: making it anew"
        rm -rf "$VENV"
    fi
    say "making $VENV"
    "$PYTHON" -m venv --system-site-packages "$VENV"
}

# What the Python packages were installed from: the same again means there is nothing to do.
fingerprint() { { printf '%s\n' "$MODE" "$PWD"; "$PYTHON" -V; cat pyproject.toml; } | sha256sum; }

install_python_packages() {
    [[ ! -f $STAMP || $(<"$STAMP") != "$(fingerprint)" ]] || return 0
    local what=.
    [[ $MODE == run ]] || what='.[dev]'
    say "installing the Python packages of $what"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$what"
    fingerprint >"$STAMP"
}

main() {
    [[ $MODE == run || $MODE == all ]] || die "usage: scripts/setup.sh [run|all]"
    PATH=$PATH:/usr/sbin:/sbin
    install_missing
    check_python
    make_venv
    install_python_packages
}

main
