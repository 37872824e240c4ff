#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# What the bench computes is right.

set -u
top=$(cd "$(dirname "$0")/../.." && pwd -P)
# Quiet when all is well.
output=$("$top/scripts/sdk" -- sh -c "cd $top/tests/bench && python3 -B -m unittest" 2>&1) || {
	printf '%s\n' "$output"
	exit 1
}
