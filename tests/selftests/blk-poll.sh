#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Queues without interrupts, for those who poll: with a vector for each queue, with a line for
# all, in either form of ring; under load that is reset and removed. And what a plug list of
# requests costs in notifications.
#
# boot: life
# timeout: 200

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./load-lib.sh

if [ "$(driver_kind 10)" != rust ]; then
	skip "polled queues" "they are looked at by debugfs of the Rust driver"
	finish
fi

PARAMETERS=/sys/module/virtio_blk_rust/parameters
NO_VECTOR=65535

# fio polls.
POLLED=(--ioengine=io_uring --hipri=1)

mode() { # parameter, wanted
	equal "$2" "$(stat -c %a "$PARAMETERS/$1")" "mode of $1"
}

parameters() {
	mode num_request_queues 644
	mode poll_queues 644
	mode queue_depth 444
	equal 0 "$(cat "$PARAMETERS/poll_queues")" "poll_queues"
}

# Binds a disk again, with so many queues to be polled.
bind_with() { # slot, queues
	echo "$2" >"$PARAMETERS/poll_queues"
	within 20 unbind "$1"
	within 20 probe "$1"
	echo 0 >"$PARAMETERS/poll_queues"
	eventually 10 disk "$1"
	udevadm settle --timeout=20
}

# The disk has two queues, the second of which is polled.
is_polled() { # slot, wanted
	bind_with "$1" "$2"
	equal 1 "$(disk_attribute "$1" queue/io_poll)" "io_poll"
	equal "0 1" "$(shown "$1" queue0 polled) $(shown "$1" queue1 polled)" "polled"
	greater "$(log_lines "$(address "$1").* 1/0/1 default/read/poll queues")" 0 "lines in the log"
}

vectors() { # slot, wanted
	equal "$2" "$(registers "$1" | sed -nE 's/^(config_msix_vector|queue.*vector) //p' | paste -sd ' ')" "vectors"
}

count() { # slot, queue, counter
	shown "$1" "queue$2" "$3"
}

# All interrupts of a device.
interrupts() { # slot
	local irq sum=0
	for irq in $(irqs "$1"); do sum=$((sum + $(irq_count "$irq"))); done
	echo $sum
}

# All that is written and read by who polls goes through the queue that is polled, and the other
# one is as it was. The device interrupts for that one only.
verified() { # slot
	local before other interrupts
	before=$(count "$1" 1 completions) other=$(count "$1" 0 completions)
	interrupts=$(interrupts "$1")
	# One after the other: none is found only when the driver looks whether the device still
	# answers, every 3 seconds.
	within 20 fio --output="$scratch/fio" --filename="/dev/$(disk "$1")" --direct=1 "${POLLED[@]}" \
		--name=single --rw=randread --bs=4k --size=4m --number_ios=40
	timeout $((60 * slowness)) fio --output="$scratch/fio" --filename="/dev/$(disk "$1")" --direct=1 "${POLLED[@]}" \
		--iodepth=16 --iodepth_batch_submit=8 --iodepth_batch_complete_min=4 --verify=crc32c \
		--verify_fatal=1 --verify_state_save=0 --randrepeat=0 --name=polled --rw=randwrite \
		--bsrange=512-128k --size=4m || {
		tail -n 20 "$scratch/fio"
		return 1
	}
	greater "$(count "$1" 1 completions)" $((before + 64)) "completions of the polled queue"
	equal 0 "$(count "$1" 1 interrupts)" "interrupts of the polled queue"
	# Somebody else may have looked at the disk.
	other=$(($(count "$1" 0 completions) - other))
	greater 32 "$other" "completions of the other queue, less than"
	greater $((interrupts + other + 8)) "$(interrupts "$1")" "interrupts of the device, less than"
}

# Who does not poll gets interrupts, as ever.
others_go_on() { # slot
	local before polled
	before=$(count "$1" 0 interrupts) polled=$(count "$1" 1 completions)
	round_trip "$(disk "$1")"
	read_apart "$(disk "$1")" 5
	greater "$(count "$1" 0 interrupts)" $((before + 4)) "interrupts"
	equal "$polled" "$(count "$1" 1 completions)" "completions of the polled queue"
}

