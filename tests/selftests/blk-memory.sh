#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Data in pieces of memory of all lengths and places that a disk takes, from sectors to huge pages;
# and queues whose CPUs go and come.
#
# boot: blk
# timeout: 60

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# What is written from pieces of memory is what is read into other pieces. A piece is a number of
# sectors, and begins at a sector.
pieces() { # slot, times
	python3 - "/dev/$(disk "$1")" "$2" <<-'EOT'
		import mmap, os, random, sys
		SECTOR, ROOM = 512, 2 << 20
		dice = random.Random(1)
		file = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
		out, back = memoryview(mmap.mmap(-1, ROOM)), memoryview(mmap.mmap(-1, ROOM))

		def cut(memory, sectors):
		    # Pieces of so many sectors in all, with gaps, in any order.
		    pieces, place = [], 0
		    while sectors:
		        place += dice.choice((0, 0, 1, 3, 9))
		        length = min(sectors, dice.choice((1, 2, 7, 8, 9, 33)))
		        pieces.append(memory[place * SECTOR:(place + length) * SECTOR])
		        place, sectors = place + length, sectors - length
		    dice.shuffle(pieces)
		    return pieces

		for _ in range(int(sys.argv[2])):
		    sectors, at = dice.randint(1, 500), dice.randrange(4096) * SECTOR
		    wanted = dice.randbytes(sectors * SECTOR)
		    pieces, place = cut(out, sectors), 0
		    for piece in pieces:
		        piece[:] = wanted[place:place + len(piece)]
		        place += len(piece)
		    assert os.pwritev(file, pieces, at) == len(wanted)
		    pieces = cut(back, sectors)
		    assert os.preadv(file, pieces, at) == len(wanted)
		    assert b"".join(pieces) == wanted, f"{sectors} sectors at {at}"
	EOT
}

# The same with requests of 4 KiB, which end and begin anywhere in a piece.
cut_pieces() { # slot, times
	local file before
	file=/sys/block/$(disk "$1")/queue/max_sectors_kb
	before=$(<"$file")
	echo 4 >"$file"
	pieces "$@"
	echo "$before" >"$file"
}

# One piece of many megabytes, and requests as large as that.
huge() { # slot, MiB
	local disk
	disk=$(disk "$1")
	echo $(($2 * 1024)) >"/sys/block/$disk/queue/max_sectors_kb"
	python3 - "/dev/$disk" "$2" >"$scratch/requests" <<-'EOT'
		import mmap, os, sys
		HUGETLB = 0x40000
		size = int(sys.argv[2]) << 20
		file = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
		out, back = (mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | HUGETLB) for _ in range(2))
		wanted = os.urandom(size)
		out[:] = wanted
		name = f"/sys/block/{os.path.basename(sys.argv[1])}/stat"
		def requests():
		    with open(name) as stat:
		        return int(stat.read().split()[4])
		before = requests()
		assert os.pwritev(file, [out], 0) == size
		print(requests() - before)
		assert os.preadv(file, [back], 0) == size
		assert back[:] == wanted
	EOT
	greater 3 "$(cat "$scratch/requests")" "requests for $2 MiB"
}

reserve_huge() {
	echo 16 >/proc/sys/vm/nr_hugepages
	equal 16 "$(cat /proc/sys/vm/nr_hugepages)"
}

# CPUs go and come, and their queues with them. Nothing is lost that these had.
hotplug() { # slot
	local pid cpu times
	rm -f "$scratch/stop"
	until [ -e "$scratch/stop" ]; do verify "$(disk "$1")" 32 8 || exit; done &
	pid=$!
	for times in once twice; do
		echo "$times"
		for cpu in 1 2 3; do echo 0 >"/sys/devices/system/cpu/cpu$cpu/online"; done
		equal 0 "$(cat /sys/devices/system/cpu/online)"
		sleep 0.5
		for cpu in 3 1 2; do echo 1 >"/sys/devices/system/cpu/cpu$cpu/online"; done
		equal 0-3 "$(cat /sys/devices/system/cpu/online)"
		sleep 0.5
	done
	kill -0 "$pid"
	touch "$scratch/stop"
	wait "$pid"
}

# How often a CPU was interrupted by a device.
interrupts() { # slot, CPU
	local irq sum=0
	for irq in $(irqs "$1"); do
		sum=$((sum + $(cut -d , -f $(($2 + 1)) "/sys/kernel/irq/$irq/per_cpu_count")))
	done
	echo $sum
}

# What a CPU asks for is answered to it.
own_queues() { # slot
	local cpu before
	for cpu in 0 1 2 3; do
		before=$(interrupts "$1" $cpu)
		read_apart "$(disk "$1")" 8 $cpu
		greater "$(interrupts "$1" $cpu)" $((before + 7)) "interrupts of CPU $cpu"
	done
}

for slot in 10 14.0 14.1 14.5; do
	check "the disk at $slot: pieces of memory of all lengths" pieces "$slot" 150
	check "the same in small requests" cut_pieces "$slot" 30
done
if [ -e /proc/sys/vm/nr_hugepages ]; then
	check "there are huge pages" reserve_huge
	check "requests of 16 MiB from one piece of memory" huge 10 16
	check "the same with a packed ring" huge 14.5 16
	echo 0 >/proc/sys/vm/nr_hugepages
else
	skip "requests of 16 MiB from one piece of memory" "this kernel has no huge pages"
fi
check "CPUs go and come while fio verifies" hotplug 10
check "each has its queue afterwards" own_queues 10
check "CPUs go and come while fio verifies, with one vector" hotplug 15.1
finish
