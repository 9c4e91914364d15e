#!/usr/bin/env bash
# Run tests on other kernels, each in a virtual machine.
#
#   scripts/other_kernel.sh                     tests/kernel on each of debian-12 (6.1), ubuntu-22.04 (5.15), debian-11 (5.10)
#   scripts/other_kernel.sh KERNEL TESTS...     on one of them or debian-12-arm64 (aarch64), these tests
#
# Kernels are the distributions' own. A machine of this one's type has this one's own root, read only through 9p, under an
# overlay in its memory, so nothing it writes stays. One of another type has a root made of packages, and this folder.
# What is downloaded and unpacked is kept in ${XDG_CACHE_HOME:-~/.cache}/sysdig-py-kernels.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/kernel_packages.sh
source scripts/kernel_packages.sh

readonly MODULES=(virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet 9pnet_virtio
    9p overlay)
readonly LIMIT=${LIMIT:-3000} # seconds
readonly SHARE=trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro
root=$PWD
disk=$(mktemp)
trap 'rm -f "$disk" "$disk.log"' EXIT

initramfs() { # initramfs FILE: a shell, the modules that reach the files, and what to do
    local made module file
    made=$(mktemp -d)
    mkdir -p "$made"/{bin,modules,proc,sys,dev,host,project,write,root}
    cp "$busybox" "$made/bin/busybox"
    for module in "${MODULES[@]}"; do
        file=$(find "$kernel/lib/modules" -name "$module.ko" -o -name "${module//_/-}.ko" | head -n 1)
        [[ -z $file ]] || cp "$file" "$made/modules/"
        [[ -z $file ]] || basename "$file" >>"$made/modules/order"
    done
    write_init "$made/init"
    (cd "$made" && find . | busybox cpio -o -H newc) 2>/dev/null | gzip -1 >"$1"
    rm -rf "$made"
}

write_init() {
    cat >"$1" <<END_OF_INIT
#!/bin/busybox sh
b=/bin/busybox
over() { # over FOLDER NAME: what is mounted at /NAME, and a layer in memory that takes what is written
    \$b mkdir -p /write/\$2/upper /write/\$2/work "\$1"
    \$b mount -t overlay -o lowerdir=/\$2,upperdir=/write/\$2/upper,workdir=/write/\$2/work overlay "\$1"
}
\$b mount -t proc proc /proc
\$b mount -t devtmpfs dev /dev
for module in \$(\$b cat /modules/order); do \$b insmod /modules/\$module; done
\$b mount -t 9p -o $SHARE host /host || exec \$b poweroff -f
\$b mount -t tmpfs -o size=70% tmpfs /write
over /root host
\$b mount -t 9p -o $SHARE project /project 2>/dev/null && over "/root$root" project
\$b mount --move /dev /root/dev
\$b umount /proc
exec \$b switch_root /root /usr/bin/env PYTHON="$python" PYTHONPATH="$packages" \
    /bin/bash $root/tests/other_kernel/inside.sh $root ${tests[*]@Q}
END_OF_INIT
    chmod 755 "$1"
}

prepare() { # prepare KERNEL: the machine's files, and how it is started
    fetch_kernel "$1"
    share=(-virtfs "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap")
    busybox=$(command -v busybox) python=.venv/bin/python packages=""
    # in a virtual machine itself hardware help may be there and yet hang, so it has to be asked for: KVM=1
    emulator=(qemu-system-x86_64 -cpu max) console=ttyS0
    [[ -z ${KVM:-} ]] || emulator=(qemu-system-x86_64 -enable-kvm -cpu host)
    if [[ $machine == arm64 ]]; then
        fetch_root "$1"
        share=("${share[0]}" "${share[1]/path=\//path=$guest}"
            -virtfs "local,path=$root,mount_tag=project,security_model=none,readonly=on,multidevs=remap")
        busybox=$guest/bin/busybox python=/usr/bin/python3 packages=/opt/packages
        emulator=(qemu-system-aarch64 -M virt -cpu "max,pauth-impdef=on") console=ttyAMA0
    fi
    need "${emulator[0]}" qemu-system-x86,qemu-system-arm
}

boot() { # the console's lines of the tests, without the kernel's own
    timeout -k 5 "$LIMIT" "${emulator[@]}" -m 3072 -smp 2 -nographic -no-reboot -nodefaults -serial stdio \
        -kernel "$(echo "$kernel"/boot/vmlinuz-*)" -initrd "$1" "${share[@]}" \
        -append "console=$console loglevel=4 panic=-1 mitigations=off" </dev/null | stdbuf -o0 tr -d '\r'
}

run_on() { # run_on KERNEL TESTS...
    tests=("${@:2}")
    ((${#tests[@]})) || tests=(tests/kernel)
    prepare "$1"
    initramfs "$disk"
    printf 'other kernel: %s, %s\n' "$1" "${tests[*]}"
    boot "$disk" | tee "$disk.log"
    grep -q '^other kernel: passed' "$disk.log"
}

main() {
    local each failed=()
    need busybox busybox-static
    if (($#)); then
        run_on "$1" "${@:2}"
        return
    fi
    for each in "${KERNELS[@]}"; do
        if ! has_mirror "$each" && [[ ! -d $KEPT/$each/kernel ]]; then
            printf 'other kernel: %s left out, no mirror of it is known (DEBIAN_MIRROR, UBUNTU_MIRROR)\n' "$each"
            continue
        fi
        run_on "$each" || failed+=("$each")
    done
    ((${#failed[@]} == 0)) || die "failed on ${failed[*]}"
}

main "$@"
