# shellcheck shell=bash
# Sourced by other_kernel.sh: kernels of distributions, and the root file system of another machine type, out of packages.
# Each distribution has package lists of its own under $KEPT, apart from those of this machine.

readonly KEPT=${XDG_CACHE_HOME:-$HOME/.cache}/sysdig-py-kernels
readonly KERNELS=(debian-12 ubuntu-22.04 debian-11) # by age: 6.1, 5.15, 5.10
# mirrors of the distributions: this machine's own is known to apt, that of the other one has to be said
# shellcheck disable=SC2016 # apt expands it
mirror() { apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' | sed -n "s/^$1 //p" | head -n 1; }
DEBIAN=${DEBIAN_MIRROR:-$(mirror Debian)} UBUNTU=${UBUNTU_MIRROR:-$(mirror Ubuntu)}
readonly DEBIAN=${DEBIAN%/} UBUNTU=${UBUNTU%/}
readonly DEBIAN_KEYS=/usr/share/keyrings/debian-archive-keyring.gpg UBUNTU_KEYS=$KEPT/ubuntu-archive-keyring.gpg
# has the key F6ECB3762474EDA9D21B7022871920D1991BC93C, "Ubuntu Archive Automatic Signing Key (2018)"
readonly UBUNTU_KEY_PACKAGE=pool/main/u/ubuntu-keyring/ubuntu-keyring_2021.03.26_all.deb
readonly UBUNTU_KEY_SUM=0d0e7ed6b112f5d03eabf3c7eb01ebdacf9c57714b279e90495cfc58c8c4520f
# what a machine needs to run tests/kernel, besides the Python packages
readonly ROOT_PACKAGES=(base-files base-passwd bash binutils bpftool busybox-static coreutils dash debianutils findutils grep
    gzip hostname iproute2 libc-bin mount procps python3 python3-bpfcc sed util-linux)

die() { printf 'other kernel: %s\n' "$*" >&2; exit 1; }

need() { command -v "$1" >/dev/null || die "$1 is missing: apt-get install $2"; }

has_mirror() { # has_mirror KERNEL
    [[ $1 == debian-* && -n $DEBIAN || $1 == ubuntu-* && -n $UBUNTU ]]
}

describe() { # describe KERNEL: sets meta (the package that stands for the newest) and sources
    local keys="signed-by=$DEBIAN_KEYS"
    meta=linux-image-amd64
    has_mirror "$1" || die "$1: no mirror of it is known: say DEBIAN_MIRROR=URL or UBUNTU_MIRROR=URL"
    case $1 in
        debian-12) sources=("[$keys] $DEBIAN bookworm main") ;;
        debian-11) sources=("[$keys] $DEBIAN bullseye main" "[$keys] $DEBIAN-security bullseye-security main") ;;
        debian-12-arm64) meta=linux-image-arm64 sources=("[$keys] $DEBIAN bookworm main") ;;
        ubuntu-22.04)
            meta=linux-image-generic keys="signed-by=$UBUNTU_KEYS"
            sources=("[$keys] $UBUNTU jammy main" "[$keys] $UBUNTU jammy-updates main")
            fetch_ubuntu_keys
            ;;
        *) die "no kernel $1: there are ${KERNELS[*]} debian-12-arm64" ;;
    esac
}

fetch_ubuntu_keys() {
    local made
    [[ ! -f $UBUNTU_KEYS ]] || return 0
    made=$(mktemp -d)
    curl -fsSo "$made/keys.deb" "$UBUNTU/$UBUNTU_KEY_PACKAGE" || die "cannot download $UBUNTU/$UBUNTU_KEY_PACKAGE"
    echo "$UBUNTU_KEY_SUM  $made/keys.deb" | sha256sum --quiet --check || die "$UBUNTU_KEY_PACKAGE is not what it was"
    dpkg-deb -x "$made/keys.deb" "$made" && mkdir -p "$KEPT"
    cp "$made/usr/share/keyrings/ubuntu-archive-keyring.gpg" "$UBUNTU_KEYS" && rm -rf "$made"
}

