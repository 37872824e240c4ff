# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# What a driver did to the registers of one virtio PCI device, from a trace of QEMU
# (the events that trace.sh names). Prints "CHECK: what was wrong" for each rule
# that was broken, "saw CHECK" for each that there was something to apply to, and
# "session ..." for each time that the device was brought up.
#
# Variables: slot (as in 00:10.0), base (address of the BAR with the structures,
# hexadecimal), type (as in virtio-TYPE), first and last (values written to the
# interrupt line register of the configuration space, between which the driver worked),
# allowed (features that may be accepted, as " 28 29 32 "), config (fields of the
# configuration, as " OFFSET:WIDTH ")

function hex(text,    value, i) {
	sub(/^0x/, "", text)
	value = 0
	for (i = 1; i <= length(text); i++)
		value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return value
}

# Whether all bits of b are in a. awk has no bitwise operators that all have.
function contains(a, b) {
	while (b > 0) {
		if (b % 2 && !(a % 2)) return 0
		a = int(a / 2)
		b = int(b / 2)
	}
	return 1
}

function power_of_two(n) {
	while (n > 1 && n % 2 == 0) n /= 2
	return n == 1
}

function wrong(check, what) {
	print check ": line " NR ": " what
}

function see(check) {
	if (!(check in seen)) {
		seen[check] = 1
		print "saw " check
	}
}

# Ends what is known of a device that is reset.
function reset_device() {
	if (sequence != "") print "session " sequence
	sequence = ""
	status = 0
	waiting = 1
	delete_all()
}

function delete_all() {
	split("", accepted_words)
	split("", offered)
	split("", enabled)
	split("", set)
	split("", notify_off)
	generation = 0
	features_checked = 0
	pending = ""
}

BEGIN {
	base = hex(base)
	n = split("0:4 4:4 8:4 12:4 16:2 18:2 20:1 21:1 22:2 24:2 26:2 28:2 30:2 32:4 36:4 40:4 44:4 48:4 52:4 56:2 58:2", list, " ")
	for (i = 1; i <= n; i++) {
		split(list[i], pair, ":")
		width[pair[1]] = pair[2]
	}
	n = split(config, list, " ")
	for (i = 1; i <= n; i++) {
		split(list[i], pair, ":")
		config_width[pair[1]] = pair[2]
	}
	active = 0
	status = -1
	delete_all()
}

# The span in which the driver worked.
/^pci_cfg_write/ && $3 == slot && $4 == "@0x3c" {
	if ($NF == first) active = 1
	if ($NF == last) active = 0
	next
}

!active { next }

# PCI configuration space. Of capabilities, only the control word of MSI-X is written.
/^pci_cfg_write/ && $3 == slot {
	see("capabilities")
	offset = hex(substr($4, 2))
	if (offset >= 64 && offset != msix) wrong("capabilities", "wrote " $NF " at " $4)
	next
}

/^pci_cfg_read/ && $3 == slot {
	if (!touched) scanned = 1
	capability(hex(substr($4, 2)), hex($NF))
	next
}

# Follows the driver on its way through the capabilities.
function capability(offset, value) {
	if (offset >= 64 && value % 256 == 9) at = offset
	if (offset == at + 2) kind = int(value / 256)
	if (offset == at + 8 && kind == 2) notify_base = value
	if (offset == at + 16 && kind == 2) multiplier = value
	# MSI-X: its control word has the size of the table less one.
	if (offset >= 64 && value % 256 == 17) msix = offset + 2
	if (offset == msix) vectors = value % 2048 + 1
}

# What the device was given stays mapped from its doorbell on, until it was reset.
/^vtd_inv_desc_iotlb/ {
	if (status == 15) unmapped++
	if (status == 0 && was_live) see("unmap")
	next
}

/^virtio_blk_handle_(read|write)/ {
	for (i = 1; i <= NF; i++) {
		if ($i == "sector") sector = $(i + 1)
		if ($i == "nsectors" && sector + $(i + 1) > end) end = sector + $(i + 1)
	}
	if ($1 ~ /write$/) writes++
	next
}

