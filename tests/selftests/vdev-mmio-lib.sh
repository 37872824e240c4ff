# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# What is asked of virtio-mmio devices of our own; after vdev-lib.sh. With mmio_driver, that is
# the driver of all of them; without, they have those of this project.

# The virtio-mmio device that a PCI device became.
platform() { # slot
	echo "$(device "$1")"/virtio-mmio.*
}

taken() { # slot, Rust driver
	equal virtio_mmio_glue "$(driver_of "$1")"
	equal "${mmio_driver:-$2}" "$(basename "$(readlink "$(platform "$1")/driver")")"
}

generator() { # slot
	scenario "$1" good
	select_new "$1"
	taken "$1" virtio_rng_rust
	draw 640
	all_letters "$scratch/drawn"
	verdict "$1"
}

works() { # slot
	scenario "$1" good
	within 20 probe "$1"
	taken "$1" virtio_blk_rust
	eventually 10 disk "$1"
	udevadm settle --timeout=20
	within 30 round_trip "$(disk "$1")"
	equal vdev-with-20-letters "$(disk_attribute "$1" serial)"
	# It has a priority in a field of headers that is reserved, but for legacy devices.
	# Nothing else is wrong.
	vdev "$1" verdict | grep -E '^pass$|^fail: violation reserved field'
}

# What the device saw is in its log, with offset and width.
seen() { # slot, line
	greater "$(vdev "$1" "count $2")" 0 "lines '$2'"
}

first_accesses() { # slot, version
	scenario "$1" good
	within 20 probe "$1"
	seen "$1" 'read mmio 0x0 4 0x74726976'
	seen "$1" "read mmio 0x4 4 $2"
	seen "$1" 'read mmio 0x8 4 0x4'
}

# It grows, and says so by the cause of its interrupt.
grows() { # slot
	scenario "$1" good
	within 20 probe "$1"
	eventually 10 disk "$1"
	udevadm settle --timeout=20
	equal 131072 "$(disk_attribute "$1" size)"
	equal ok "$(vdev "$1" 'do grow')"
	eventually 10 has_size "$1" 262144
	seen "$1" 'write mmio 0x64 4 0x2'
}

has_size() { # slot, sectors
	[ "$(disk_attribute "$1" size)" = "$2" ]
}

# The same with the interrupt line, which stays asserted until its cause is acknowledged.
by_line() { # slot
	echo 1 >/sys/module/virtio_mmio_glue/parameters/line
	unbind "$1"
	"$2" "$1"
	echo 0 >/sys/module/virtio_mmio_glue/parameters/line
	seen "$1" 'interrupt line'
	equal 0 "$(vdev "$1" 'count interrupt 0')" "interrupts by a vector"
}

# A device that is not for this driver, or not for any, is left alone.
left_alone() { # slot, scenario
	scenario "$1" "$2"
	within 20 probe "$1"
	refused test -e "$(platform "$1")/driver"
	verdict "$1"
}

# A device whose queues can not be had is not used.
unused() { # slot, scenario
	scenario "$1" "$2"
	within 20 probe "$1"
	verdict "$1"
}

# In the order that the standard wants, with what it reserves.
in_order() { # slot, scenario
	scenario "$1" "$2"
	select_new "$1"
	draw 640
	all_letters "$scratch/drawn"
	within 20 unbind "$1"
	verdict "$1"
}
