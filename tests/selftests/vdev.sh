#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own: what the driver did is asserted on by the device, and what the guest
# got here. With devices that do what they should, and such that do not.
#
# boot: vdev
# timeout: 200

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

# A generator, bound in a scenario, from which is drawn.
drawn_from() { # slot, scenario, bytes
	scenario "$1" "$2"
	select_new "$1"
	draw "$3"
	all_letters "$scratch/drawn"
}

# The same, and nothing is wrong with the driver.
draws() { # slot, scenario, bytes
	drawn_from "$@"
	verdict "$1"
}

# The first reader may hear of it.
early() { # slot, restarts
	scenario "$1" early
	select_new "$1"
	eventually 20 draw 640
	all_letters "$scratch/drawn"
	verdict "$1"
	restarted "$1" "$2"
}

after_reset() { # slot
	drawn_from "$1" after-reset 64
	vdev "$1" "do needs-reset"
	eventually 10 restarted "$1" 1
	draw 640
	all_letters "$scratch/drawn"
	verdict "$1"
}

restarted() { # slot, times
	equal "$2" "$(shown "$1" state restarts)" "restarts"
}

# Of each answer the driver has 8 bytes only, and the others are not so good.
short() { # slot
	draws "$1" short 640
	greater "$(vdev "$1" count used)" 79 "answers"
}

# No byte comes of it.
empty() { # slot
	scenario "$1" empty
	select_new "$1"
	fails_with 'Input/output error' within 20 dd if=/dev/hwrng of="$scratch/drawn" bs=64 count=1 status=none
	equal 0 "$(stat -c %s "$scratch/drawn")" "bytes drawn"
	verdict "$1"
}

too_long() { # slot, scenario
	draws "$1" "$2" 640
	greater "$(shown "$1" queue0 clamped)" 0 "lengths that were clamped"
}

# Nobody has more of a structure than there is to it: a page or two.
large() { # slot
	local start size
	draws "$1" large 64
	start=$(head -n 1 "$(device "$1")/resource" | cut -d ' ' -f 1)
	printf '%x\n' "$start"
	grep "phys=0x0*$(printf '%x' "$((start >> 16))")" /proc/vmallocinfo | tee "$scratch/mapped"
	greater "$(wc -l <"$scratch/mapped")" 0 "mappings of the structures"
	while read -r _ size _; do
		# With the page behind it that is none.
		greater 16385 "$size" "bytes that may be mapped"
	done <"$scratch/mapped"
}

queue_reset() { # slot
	local since=$SECONDS status=0
	scenario "$1" queue-reset
	select_new "$1"
	# The kernel's own reader may be the first.
	within 25 head -c 64 /dev/hwrng >/dev/null || status=$?
	draw 640
	all_letters "$scratch/drawn"
	echo "status $status after $(elapsed "$since") s"
	verdict "$1"
	restarted "$1" 0
}

# RNG-01
for slot in 10 11; do
	check "a generator at $slot is drawn from" draws $slot good 1280
done
# STAT-05
check "buffers used and interrupts before DRIVER_OK are no answers" early 10 1
check "buffers of a packed ring used before DRIVER_OK are no answers" early 11 0
# RST-03 PCI-MSIX-08 PCI-MSIX-09
check "interrupts after a reset and without a vector do no harm" after_reset 10
# VQ-SPLIT-26
check "interrupts without reason do no harm" draws 10 storm 1280
# VQ-SPLIT-27
check "an answer without an interrupt is found" draws 11 lost-interrupt 64
# VQ-SPLIT-32 VQ-SPLIT-33 RNG-02 RNG-04
check "what lies behind the length of an answer is not given to anybody" short 10
check "the same of a packed ring" short 11
# RNG-03
check "an answer without a byte is none" empty 10
# RNG-05
check "a length above the buffer is clamped" too_long 10 too-long
check "the largest length of a packed ring is clamped" too_long 11 longest
# PCI-CAP-05
check "no more is mapped of large structures than is of use" large 10
# VQRST-02
check "a queue is reset as it is to be, and works again" queue_reset 10
check "a packed queue is reset, and works again" queue_reset 11
finish
