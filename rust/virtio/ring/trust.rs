// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Whether what the device says is checked.
//!
//! It is, always, but in modules that are built to measure what that costs: those of
//! `scripts/bench --trusting`, which are for its guest and for nothing else.

use super::stats::Stats;

/// Whether `lie` holds, which only a device can bring about that breaks the rules.
#[inline(always)]
pub(super) fn is_lie(lie: impl FnOnce() -> bool) -> bool {
    !cfg!(virtio_rust_trusting) && lie()
}

/// The bytes that the device says it wrote, but no more than it could. Devices are known that report
/// more, or a length where nothing was writable.
#[inline(always)]
pub(super) fn clamp(len: u32, writable: u32, stats: &Stats) -> u32 {
    if is_lie(|| len > writable) {
        stats.clamped.count();
        return writable;
    }
    len
}
