#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# A machine for which the scripts are not written hears so at once, and any other nothing.

set -u
cd "$(dirname "$0")" || exit 1
# shellcheck source=scripts/lib.sh
. ../../scripts/lib.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

good() { # command...
	("$@") >"$scratch/output" 2>&1 || fail "refused: $*: $(cat "$scratch/output")"
	[ ! -s "$scratch/output" ] || fail "says something: $*: $(cat "$scratch/output")"
}

bad() { # what it says, command...
	local says=$1
	shift
	! ("$@") >"$scratch/output" 2>&1 || fail "accepted: $*"
	grep -q -- "$says" "$scratch/output" || fail "does not say \"$says\": $*: $(cat "$scratch/output")"
}

good check_arch x86_64
bad 'is aarch64' check_arch aarch64
good check_root 0
bad 'root is needed' check_root 1000

printf 'NAME="Debian"\nID=debian\n' >"$scratch/debian"
printf 'ID=ubuntu\nID_LIKE="debian"\n' >"$scratch/like"
printf 'ID=fedora\n' >"$scratch/other"
good check_distribution "$scratch/debian"
good check_distribution "$scratch/like"
bad 'not Debian (ID=fedora' check_distribution "$scratch/other"
bad 'ID=unknown' check_distribution "$scratch/none"

for flavour in cloud-amd64 amd64 debug arm64; do
	good check_flavour $flavour
done
bad 'one of' check_flavour rt

good check_space 0 "$scratch"
# No file system is that large.
bad 'GiB are needed' check_space 1000000000 "$scratch"

[ $failures = 0 ]