# It asks for a reset, as in reset.sh, once somebody asks it for something, and is restarted.
restarted() { # slot
	local before
	before=$(shown "$1" state restarts)
	./registers "$(address "$1")" 22=0 36=0x7fffffff 28=1
	read_apart "$(disk "$1")" 1
	eventually 15 eval "greater \$(shown $1 state restarts) $before"
	eventually 5 works "$1"
}

flr() { # slot
	echo 1 >"$(device "$1")/reset"
}

# The driver goes while somebody polls: all ends, and it comes back.
removed() { # slot
	local load
	start_load "$1" "${POLLED[@]}"
	within 30 unbind "$1"
	within 60 tail --pid="$load" -f /dev/null
	probe "$1"
	eventually 10 disk "$1"
	round_trip "$(disk "$1")"
}

publications() { # slot
	local queue sum=0
	for queue in 0 1; do
		sum=$((sum + $(count "$1" "$queue" kicks) + $(count "$1" "$queue" suppressed)))
	done
	echo $sum
}

completions() { # slot
	echo $(($(count "$1" 0 completions) + $(count "$1" 1 completions)))
}

# Sixteen requests are submitted at a time, once all of those before are done. The device is shown
# them at once.
plugged() { # slot
	local shown_before done_before shown_after done_after
	shown_before=$(publications "$1") done_before=$(completions "$1")
	timeout $((60 * slowness)) fio --output="$scratch/fio" --filename="/dev/$(disk "$1")" --direct=1 \
		--ioengine=io_uring --name=plug --rw=randread --bs=4k --size=32m --number_ios=640 --iodepth=16 \
		--iodepth_batch_submit=16 --iodepth_batch_complete_min=16 --iodepth_batch_complete_max=16
	shown_after=$(publications "$1") done_after=$(completions "$1")
	echo "$((done_after - done_before)) requests, shown $((shown_after - shown_before)) times"
	greater $((done_after - done_before)) 600 "requests"
	greater $(((done_after - done_before) / (shown_after - shown_before))) 7 "requests at a time"
}

# A number that is too large leaves one queue to others.
at_most() { # slot
	bind_with "$1" 100
	equal "0 1" "$(shown "$1" queue0 polled) $(shown "$1" queue1 polled)" "polled"
	bind_with "$1" 0
	equal "0 0" "$(shown "$1" queue0 polled) $(shown "$1" queue1 polled)" "polled"
	equal 0 "$(disk_attribute "$1" queue/io_poll)" "io_poll"
}

check "the parameters can be seen" parameters
check "requests of a plug list are shown together" plugged 10
check "a vector a queue: the second queue is polled" is_polled 10 1
check "a vector a queue: it has no vector" vectors 10 "0 1 $NO_VECTOR"
check "a vector a queue: what is polled is right" verified 10
check "a vector a queue: who does not poll is served" others_go_on 10
check "a line: the second queue is polled" is_polled 12 1
check "a line: what is polled is right" verified 12
check "a line: who does not poll is served" others_go_on 12
check "a line: it is restarted" restarted 12
check "a line: what is polled is right after that" verified 12
check "packed rings: the second queue is polled" is_polled 18 1
check "packed rings: what is polled is right" verified 18
check "packed rings: who does not poll is served" others_go_on 18
check "a function that can be reset: the second queue is polled" is_polled 14/0 1
check "its function is reset while somebody polls" disk_under 14/0 3 flr "${POLLED[@]}"
check "it has no vector after that either" vectors 14/0 "0 1 $NO_VECTOR"
check "what is polled is right after that" verified 14/0
check "the driver goes while somebody polls" removed 10
check "one queue at least is for others" at_most 10
for slot in 12 18 14/0; do check "the disk at $slot is as it was" bind_with $slot 0; done
finish
