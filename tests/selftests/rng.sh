#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Random number generators: what they give is random, all of it, and nothing else.
#
# boot: drivers
# timeout: 120

cd "$(dirname "$0")" || exit 1
. ./lib.sh

RING_PACKED=34

# The kernel keeps what is left of 64 bytes for the next reader: the reads up to that of
# odd sizes are multiples of that.
UNIT=64

all_there() {
	greater "$(generators | wc -l)" 6 "generators"
}

quality() {
	choose 11
	head -c $((UNIT * 7813)) /dev/hwrng >"$scratch/random"
	rngtest <"$scratch/random" >"$scratch/rngtest" 2>&1 || :
	cat "$scratch/rngtest"
	# One block of 2500 bytes in 1200 may fail by chance.
	greater "$(sed -n 's/.*FIPS 140-2 successes: //p' "$scratch/rngtest")" 196 "good blocks"
	greater 3 "$(sed -n 's/.*FIPS 140-2 failures: //p' "$scratch/rngtest")" "limit of bad blocks"
}

# No byte is handed out twice: of 31252 pieces of 16 bytes, no two are the same.
no_repeats() {
	equal "" "$(od -An -v -tx1 -w16 "$scratch/random" | sort | uniq -d)" "repeated pieces"
}

odd_sizes() {
	local size
	for size in 1 3 7 63 64 65 127 1000 4097; do
		equal "$size" "$(dd if=/dev/hwrng bs="$size" count=1 iflag=fullblock status=none | wc -c)" "bytes"
	done
}

works() { # slot
	choose "$1"
	head -c $((UNIT * 300)) /dev/hwrng >"$scratch/some"
	equal "" "$(od -An -v -tx1 -w16 "$scratch/some" | sort | uniq -d)" "repeated pieces"
	equal 256 "$(od -An -v -tx1 -w1 "$scratch/some" | sort -u | wc -l)" "values of bytes"
}

# The device is slow, and readers wait. An answer that came before anybody waited has no
# interrupt: a busy machine may read that late.
line() {
	local irq before
	irq=$(irqs 12)
	[ ! -d "$(device 12)/msi_irqs" ]
	irq_names "$irq" | tr ',' '\n' | grep -E '^virtio[0-9]+'
	choose 12
	before=$(irq_count "$irq")
	head -c $((UNIT * 40)) /dev/hwrng >"$scratch/some"
	equal "" "$(od -An -v -tx1 -w16 "$scratch/some" | sort | uniq -d)" "repeated pieces"
	greater "$(irq_count "$irq")" "$((before + 20))" "interrupts"
}

vectors() {
	equal "config input" "$(for irq in $(irqs 11); do irq_names "$irq" | sed 's/^virtio[0-9]*-//'; done | sort | paste -sd ' ')" "names"
}

# RNG-02: what is read are bytes of the file that QEMU's generator has, and none besides.
# The kernel draws some for itself, between any two of these pieces.
only_what_was_written() {
	choose 15
	head -c $((UNIT * 64)) /dev/hwrng >"$scratch/some"
	python3 -IS - "$scratch/some" /usr/bin/bash <<-'EOT'
		import sys
		read, text = (open(name, "rb").read() for name in sys.argv[1:])
		for start in range(0, len(read), 64):
		    piece = read[start:start + 64]
		    if text.find(piece) < 0:
		        sys.exit(f"not in the file: {piece!r}")
	EOT
}

check "each device is a generator" all_there
check "the quality is what rngtest asks for" quality
check "no bytes are handed out twice" no_repeats
check "interrupts have their names" vectors
check "vectors=0: the line is used" line
check "no indirect descriptors, no event index: works" works 13
# RSV-06
check "packed rings are used where they are offered" accepted 14 $RING_PACKED
check "packed rings: works" works 14
check "a non-transitional device works" works 18
check "what is read is what the device wrote" only_what_was_written
check "reads of odd sizes" odd_sizes
finish