apt() { # apt TOOL ARGUMENTS...: apt-get or apt-cache of the distribution described, its files under $lists
    local tool=$1
    shift
    "$tool" -qq -o Dir::Etc::sourcelist="$lists/sources" -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$lists/state" \
        -o Dir::State::status="$lists/status" -o Dir::Cache="$lists/cache" -o APT::Sandbox::User=root \
        -o APT::Architecture="$machine" -o APT::Architectures="$machine" "$@"
}

refresh() { # refresh KERNEL
    lists=$KEPT/$1/apt
    mkdir -p "$lists"/state/lists/partial "$lists"/cache/archives/partial
    : >"$lists/status"
    printf 'deb %s\n' "${sources[@]}" >"$lists/sources"
    apt apt-get update || die "apt-get cannot read the lists of $1"
}

dependency() { # dependency PACKAGE PREFIX: the one that it depends on whose name begins so
    apt apt-cache depends --no-recommends --no-suggests "$1" | sed -n "s/^ *Depends: \($2[0-9].*\)/\1/p" | head -n 1
}

fetch_kernel() { # fetch_kernel KERNEL: its files are in $kernel afterwards, and apt's word for its type in $machine
    local image modules
    kernel=$KEPT/$1/kernel machine=amd64
    [[ $1 != *-arm64 ]] || machine=arm64
    [[ ! -d $kernel ]] || return 0
    describe "$1"
    refresh "$1"
    image=$(dependency "$meta" linux-image-)
    [[ -n $image ]] || die "$1 has no $meta"
    modules=$(dependency "$image" linux-modules-) # Debian's are in the same package
    (cd "$lists/cache/archives" && rm -f ./*.deb && apt apt-get download "$image" ${modules:+"$modules"}) ||
        die "apt-get cannot download $image"
    unpack "$kernel"
}

fetch_root() { # fetch_root KERNEL: a root file system of its distribution is in $guest afterwards; no script of a package is run
    local link python
    guest=$KEPT/$1/root
    [[ ! -d $guest ]] || return 0
    describe "$1"
    refresh "$1"
    rm -f "$lists"/cache/archives/*.deb
    apt apt-get install --yes --no-install-recommends --download-only "${ROOT_PACKAGES[@]}" >/dev/null ||
        die "apt-get cannot download the packages of $1"
    mkdir -p "$guest.new"
    for link in bin sbin lib; do
        mkdir -p "$guest.new/usr/$link"
        ln -sfn "usr/$link" "$guest.new/$link"
    done
    python=$(cd "$lists/cache/archives" && printf '%s\n' python3.*-minimal_*.deb | sed -n 's/^python\(3\.[0-9]*\)-.*/\1/p')
    python_packages "$guest.new/opt/packages" "$python"
    unpack "$guest"
    cp "$guest/usr/share/base-passwd/passwd.master" "$guest/etc/passwd"
    cp "$guest/usr/share/base-passwd/group.master" "$guest/etc/group"
}

unpack() { # unpack FOLDER: what was downloaded; whole or not at all
    local package
    mkdir -p "$1.new"
    for package in "$lists"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$1.new"
    done
    rm -f "$lists"/cache/archives/*.deb
    mv "$1.new" "$1"
}

python_packages() { # python_packages FOLDER VERSION: what the program and its kernel tests need, as wheels for the other machine
    local needed
    mapfile -t needed < <(.venv/bin/python -c 'from importlib.metadata import requires
print(*(each for each in requires("sysdig-py") if "extra ==" not in each), sep="\n")')
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$1" \
        --only-binary=:all: --implementation cp --python-version "$2" --platform manylinux2014_aarch64 \
        --platform manylinux_2_17_aarch64 --platform manylinux_2_28_aarch64 "${needed[@]}" 'pytest>=8.0' 'hypothesis>=6.90'
}