# The most bytes that an entropy device gave at a time.
/^virtio_rng_pushed/ {
	if ($4 + 0 > pushed) pushed = $4 + 0
	next
}

# A doorbell is followed by this: which queues are the device's.
/^virtio_queue_notify/ {
	if (rang) ours[$NF] = 1
	rang = 0
	next
}

/^virtqueue_pop/ && ours[$3] {
	if ($0 ~ /out_num/) {
		see("buffers")
		for (i = 1; i <= NF; i++) {
			if ($i == "out_num") out_num = $(i + 1)
			if ($i == "in_num") in_num = $(i + 1)
		}
		pops++
		if (out_num == 1 && in_num == 1) switching = 0
		if (out_num + in_num > longest) longest = out_num + in_num
		shapes[out_num " " in_num]++
	}
	next
}

/^memory_region_ops_(read|write)/ {
	name = $NF
	gsub(/'/, "", name)
	if (name !~ "^virtio-pci.*-virtio-" type "$") next
	offset = hex($7) - base
	if (offset < 0) next
	value = hex($9)
	size = $11
	is_write = ($1 ~ /write$/)
	if (!touched) {
		touched = 1
		see("scan")
		if (!scanned) wrong("scan", "a register was accessed before the capabilities were read")
	}
	if (name ~ /^virtio-pci-common/) common(offset % 4096)
	else if (name ~ /^virtio-pci-isr/) isr()
	else if (name ~ /^virtio-pci-device/) device(offset % 4096)
	else if (name ~ /^virtio-pci-notify/) notify(offset % 4096, offset)
	next
}

function common(reg) {
	see("width")
	if (!(reg in width) || width[reg] != size)
		wrong("width", "register " reg " with " size " bytes")
	# After a reset: nothing but reading the status until it is 0.
	if (waiting) see("reset")
	if (waiting && !(reg == 20 && !is_write)) {
		if (!(reg == 20 && is_write && value == 0))
			wrong("reset", "register " reg " before the status was read as 0")
	}
	# What was written to a vector is read back before anything else is done.
	if (pending != "") {
		see("readback")
		if (is_write || reg != pending) wrong("readback", "vector register " pending " was not read back")
		pending = ""
	}
	if (is_write) common_write(reg)
	else common_read(reg)
}

function common_read(reg) {
	if (reg == 4) offered[select_device] = value
	if (reg == 20) {
		if (value == 0) waiting = 0
		# FEATURES_OK is in it, and not DRIVER_OK yet.
		if (status == 11) features_checked = 1
	}
	if (reg == 21) generation = 1
	if (reg == 30) notify_off[queue] = value
}

function common_write(reg,    bit) {
	see("readonly")
	if (reg == 4 || reg == 18 || reg == 21 || reg == 30 || reg == 56)
		wrong("readonly", "wrote register " reg)
	if (reg == 0) select_device = value
	if (reg == 8) select_driver = value
	if (reg == 12) {
		see("subset")
		see("frozen")
		if (status != 3) wrong("frozen", "accepted features with status " status)
		if (!contains(offered[select_driver] + 0, value))
			wrong("subset", sprintf("accepted %x of %x in word %d", value, offered[select_driver], select_driver))
		see("allowed")
		for (bit = 0; value >= 2 ^ bit; bit++)
			if (int(value / 2 ^ bit) % 2 && index(allowed, " " (select_driver * 32 + bit) " ") == 0)
				wrong("allowed", "accepted bit " select_driver * 32 + bit)
		accepted_words[select_driver] = value
		if (select_driver == 1) {
			see("version_1")
			if (offered[1] % 2 && !(value % 2)) wrong("version_1", "did not accept VERSION_1")
			see("access_platform")
			if (int(offered[1] / 2) % 2 && !(int(value / 2) % 2)) wrong("access_platform", "did not accept ACCESS_PLATFORM")
		}
	}
	if (reg == 20) status_write()
	if (reg == 22) queue = value
	if (reg >= 24 && reg <= 52 && reg != 30) queue_write(reg)
	if (reg == 16 || reg == 26) {
		pending = reg
		see("vector")
		if (value != 65535 && value >= vectors) wrong("vector", "vector " value " of " vectors)
		if (value == 65535) delete set[queue, reg]
	}
}

function status_write() {
	see("status")
	if (value == 0) {
		if (status == 15) {
			was_live = 1
			if (unmapped) wrong("unmap", "unmapped " unmapped " times between the last doorbell and the reset")
		}
		if (switching) wrong("switch", "not flushed")
		switching = 0
		reset_device()
		sequence = 0
		return
	}
	sequence = sequence "," value
	see("dropped")
	if (!contains(value, status)) wrong("dropped", "status " value " after " status)
	see("suspend")
	if (int(value / 16) % 2) wrong("suspend", "SUSPEND set")
	if (value == 15) {
		see("features_ok")
		if (!features_checked) wrong("features_ok", "FEATURES_OK was not checked")
	}
	status = value
}

function queue_write(reg,    i, n, list) {
	see("setup")
	if (status != 11) wrong("setup", "register " reg " of queue " queue " with status " status)
	if (!features_checked) wrong("features_ok", "queue set up before FEATURES_OK was checked")
	if (queue in enabled) wrong("order", "register " reg " of queue " queue " after it was enabled")
	if (reg == 28) {
		see("enable")
		if (value != 1) wrong("enable", "wrote " value)
		see("order")
		n = split("24 32 36 40 44 48 52", list, " ")
		for (i = 1; i <= n; i++)
			if (!((queue, list[i]) in set)) wrong("order", "queue " queue " enabled without register " list[i])
		enabled[queue] = 1
		if (queue + 1 > queues) queues = queue + 1
		return
	}
	set[queue, reg] = value
	if (reg == 24) {
		see("size")
		if (!power_of_two(value) || value > 32768) wrong("size", "size " value)
	}
	see("alignment")
	if (reg == 32) printf "address %.0f\n", value
	if (reg == 32 && value % 16) wrong("alignment", "descriptor area at " value)
	# The available ring would do with 2, the event suppression of a packed queue would not.
	if (reg == 40 && value % 4) wrong("alignment", "driver area at " value)
	if (reg == 48 && value % 4) wrong("alignment", "device area at " value)
}

function isr() {
	see("isr")
	isr_reads++
}

function device(reg) {
	see("config")
	see("config_early")
	if (is_write && reg == 32 && value == 0) {
		see("switch")
		switching = 1
	}
	if (is_write) {
		if (status < 11) wrong("config_early", "wrote configuration at " reg " with status " status)
	} else if (type == "blk" && reg == 32) {
		see("writeback")
		if (status < 11) wrong("writeback", "read with status " status)
	} else if (type == "blk" && reg < 8) {
		# Both halves of the capacity in one generation.
		see("generation")
		if (!generation) wrong("generation", "capacity read without the generation")
	}
	if (config != "") see("config_field")
	if (config != "" && (!(reg in config_width) || config_width[reg] != size))
		wrong("config_field", (is_write ? "wrote " : "read ") size " bytes at " reg)
}

function notify(reg, offset) {
	see("doorbell")
	see("early")
	if (status != 15) wrong("early", "doorbell with status " status)
	if (size != 2) wrong("doorbell", size " bytes")
	if (!(value in enabled)) wrong("doorbell", "queue " value " is not enabled")
	else if (offset - notify_base != notify_off[value] * multiplier)
		wrong("doorbell", sprintf("queue %d at %d", value, offset - notify_base))
	doorbells++
	rang = 1
	unmapped = 0
}

END {
	if (sequence != "") print "session " sequence
	printf "count doorbells %d\ncount isr %d\ncount pops %d\ncount longest %d\ncount queues %d\ncount writes %d\ncount end %d\ncount pushed %d\n",
		doorbells, isr_reads, pops, longest, queues, writes, end, pushed
	for (shape in shapes) print "shape " shape " " shapes[shape]
}
