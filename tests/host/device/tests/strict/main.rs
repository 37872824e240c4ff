// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Each rule that the device checks is broken once, by a driver written by hand.

mod common;
mod packed;
mod split;
