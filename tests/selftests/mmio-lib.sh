# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# Devices of a machine without PCI, which ACPI says the place of; after lib.sh. TIMES is how often
# they come and go.

BUS=/sys/bus/platform

# Here a device is named by its number at ACPI, and its interrupt is found by its name.
device() { # number
	echo "$BUS/devices/LNRO0005:$1"
}

probe() { # number
	address "$1" >$BUS/drivers_probe
	bound "$1"
}

irqs() { # number
	local irq name
	name=$(virtio_name "$1")
	for irq in /sys/kernel/irq/*; do
		! grep -qx "$name" "$irq/actions" || basename "$irq"
	done
}

virtio_name() { # number
	local state
	state=$(grep -lx "device LNRO0005:$1" /sys/kernel/debug/virtio_rust/*/state)
	basename "$(dirname "$state")"
}

numbers() {
	local path
	for path in "$(device '')"*; do echo "${path##*:}"; done
}

# The number of the disk with this serial number.
numbered() { # serial
	local number
	for number in $(numbers); do
		! grep -qx "$1" "$(device "$number")"/block/vd*/serial 2>/dev/null || echo "$number"
	done
}

of_driver() { # driver
	local number
	for number in $(numbers); do
		[ "$(driver_of "$number")" != "$1" ] || echo "$number"
	done
}

# Each driver was asked about each device, and left those of the other kind to the other: sources has
# the generators.
drivers() {
	equal 4 "$(of_driver virtio_blk_rust | wc -l)" "disks"
	equal 2 "${#sources[@]}" "generators"
	! dmesg | grep LNRO0005 | grep -iE 'fail|error|not a|cannot'
}

form() { # number, form
	equal "$2" "$(shown "$1" queue0 form)" "form"
}

negotiated() { # number, names...
	local name features
	features=/sys/kernel/debug/virtio_rust/$(virtio_name "$1")/features
	shift
	cat "$features"
	for name; do
		grep -E "^[0-9]+ (VIRTIO_F_)?$name negotiated$" "$features"
	done
}

# One line for all: each queue has its answers by it.
queues() { # number
	local before cpu irq
	irq=$(irqs "$1")
	equal 2 "$(find "/sys/block/$(disk "$1")/mq" -mindepth 1 -maxdepth 1 | wc -l)" "queues"
	before=$(irq_count "$irq")
	for cpu in 0 1; do read_apart "$(disk "$1")" 20 $cpu; done
	greater "$(irq_count "$irq")" $((before + 30)) "interrupts"
	greater "$(shown "$1" queue0 interrupts)" 10 "interrupts of the first queue"
	greater "$(shown "$1" queue1 interrupts)" 10 "interrupts of the second queue"
}

# Writes beyond what the test looks at, on a disk that comes and goes.
writes() { # number
	local disk
	set +eE
	while :; do
		disk=$(disk "$1") && dd if=/dev/zero of="/dev/$disk" bs=64k seek=512 count=200 oflag=direct conv=nocreat
		sleep 0.01
	done
}

rebind() { # number
	local i load
	set -m
	writes "$1" >"$scratch/load" 2>&1 &
	load=$!
	set +m
	for ((i = 0; i < TIMES; i++)); do
		[ $((i % 4)) != 0 ] || sleep 0.3
		unbind "$1"
		refused bound "$1"
		probe "$1"
	done
	kill -- -$load
	within 20 tail --pid=$load -f /dev/null
	greater "$(grep -c copied "$scratch/load")" 1 "times that something was written"
	round_trip "$(disk "$1")"
}

rebind_generator() { # number
	local i
	for ((i = 0; i < TIMES; i++)); do
		unbind "$1"
		probe "$1"
	done
	generator_works "$1"
}

# The machine is copied to a disk under load and read from there, and goes on as of when the copy was
# taken: devices are frozen and thawed for the one, frozen and restored for the other.
is_copied() { # disk for the copy, disk with a load, generator
	local swap load path restarts=()
	swap=/dev/$(disk "$1")
	mkswap "$swap"
	swapon "$swap"
	for path in "$@"; do restarts+=("$(shown "$path" state restarts)"); done
	fio --output="$scratch/fio" --eta=never --name=load --filename="/dev/$(disk "$2")" --direct=1 \
		--ioengine=libaio --iodepth=4 --rw=randrw --bsrange=512-16k --size=8m --verify=crc32c --verify_fatal=1 \
		--verify_backlog=16 --verify_state_save=0 --randrepeat=0 --time_based --runtime=3600 &
	load=$!
	sleep 2
	# As large as it likes to be. To make it small the kernel swaps out what it can, until it has no
	# memory left to do that, and says so.
	echo $((256 << 20)) >/sys/power/image_size
	echo test_resume >/sys/power/disk
	echo disk >/sys/power/state
	kill -0 $load
	sleep 2
	kill -INT $load
	within 60 tail --pid=$load -f /dev/null
	cat "$scratch/fio"
	grep 'err= 0' "$scratch/fio"
	swapoff "$swap"
	greater "$(dd if="$swap" bs=1M count=200 iflag=direct status=none | tr -d '\0' | wc -c)" 10000000 "bytes of the copy"
	for path in "$@"; do
		equal $((restarts[0] + 1)) "$(shown "$path" state restarts)" "restarts of $path"
		restarts=("${restarts[@]:1}")
	done
	round_trip "$(disk "$2")"
	generator_works "$3"
}

check_copy() { # disk for the copy, disk with a load, generator
	if grep -qw disk /sys/power/state; then
		check "the machine is copied to disk under load, and goes on" is_copied "$@"
	else
		skip "the machine is copied to disk under load, and goes on" "this kernel cannot do that"
	fi
}
