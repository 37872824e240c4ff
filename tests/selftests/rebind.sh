#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices lose their driver and get it back, a hundred times, under load; not as often where
# the kernel is slow. Requests may fail meanwhile; nothing may hang, and everything works at the end.
#
# boot: drivers
# timeout: 300

cd "$(dirname "$0")" || exit 1
. ./lib.sh

TIMES=$((100 / slowness))

# The generators, but for the one at 11.
others=(12 13 14 15 16 18)

# Device nodes are the kernel's; what udev runs for each would take most of the time.
udevadm control --stop-exec-queue

# Loads go on when their device is gone, and find it again, without other programs:
# they are to be quick.
reads() { # slot
	set +e
	renice -n 10 "$BASHPID"
	while :; do
		find_node "$1" || { sleep 0.05 && continue; }
		dd if="$node" of=/dev/null bs=16k count=2000 iflag=direct
	done
}

writes() { # slot
	set +e
	renice -n 10 "$BASHPID"
	while :; do
		find_node "$1" || { sleep 0.05 && continue; }
		dd if=/dev/zero of="$node" bs=64k count=500 oflag=direct conv=nocreat
	done
}

find_node() { # slot
	local path=/sys/bus/pci/devices/0000:00:$1.0
	for path in "$path"/block/vd* "$path"/virtio*/block/vd*; do
		node=/dev/${path##*/}
		[ ! -b "$node" ] || return 0
	done
	return 1
}

draws() {
	set +e
	renice -n 10 "$BASHPID"
	while :; do head -c 6400 /dev/hwrng || sleep 0.02; done
}

# Starts a load in a process group of its own.
start_load() { # command...
	set -m
	"$@" >"$scratch/load.${#loads[@]}" 2>&1 &
	loads+=($!)
	set +m
}

stop_loads() {
	local pid
	for pid in "${loads[@]}"; do
		kill -- "-$pid"
	done
	for pid in "${loads[@]}"; do
		within 20 tail --pid="$pid" -f /dev/null
	done
}

cycles() { # slot
	local path address i
	path=$(device "$1")
	address=$(address "$1")
	for ((i = 0; i < TIMES; i++)); do
		echo "$address" >"$path/driver/unbind"
		[ ! -e "$path/driver" ]
		# The load is to find the device in all states of its life.
		[ $((i % 4)) != 0 ] || sleep 0.0$((RANDOM % 10))
		echo "$address" >/sys/bus/pci/drivers_probe
		[ -e "$path/driver" ]
		[ $((i % 4)) != 1 ] || sleep 0.$((RANDOM % 3 + 2))
	done
	echo "$i times"
}

disk_under_load() {
	loads=()
	start_load reads 10
	start_load writes 10
	within 200 cycles 10
	stop_loads
	# It was a load: much went through, and some of it met a driver on its way out.
	greater "$(grep -hc 'bytes.*copied' "$scratch"/load.0)" $((TIMES / 10)) "times that reads began"
	grep -hE 'Input/output error|No such device' "$scratch"/load.*
}

# It is the only generator, or readers would go to another one.
generator_under_load() {
	loads=()
	for slot in "${others[@]}"; do unbind "$slot"; done
	choose 11
	start_load draws
	within 100 cycles 11
	stop_loads
	greater "$(stat -c %s "$scratch/load.0")" 50000 "bytes drawn"
}

others_back() {
	for slot in "${others[@]}"; do probe "$slot"; done
}

disk_works() {
	verify "$(disk 10)" 32 8
}

# What twenty drivers leave behind each time: nothing. A queue has 100 KiB and more. Other
# programs and the kernel take and give back some MiB as they like, but not each time.
no_leak() {
	local TIMES=20 i objects=() pages=()
	for i in 0 1 2 3; do
		cycles 10
		objects[i]=$(memory Slab: VmallocUsed: Percpu: KernelStack:)
		pages[i]=$(($(memory MemTotal: -MemFree: -Cached: -Buffers: -AnonPages:) - $(kept_by_processors)))
	done
	greater 200 "$(least_growth "${objects[@]}")" "a bound and KiB of objects that are not given back"
	greater 500 "$(least_growth "${pages[@]}")" "a bound and KiB of pages that are not given back"
}

least_growth() { # number...
	echo "numbers: $*" >&2
	printf '%s\n' "$@" | awk 'NR > 1 && (NR == 2 || $1 - last < least) { least = $1 - last } { last = $1 } END { print least }'
}

# Free pages that processors keep for themselves, in KiB: up to 25 MiB each, and MemFree is without them.
kept_by_processors() {
	awk -v page="$(getconf PAGESIZE)" '$1 == "count:" { sum += $2 } END { print sum * page / 1024 }' /proc/zoneinfo
}

# The sum of lines of meminfo, in KiB.
memory() { # line...
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/compact_memory
	sleep 1
	awk -v lines="$*" '
		BEGIN { count = split(lines, line, " ") }
		{ value[$1] = $2; value["-" $1] = -$2 }
		END { for (i = 1; i <= count; i++) sum += value[line[i]]; print sum }' /proc/meminfo
}

# CLEAN-02
check "a disk under load, again and again" disk_under_load
check "the disk works" disk_works
check "a generator under load, again and again" generator_under_load
check "the generator works" generator_works 11
check "other generators come back" others_back
if [ "$slowness" != 1 ]; then
	skip "80 times more take no memory" "this kernel keeps what is freed for a while; it looks for leaks itself"
else
	check "80 times more take no memory" no_leak
fi
udevadm control --start-exec-queue
finish
