#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of several queues on interrupt lines that they share.
#
# boot: nomsi
# timeout: 120

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# Slots that are four apart have the same line.
shared_line() {
	equal "$(irqs 10)" "$(irqs 14)" "line"
	equal "$(irqs 10)" "$(irqs 18)" "line"
	[ ! -d "$(device 10)/msi_irqs" ]
	# There may be others.
	greater "$(irq_names "$(irqs 10)" | tr ',' '\n' | grep -cE '^virtio[0-9]+')" 2 "devices on the line"
}

in_proc() {
	grep -E "^ *$(irqs 10):.*virtio[0-9]+.*, virtio[0-9]+.*, virtio[0-9]+" /proc/interrupts
}

counts() {
	local before
	before=$(irq_count "$(irqs 10)")
	read_apart "$(disk 10)" 30
	greater "$(irq_count "$(irqs 10)")" $((before + 20)) "interrupts"
}

queues() {
	equal 2 "$(find "/sys/block/$(disk 10)/mq" -mindepth 1 -maxdepth 1 | wc -l)" "queues"
}

both_at_once() {
	local first
	verify "$(disk 10)" 32 8 &
	first=$!
	dd if="/dev/$(disk 14)" of=/dev/null bs=64k count=400 iflag=direct
	head -c 20000 /dev/hwrng >/dev/null
	wait "$first"
}

# The others keep the line.
rebind() {
	local _
	for _ in {1..10}; do
		unbind 10
		dd if="/dev/$(disk 14)" of=/dev/null bs=4k count=20 iflag=direct
		probe 10
	done
	round_trip "$(disk 10)"
	choose 18
	head -c 640 /dev/hwrng >/dev/null
}

# The name that a device has on the line: that which comes with its driver.
name_of() { # slot
	unbind "$1"
	irq_names "$(irqs 10)" | tr ',' '\n' | sort >"$scratch/without"
	probe "$1"
	irq_names "$(irqs 10)" | tr ',' '\n' | sort | comm -13 "$scratch/without" - | grep .
}

# While one disk works and the other does not, what does each of them say of the line's
# interrupts? The kernel asks both, and traces the answers.
whose() {
	local trace=/sys/kernel/tracing event idle busy
	idle=$(name_of 10) busy=$(name_of 14)
	echo nop >"$trace"/current_tracer
	for event in irq_handler_entry irq_handler_exit; do
		echo "irq == $(irqs 10)" >"$trace/events/irq/$event/filter"
		echo 1 >"$trace/events/irq/$event/enable"
	done
	read_apart "$(disk 14)" 50
	for event in irq_handler_entry irq_handler_exit; do echo 0 >"$trace/events/irq/$event/enable"; done
	# An answer follows its question.
	sed -nE 's/.*(name|ret)=([a-z0-9]+)$/\2/p' "$trace"/trace | paste -d ' ' - - | sort | uniq -c | tee "$scratch/answers"
	echo >"$trace"/trace
	greater "$(answers "$busy" handled)" 30 "interrupts of the busy disk, taken"
	greater "$(answers "$idle" unhandled)" 30 "interrupts of the busy disk, left alone by the idle one"
	# It may have been asked something meanwhile, by udev for example.
	greater 10 "$(answers "$idle" handled)" "interrupts that the idle disk took, plus"
}

answers() { # name, answer
	awk -v name="$1" -v answer="$2" '$2 == name && $3 == answer { count = $1 } END { print count + 0 }' "$scratch/answers"
}

# "irq 11: nobody cared" is what a handler that takes nothing leads to.
cared() {
	! kernel_log | grep 'nobody cared'
}

# PCI-MSIX-01
check "the devices share a line" shared_line
check "/proc/interrupts names all" in_proc
check "the disk has two queues" queues
check "interrupts come by the line" counts
check "fio verifies at depth 32 while other devices work" both_at_once
check "fio verifies at depth 1" verify "$(disk 14)" 1 4
check "devices leave the line and come back" rebind
# PCI-ISR-03
name="an interrupt is taken by the device whose it is, and by no other"
if [ -d /sys/kernel/tracing/events ]; then
	check "$name" whose
else
	skip "$name" "this kernel traces nothing"
fi
check "each interrupt is somebody's" cared
finish
