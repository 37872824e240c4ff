#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# What debugfs shows of devices: names of features, forms of rings, and counters that count.
#
# boot: drivers
# timeout: 60

cd "$(dirname "$0")" || exit 1
. ./lib.sh

if [ "$(driver_kind 10)" != rust ]; then
	skip "features have their names" "the C drivers have no such files"
	finish
fi

directory() { # slot
	echo "/sys/kernel/debug/virtio_rust/$(virtio_name "$1")"
}

# Bits and what became of them are those of the registers.
features() { # slot
	local registers
	registers=$(./registers "$(address "$1")")
	cat "$(directory "$1")/features"
	equal "$(sed -n 's/^device_feature //p' <<<"$registers")" \
		"$(awk '{ print $1 }' "$(directory "$1")/features" | sort -n | paste -sd ' ')" "offered"
	equal "$(sed -n 's/^driver_feature //p' <<<"$registers")" \
		"$(awk '$3 == "negotiated" { print $1 }' "$(directory "$1")/features" | sort -n | paste -sd ' ')" "negotiated"
}

# Names of the specification, by number.
names() { # slot, "bit name"...
	local slot=$1 name
	shift
	for name; do
		grep -E "^$name (negotiated|offered)$" "$(directory "$slot")/features"
	done
}

state() { # slot, type
	equal "$2" "$(shown "$1" state type)" "type"
	equal working "$(shown "$1" state state)" "state"
	equal 0 "$(shown "$1" state restarts)" "restarts"
}

forms() {
	equal "$(registers 10 | sed -nE 's/^queue .* size ([0-9]+) .*/\1/p' | paste -sd ' ')" \
		"$(sed -n 's/^size //p' "$(directory 10)"/queue* | paste -sd ' ')" "sizes"
	equal split "$(shown 13 queue0 form)" "form"
	equal packed "$(shown 14 queue0 form)" "form"
	equal 0 "$(shown 13 queue0 broken)" "broken"
}

# The sum of a counter of all queues.
counter() { # slot, counter
	awk -v key="$2" '$1 == key { sum += $2 } END { print sum + 0 }' "$(directory "$1")"/queue*
}

vectors() {
	local irq sum=0
	for irq in $(irqs "$1"); do sum=$((sum + $(irq_count "$irq"))); done
	echo "$sum"
}

# Each read is a completion, a doorbell that was rung or was not wanted, and mostly an
# interrupt, of which the kernel counts as many.
disk_counts() {
	local completions kicks suppressed interrupts seen
	completions=$(counter 10 completions) kicks=$(counter 10 kicks) suppressed=$(counter 10 suppressed)
	interrupts=$(counter 10 interrupts) seen=$(vectors 10)
	read_apart "$(disk 10)" 50
	completions=$(($(counter 10 completions) - completions))
	kicks=$(($(counter 10 kicks) - kicks)) suppressed=$(($(counter 10 suppressed) - suppressed))
	interrupts=$(($(counter 10 interrupts) - interrupts)) seen=$(($(vectors 10) - seen))
	echo "$completions completions, $kicks kicks, $suppressed suppressed, $interrupts interrupts, $seen seen"
	# Others may read meanwhile, but not much.
	greater "$completions" 49 "completions"
	greater 80 "$completions" "limit of completions"
	greater $((kicks + suppressed)) 49 "doorbells, rung or not"
	greater $((completions + 5)) $((kicks + suppressed)) "limit of doorbells"
	greater "$kicks" 30 "doorbells"
	greater "$interrupts" 30 "interrupts"
	greater 6 $((seen - interrupts)) "limit of interrupts that are not counted"
	greater $((seen - interrupts)) -6 "interrupts that the kernel has counted besides"
}

# This one is slow, and readers wait for its interrupt.
generator_counts() {
	choose 12
	# Bound anew, it counts from 0.
	equal 0 "$(shown 12 state restarts)" "restarts"
	greater 10 "$(counter 12 completions)" "limit of completions"
	head -c 1280 /dev/hwrng >/dev/null
	greater "$(counter 12 completions)" 18 "completions"
	greater "$(counter 12 interrupts)" 10 "interrupts"
	greater $(($(counter 12 kicks) + $(counter 12 suppressed))) 18 "doorbells, rung or not"
}

# A device that behaves has nothing rejected.
nothing_rejected() {
	grep -c '^rejected_' "$(directory 10)/queue0"
	refused grep -E '^(rejected_.*|clamped) [1-9]' "$(directory 10)"/queue* "$(directory 12)"/queue*
}

# A directory ends with its driver.
ends() {
	local before
	before=$(directory 13)
	[ -d "$before" ]
	unbind 13
	[ ! -e "$before" ]
	probe 13
	[ -d "$(directory 13)" ]
}

check "a disk's features are those of its registers" features 10
check "a generator's features are those of its registers" features 13
check "features have their names" names 10 "28 INDIRECT_DESC" "29 EVENT_IDX" "32 VERSION_1" \
	"9 FLUSH" "2 SEG_MAX" "6 BLK_SIZE" "11 CONFIG_WCE" "12 MQ"
check "a disk's type and state" state 10 block
check "a generator's type and state" state 13 entropy
check "forms and sizes of rings" forms
check "a disk's counters count" disk_counts
check "a generator's counters count" generator_counts
check "nothing is rejected" nothing_rejected
check "a directory ends with its driver" ends
finish
