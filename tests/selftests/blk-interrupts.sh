#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# A vector for each queue, one for all of them, and none: names, CPUs, and that
# interrupts come where they should.
#
# boot: blk
# timeout: 60

cd "$(dirname "$0")" || exit 1
. ./lib.sh
open_monitor

NO_VECTOR=65535

# Reads on one CPU: on that CPU's queue.
read_on() { # cpu, slot
	read_apart "$(disk "$2")" 30 "$1"
}

# The names after virtioN-, in the order of the vectors.
names() { # slot
	local irq
	for irq in $(irqs "$1"); do
		irq_names "$irq" | sed 's/^virtio[0-9]*-//'
	done | paste -sd ' '
}

same_device() { # slot
	local irq
	equal 1 "$(for irq in $(irqs "$1"); do irq_names "$irq" | sed 's/-.*//'; done | sort -u | wc -l)" "names of devices"
}

in_proc() {
	grep -qE 'PCI-MSIX-0000:00:10.0 +4-edge +virtio[0-9]+-req.3$' /proc/interrupts
}

# A queue's vector counts when its CPU reads, and no other queue's does.
own_queue() { # cpu
	local queue other before=() after=()
	queue=$(queue_of "$1")
	for other in 0 1 2 3; do before+=("$(irq_count "$(irq_named 10 "req.$other")")"); done
	read_on "$1" 10
	for other in 0 1 2 3; do after+=("$(irq_count "$(irq_named 10 "req.$other")")"); done
	for other in 0 1 2 3; do
		if [ "$other" = "$queue" ]; then
			greater "$((after[other] - before[other]))" 20 "interrupts of queue $other"
		else
			# Others may use the disk meanwhile, but not like this.
			greater 10 "$((after[other] - before[other]))" "interrupts of queue $other, plus"
		fi
	done
}

queue_of() { # cpu
	local path
	for path in "/sys/block/$(disk 10)"/mq/*; do
		! tr -d ' ' <"$path/cpu_list" | tr ',' '\n' | grep -qx "$1" || basename "$path"
	done
}

# Each queue's vector goes to the CPUs of that queue.
affinity() {
	local queue
	for queue in 0 1 2 3; do
		equal "$(tr -d ' ' <"/sys/block/$(disk 10)/mq/$queue/cpu_list")" \
			"$(cat "/proc/irq/$(irq_named 10 "req.$queue")/smp_affinity_list")" "CPUs of queue $queue"
	done
}

device_agrees() {
	equal "0 1 2 3 4" "$(registers 10 | sed -nE 's/^(config_msix_vector|queue.*vector) //p' | paste -sd ' ')" "vectors"
}

config_counts() { # slot, node, ending of the name
	local irq before size
	irq=$(irq_named "$1" "$3")
	before=$(irq_count "$irq")
	size=$(($(cat "/sys/block/$(disk "$1")/size") * 512))
	qmp block_resize "{\"node-name\": \"$2\", \"size\": $((size + 1048576))}"
	eventually 20 eval "greater \$(irq_count $irq) $before"
	eventually 20 eval "equal $((size / 512 + 2048)) \$(cat /sys/block/$(disk "$1")/size)"
	# Other tests know the size that it had.
	qmp block_resize "{\"node-name\": \"$2\", \"size\": $size}"
	eventually 20 eval "equal $((size / 512)) \$(cat /sys/block/$(disk "$1")/size)"
}

counts() { # slot, cpu, irq
	local before
	before=$(irq_count "$3")
	read_on "$2" "$1"
	greater "$(($(irq_count "$3") - before))" 20 "interrupts"
}

shared() {
	equal "config virtqueues" "$(names 15.1)" "names"
	equal "0 1 1 1 1" "$(registers 15.1 | sed -nE 's/^(config_msix_vector|queue.*vector) //p' | paste -sd ' ')" "vectors"
}

line() {
	[ ! -d "$(device 15.0)/msi_irqs" ]
	irq_names "$(irqs 15.0)" | tr ',' '\n' | grep -E '^virtio[0-9]+'
}

no_vectors() {
	! registers 15.0 | sed -nE 's/^(config_msix_vector|queue.*vector) //p' | grep -vx "$NO_VECTOR"
}

# Reads on each CPU in turn come back by this interrupt.
all_cpus() { # slot, irq
	local cpu
	for cpu in 0 1 2 3; do counts "$1" "$cpu" "$2"; done
}

line_config() {
	local before size
	size=$(($(cat "/sys/block/$(disk 15.0)/size") * 512))
	before=$(irq_count "$(irqs 15.0)")
	qmp block_resize "{\"node-name\": \"vectors0\", \"size\": $((size + 1048576))}"
	eventually 20 eval "equal $((size / 512 + 2048)) \$(cat /sys/block/$(disk 15.0)/size)"
	greater "$(irq_count "$(irqs 15.0)")" "$before" "interrupts"
}

check "a vector a queue: names" equal "config req.0 req.1 req.2 req.3" "$(names 10)"
check "a vector a queue: they are of one device" same_device 10
check "a vector a queue: /proc/interrupts" in_proc
# PCI-MSIX-01
check "a vector a queue: the device has them" device_agrees
check "a vector a queue: affinity" affinity
check "a vector a queue: CPU 0 has its interrupts" own_queue 0
check "a vector a queue: CPU 3 has its interrupts" own_queue 3
check "a vector a queue: changes of the configuration have theirs" config_counts 10 main config
check "vectors=2: names and vectors" shared
# PCI-MSIX-01
check "vectors=2: all queues have one" all_cpus 15.1 "$(irq_named 15.1 virtqueues)"
check "vectors=2: changes of the configuration have theirs" config_counts 15.1 vectors2 config
check "vectors=2: fio verifies" verify "$(disk 15.1)" 32 8
check "vectors=0: the line has the device's name" line
check "vectors=0: the device has no vectors" no_vectors
# PCI-MSIX-01
# PCI-ISR-05 PCI-MSIX-01
check "vectors=0: all queues have the line" all_cpus 15.0 "$(irqs 15.0)"
# PCI-ISR-05
check "vectors=0: changes of the configuration arrive" line_config
check "vectors=0: fio verifies" verify "$(disk 15.0)" 32 8
finish
