#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# The machine sleeps and wakes up, is copied to disk and goes on, under load. Its root file
# system is on one of our disks: no other virtio driver is there, some of which refuse.
# While it sleeps QEMU resets the devices.
#
# timeout: 300

if [ ! -e /run/virtio-rust ]; then
	# On this machine: boots the guest, in which the same begins anew, after the library.
	cd "$(dirname "$0")" || exit 1
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	truncate -s 64M "$dir/data"
	truncate -s 512M "$dir/swap"
	../../scripts/guest --bare --timeout 900 --memory 512M --console "$dir/console" \
		--append no_console_suspend \
		--qemu "-global ICH9-LPC.disable_s3=0 -global ICH9-LPC.disable_s4=0
			-blockdev driver=file,node-name=data,filename=$dir/data
			-blockdev driver=file,node-name=swap,filename=$dir/swap" \
		--device virtio-rng-pci,addr=0x10 \
		--device virtio-blk-pci,drive=data,num-queues=2,addr=0x11 \
		--device virtio-blk-pci,drive=swap,serial=swap,vectors=0,disable-modern=on,disable-legacy=off,addr=0x12 \
		--device virtio-rng-pci,disable-modern=on,disable-legacy=off,addr=0x13 \
		-- bash -c "mkdir /run/virtio-rust/modules; $(cat lib.sh "$(basename "$0")")" || {
		status=$?
		tail -n 20 "$dir/console" | sed 's/^/# /'
		exit $status
	}
	exit
fi

TIMES=20

data=$(disk 11) swap=$(disk 12)

# Loads that go on for the whole test.
# shellcheck disable=SC2154
fio --output="$scratch/fio" --eta=never --name=load --filename="/dev/$data" --direct=1 --ioengine=libaio --iodepth=8 \
	--rw=randrw --bsrange=512-64k --size=16m --verify=crc32c --verify_fatal=1 --verify_backlog=64 --verify_state_save=0 \
	--randrepeat=0 --time_based --runtime=3600 &
load=$!
# No faster than memory has room for, which is where this file is.
while head -c 16384 /dev/hwrng; do sleep 0.05; done >"$scratch/random" &
draw=$!

# Asleep until the clock wakes it: for two seconds, of which some pass on the way. On a
# busy machine all of them may, and the kernel stays awake: once more then, for longer.
sleep_once() { # state
	local before after seconds
	before=$(cat /sys/power/suspend_stats/success)
	for seconds in 3 10 30; do
		echo 0 >/sys/class/rtc/rtc0/wakealarm
		echo +$seconds >/sys/class/rtc/rtc0/wakealarm
		echo "$1" >/sys/power/state || :
		after=$(cat /sys/power/suspend_stats/success)
		[ "$after" = "$before" ] || break
	done
	equal $((before + 1)) "$after" "times that it slept"
}

sleep_often() {
	local i
	grep -w deep /sys/power/mem_sleep
	echo deep >/sys/power/mem_sleep
	for ((i = 0; i < TIMES; i++)); do
		sleep_once mem
		loads_go_on
	done
}

# After each time, requests come back.
loads_go_on() {
	local reads bytes
	kill -0 "$load" "$draw"
	reads=$(completed)
	bytes=$(stat -c %s "$scratch/random")
	eventually 20 more "$reads" "$bytes"
}

completed() {
	awk '{ print $1 + $5 }' "/sys/block/$data/stat"
}

more() { # requests, bytes
	[ "$(completed)" -gt $(($1 + 20)) ] && [ "$(stat -c %s "$scratch/random")" -gt "$2" ]
}

ends_well() {
	kill -INT "$load"
	within 60 tail --pid="$load" -f /dev/null
	cat "$scratch/fio"
	grep 'err= 0' "$scratch/fio"
	kill "$draw"
}

root_works() {
	echo 3 >/proc/sys/vm/drop_caches
	find /usr/bin -xdev -type f -exec cat {} + >/dev/null
	echo something >/root/file
	sync
	echo 3 >/proc/sys/vm/drop_caches
	equal something "$(cat /root/file)"
}

# What the generators gave before and after are different bytes.
no_repeats() {
	head -c 2M "$scratch/random" >"$scratch/part"
	equal "" "$(od -An -v -tx1 -w16 "$scratch/part" | sort | uniq -d)" "repeated pieces"
}

same_interrupts() {
	cat /proc/interrupts
	irq_named 11 req.0
	irq_named 11 req.1
	round_trip "$data"
}

# By the legacy interface, with vectors and without.
legacy() {
	local slot
	for slot in 12 13; do
		equal legacy "$(shown $slot state interface)" "interface"
		greater "$(shown $slot state restarts)" "$TIMES" "restarts"
	done
	irq_named 13 input
	# The configuration is where it was.
	equal swap "$(disk_attribute 12 serial)"
	round_trip "$swap"
	generator_works 13
}

# The image is written, read, and what runs goes on as of when it was taken.
hibernate() {
	mkswap "/dev/$swap"
	swapon "/dev/$swap"
	# As large as it likes to be. To make it small the kernel swaps out what it can, until it has no
	# memory left to do that, and says so.
	echo $((256 << 20)) >/sys/power/image_size
	echo test_resume >/sys/power/disk
	echo disk >/sys/power/state
	loads_go_on
	swapoff "/dev/$swap"
}

check "sleeps 20 times under load, and requests go on each time" sleep_often
check "is copied to disk under load, and goes on" hibernate
check "the disk's data are right" ends_well
check "the generators' bytes do not repeat" no_repeats
check "the root file system works" root_works
check "interrupts are as before" same_interrupts
check "legacy devices work" legacy
status=0
(finish) || status=$?
# After it has slept, QEMU's machine does not power off any more, but it resets, which ends it.
sleep 1
echo "<2>guest: exit status $status" >/dev/kmsg
sync
echo b >/proc/sysrq-trigger
