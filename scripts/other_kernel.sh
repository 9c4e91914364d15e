#!/usr/bin/env bash
# Run tests on another kernel: a virtual machine with a kernel of the distribution and this machine's own root, read only.
#
#   scripts/other_kernel.sh                     tests/kernel on the kernel of linux-image-amd64
#   scripts/other_kernel.sh PACKAGE TESTS...    on that of another package, other tests
#
# The machine sees this one's files through 9p, under an overlay in its memory, so nothing it writes stays. What is
# downloaded and unpacked is kept in ${XDG_CACHE_HOME:-~/.cache}/sysdig-py-kernels.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly MODULES=(virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet 9pnet_virtio
    9p overlay)
readonly LIMIT=${LIMIT:-3000} # seconds
root=$PWD
disk=$(mktemp)
trap 'rm -f "$disk" "$disk.log"' EXIT

die() { printf 'other kernel: %s\n' "$*" >&2; exit 1; }

need() { command -v "$1" >/dev/null || die "$1 is missing: apt-get install $2"; }

image_package() { # the package that the meta package stands for
    local name
    name=$(apt-cache depends --no-recommends --no-suggests linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
    [[ -n $name ]] || die "apt knows no linux-image-amd64"
    printf '%s\n' "$name"
}

fetch() { # fetch PACKAGE: its files are in $kept afterwards
    kept=${XDG_CACHE_HOME:-$HOME/.cache}/sysdig-py-kernels/$1
    [[ ! -d $kept/boot ]] || return 0
    mkdir -p "$kept.new"
    (cd "$kept.new" && apt-get -qq download "$1") || die "apt-get cannot download $1"
    dpkg-deb -x "$kept.new"/*.deb "$kept.new" && rm "$kept.new"/*.deb
    mv "$kept.new" "$kept"
}

initramfs() { # initramfs FILE: a shell, the modules that reach the files, and what to do
    local made module file
    made=$(mktemp -d)
    mkdir -p "$made"/{bin,modules,proc,sys,dev,host,write,root}
    cp "$(command -v busybox)" "$made/bin/busybox"
    for module in "${MODULES[@]}"; do
        file=$(find "$kept/lib/modules" -name "$module.ko" -o -name "${module//_/-}.ko" | head -n 1)
        [[ -z $file ]] || cp "$file" "$made/modules/"
        [[ -z $file ]] || basename "$file" >>"$made/modules/order"
    done
    write_init "$made/init"
    (cd "$made" && find . | busybox cpio -o -H newc) 2>/dev/null | gzip -1 >"$1"
    rm -rf "$made"
}

write_init() {
    cat >"$1" <<END
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for module in \$(/bin/busybox cat /modules/order); do /bin/busybox insmod /modules/\$module; done
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host || exec /bin/busybox poweroff -f
/bin/busybox mount -t tmpfs -o size=70% tmpfs /write
/bin/busybox mkdir /write/upper /write/work
/bin/busybox mount -t overlay -o lowerdir=/host,upperdir=/write/upper,workdir=/write/work overlay /root
/bin/busybox mount --move /dev /root/dev
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /bin/bash $root/tests/other_kernel/inside.sh $root ${tests[*]@Q}
END
    chmod 755 "$1"
}

main() {
    local package
    need qemu-system-x86_64 qemu-system-x86
    need busybox busybox-static
    package=${1:-$(image_package)}
    tests=("${@:2}")
    ((${#tests[@]})) || tests=(tests/kernel)
    fetch "$package"
    initramfs "$disk"
    printf 'other kernel: %s, %s\n' "$package" "${tests[*]}"
    boot "$disk" | tee "$disk.log"
    grep -q '^other kernel: passed' "$disk.log"
}

boot() { # the console's lines of the tests, without the kernel's own
    # in a virtual machine itself hardware help may be there and yet hang, so it has to be asked for: KVM=1
    local processor=(-cpu max)
    [[ -z ${KVM:-} ]] || processor=(-enable-kvm -cpu host)
    timeout -k 5 "$LIMIT" qemu-system-x86_64 "${processor[@]}" -m 3072 -smp 2 -nographic -no-reboot -nodefaults -serial stdio \
        -kernel "$(echo "$kept"/boot/vmlinuz-*)" -initrd "$1" \
        -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
        -append "console=ttyS0 loglevel=4 panic=-1 mitigations=off" </dev/null | stdbuf -o0 tr -d '\r'
}

main "$@"
