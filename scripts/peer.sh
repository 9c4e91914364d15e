#!/usr/bin/env bash
# Build the peer that the benches compare a live capture with: scap-open of the Falco libraries, their modern eBPF probe
# and a reader that counts events and throws them away. It prints the program's path.
#
#   scripts/peer.sh
#
# Debian's packages leave the modern probe out, so it is compiled from Debian's source package, in a root of packages of
# its own. All of it is kept in ${XDG_CACHE_HOME:-~/.cache}/sysdig-py-peer.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=scripts/kernel_packages.sh
source kernel_packages.sh

readonly SUITE=trixie VERSION=0.20.0
readonly SOURCE_SUM=4ae6ddb42a1012bacd88c63abdaa7bd27ca0143c4721338a22c45597e63bc99d
readonly PACKAGES=build-essential,cmake,ninja-build,pkgconf,clang,llvm,bpftool,libbpf-dev,libelf-dev,zlib1g-dev,libjsoncpp-dev,libtbb-dev,libre2-dev,uthash-dev,libvalijson-dev
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sysdig-py-peer
program=$cache/scap-open
source=$cache/root/src/libs-$VERSION

fetch() {
    local packed=$cache/root/src/libs.tar.gz
    mkdir -p "$cache/root/src"
    curl -fsS -o "$packed" "$DEBIAN/pool/main/f/falcosecurity-libs/falcosecurity-libs_$VERSION.orig.tar.gz"
    echo "$SOURCE_SUM  $packed" | sha256sum --check --quiet
    tar -xzf "$packed" -C "$cache/root/src"
}

adapt() { # what this version needs on kernels of today, and without CAP_SYS_RESOURCE
    local store=$source/driver/modern_bpf/helpers/store/auxmap_store_params.h
    # the member has been called __parent since Linux 6.15
    sed -i 's/BPF_CORE_READ_INTO(&kn, kn, parent);/kn = (struct kernfs_node *)BPF_CORE_READ((struct kernfs_node___new *)kn, __parent);/' "$store"
    sed -i '0,/#pragma once/s//#pragma once\nstruct kernfs_node___new { struct kernfs_node___new *__parent; } __attribute__((preserve_access_index));/' "$store"
    # memory of maps has been the cgroup's since Linux 5.11, whatever the limit of locked memory
    sed -i 's/if(setrlimit(RLIMIT_MEMLOCK, &rl))/if(0)/' "$source/userspace/libpman/src/configuration.c"
}

compile() {
    chroot "$cache/root" /bin/bash -euo pipefail <<END
mkdir -p /src/build && cd /src/build
cmake -G Ninja -DCMAKE_BUILD_TYPE=Release -DUSE_BUNDLED_DEPS=OFF -DBUILD_LIBSCAP_MODERN_BPF=ON -DBUILD_DRIVER=OFF \
    -DBUILD_BPF=OFF -DBUILD_LIBSCAP_GVISOR=OFF -DCREATE_TEST_TARGETS=OFF -DBUILD_LIBSCAP_EXAMPLES=ON \
    -DBUILD_LIBSINSP_EXAMPLES=OFF -DMINIMAL_BUILD=ON -DENABLE_DKMS=OFF ../libs-$VERSION
ninja scap-open
# to run outside of this root, the program takes its libraries along
mkdir -p /src/lib
cp \$(ldd libscap/examples/01-open/scap-open | grep -o '/[^ ]*') libscap/examples/01-open/scap-open /src/lib/
END
}

make_it() {
    command -v mmdebstrap >/dev/null || apt-get install -qqy --no-install-recommends mmdebstrap
    [[ -n $DEBIAN ]] || { echo "peer: no mirror of Debian is known: say DEBIAN_MIRROR=URL" >&2; exit 1; }
    mkdir -p "$cache"
    rm -rf "${cache:?}/root"
    mmdebstrap --quiet --variant=apt --include="$PACKAGES" "$SUITE" "$cache/root" "deb [signed-by=$DEBIAN_KEYS] $DEBIAN $SUITE main"
    fetch
    adapt
    compile
    rm -rf "${cache:?}/lib"
    mv "$cache/root/src/lib" "$cache/lib"
    rm -rf "${cache:?}/root"
    printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$cache"/lib/ld-linux-*.so.* "$cache/lib" "$cache/lib/scap-open" >"$program"
    chmod +x "$program"
}

[[ -x $program ]] || make_it >&2
echo "$program"
