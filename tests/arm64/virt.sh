#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# The drivers on arm64, in a guest on QEMU's machine virt: on the platform bus by its device
# tree, and on PCI behind an IOMMU, there also by the legacy interface. What devices and drivers hand to each other is compared
# on both sides. Runs on this machine; FLAVOUR=arm64 scripts/run-selftests does that.
#
# timeout: 300

set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
export FLAVOUR=arm64
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"
# shellcheck disable=SC2034
PROGRAM=virt.sh

# The names of disks, and of generators: bus or interface, and form of the ring.
DEVICES=(mmio-split mmio-packed pci-split pci-packed legacy-split)
MIB=$((1024 * 1024))
QEMU=$ARM64/usr/bin/qemu-system-aarch64

points=0 failures=0

result() { # ok or not ok, name
	points=$((points + 1))
	[ "$1" = ok ] || failures=$((failures + 1))
	echo "$1 $points - $2"
}

check() { # name, command...
	local name=$1
	shift
	if "$@" >"$RUN/output" 2>&1; then
		result ok "$name"
	else
		result 'not ok' "$name"
		tail -n 40 "$RUN/output" | sed 's/^/# /'
	fi
}

# What the guest gets
# -------------------

make_disks() {
	local name
	for name in "${DEVICES[@]}"; do
		head -c $((2 * MIB)) /dev/urandom >"$RUN/$name.first"
		cp "$RUN/$name.first" "$RUN/$name"
		truncate -s $((8 * MIB)) "$RUN/$name"
		echo "$name $(sha256sum <"$RUN/$name.first" | cut -d ' ' -f 1)"
		head -c $MIB /dev/urandom >"$RUN/$name.random"
	done >"$RUN/tree/given/expected"
}

make_initramfs() {
	local module
	mkdir -p "$RUN/tree/bin" "$RUN/tree/given"
	cp "$SDK_ROOT$ARM64/usr/bin/busybox" "$RUN/tree/bin"
	cp "$here/init" "$RUN/tree"
	for module in virtio_rust virtio_rng_rust virtio_blk_rust; do
		find "$BUILD" -name "$module.ko" -exec cp {} "$RUN/tree/given" \;
	done
	make_disks
	# shellcheck disable=SC2016
	sdk_run "$SDK_ROOT" sh -c 'cd "$0" && find . | cpio --quiet -o -H newc' "$RUN/tree" >"$RUN/initramfs"
}

# A disk and a generator of each kind. What is packed is to use the DMA API as well.
boot() {
	local name device ring arguments=()
	for name in "${DEVICES[@]}"; do
		case ${name#*-} in split) ring='' ;; packed) ring=,packed=on,iommu_platform=on ;; esac
		case ${name%-*} in
		mmio) device=device ;;
		pci) device=pci ring+=,disable-legacy=on ;;
		legacy) device=pci ring+=,disable-legacy=off,disable-modern=on ;;
		esac
		arguments+=(-blockdev "driver=file,node-name=$name,filename=$RUN/$name"
			-device "virtio-blk-$device,drive=$name,serial=$name,num-queues=2$ring"
			-object "rng-random,id=random-$name,filename=$RUN/$name.random"
			-device "virtio-rng-$device,rng=random-$name$ring")
	done
	timeout -k 10 600 "$TOP/scripts/chroot-run" "$SDK_ROOT" "$QEMU" \
		-M virt,gic-version=3,iommu=smmuv3 -cpu cortex-a72 -smp 2 -m 512M -accel tcg \
		-nodefaults -no-user-config -display none -no-reboot \
		-global virtio-mmio.force-legacy=false \
		-kernel "$KERNEL_IMAGE" -initrd "$RUN/initramfs" \
		-append 'console=ttyAMA0 oops=panic panic=-1 loglevel=6' \
		-serial "file:$RUN/console" -serial "file:$RUN/results" "${arguments[@]}" </dev/null
}

# What has come of it
# -------------------

ended() {
	grep -qx end "$RUN/results" || {
		tail -n 40 "$RUN/console"
		return 1
	}
}

# Its results get this test's numbers.
guest_results() {
	local line
	while read -r line; do
		case $line in
		"ok - "* | "not ok - "*) result "${line%% - *}" "${line#* - }" ;;
		'# '*) echo "$line" ;;
		esac
	done < <(tr -d '\r' <"$RUN/results")
}

part() { # name, number from 0
	dd if="$RUN/$1" bs=$((2 * MIB)) skip="$2" count=1 status=none
}

copied() { # name
	cmp "$RUN/$1.first" <(part "$1" 0) && cmp "$RUN/$1.first" <(part "$1" 1)
}

pieces() {
	od -An -v -tx1 -w16
}

# The file that a generator's bytes came from. Others have read from it in between: each
# piece of 16 bytes stands in the file, later than the one before.
source_of() { # name of the disk that has them
	local name
	for name in "${DEVICES[@]}"; do
		! awk 'NR == FNR { place[$0] = FNR; next }
			!(($0) in place) || place[$0] <= last { exit 1 }
			{ last = place[$0] }' <(pieces <"$RUN/$name.random") <(part "$1" 2 | head -c 65536 | pieces) ||
			echo "$name"
	done
}

# Each generator gave what its device did.
generated() {
	local name
	for name in "${DEVICES[@]}"; do source_of "$name"; done >"$RUN/sources"
	cat "$RUN/sources"
	[ "$(sort -u "$RUN/sources" | wc -l)" = ${#DEVICES[@]} ]
}

# What comes next to it was not written.
untouched() { # name
	cmp -n $((2 * MIB - 65536)) <(part "$1" 2 | tail -c +65537) /dev/zero && cmp -n $((2 * MIB)) <(part "$1" 3) /dev/zero
}

# The emulation keeps to the order that x86 has, which is more than arm64 promises: see at
# least that the barriers are there, which a driver has inlined. For each form of ring, those
# before and after what is published and that where interrupts are enabled again are full
# ones; those before what the device has written is read are for loads.
barriers() { # module
	local code full loads
	code=$(find "$BUILD" -name "$1.ko" -exec "$TOP/scripts/chroot-run" "$SDK_ROOT" \
		/opt/llvm/usr/lib/llvm-19/bin/llvm-objdump -d --no-show-raw-insn {} \;)
	full=$(grep -cE 'dmb[[:space:]]+ish$' <<<"$code")
	loads=$(grep -cE 'dmb[[:space:]]+ishld$' <<<"$code")
	echo "full barriers: $full, for loads: $loads"
	[ "$full" -ge 6 ] && [ "$loads" -ge 2 ]
}

main() {
	local name
	need_sdk
	make_run_dir
	echo "TAP version 13"
	make_initramfs
	check "a guest comes up, and goes" boot
	guest_results
	check "the guest got to the end" ended
	for name in "${DEVICES[@]}"; do
		check "$name: what the guest wrote is on the disk" copied "$name"
		check "$name: nothing else was written" untouched "$name"
	done
	check "generators give what their devices do" generated
	for name in virtio_blk_rust virtio_rng_rust; do
		check "$name: the barriers of rings" barriers $name
	done
	echo "1..$points"
	[ $failures = 0 ]
}

main
