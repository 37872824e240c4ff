#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# What decides whether a guest on the debug kernel has passed finds every kind of fault,
# wherever in a log it is, and nothing in a log without one.

set -u
cd "$(dirname "$0")" || exit 1
reports=../../scripts/guest.d/kernel-reports
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0 faults=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

# One fault a file.
grep -v '^#' kernel-reports/faults |
	awk -v RS= -v dir="$scratch" '{ printf "%s\n", $0 >sprintf("%s/fault-%02d", dir, NR) }'

$reports kernel-reports/clean >"$scratch/output" || {
	fail "something is found in a log without a fault:"
	cat "$scratch/output"
}
$reports /dev/null || fail "something is found in nothing"

for fault in "$scratch"/fault-*; do
	faults=$((faults + 1))
	for log in alone last first serial; do
		# Before the modules, faults of the IOMMU are the firmware's.
		[ $log != first ] || ! grep -q DMAR "$fault" || continue
		case $log in
		alone) cat "$fault" ;;
		last) cat kernel-reports/clean "$fault" ;;
		first) cat "$fault" kernel-reports/clean ;;
		serial) sed 's/$/\r/' kernel-reports/clean "$fault" ;;
		esac >"$scratch/log"
		! $reports "$scratch/log" >"$scratch/output" || fail "not found ($log): $(head -n 1 "$fault")"
		tail -n 1 "$fault" | cut -d ']' -f 2- | grep -qFf - "$scratch/output" ||
			fail "not shown ($log): $(tail -n 1 "$fault")"
	done
done
[ $faults -ge 25 ] || fail "only $faults faults were tried"

# A log that cannot be read has shown nothing.
! $reports "$scratch/none" 2>/dev/null || fail "a log that is not there passes"

echo "$faults kinds of faults, $failures failures"
[ $failures = 0 ]
