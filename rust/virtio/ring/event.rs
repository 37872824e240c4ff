// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Suppression of notifications, in either direction.

/// Bit of the available ring's flags: the driver does not want interrupts. Only without the event
/// index.
pub const NO_INTERRUPT: u16 = 1;

/// Bit of the used ring's flags: the device does not want notifications. Only without the event
/// index.
pub const NO_NOTIFY: u16 = 1;

/// Whether an index that moved from `old` to `new` passed the position `event`, at which the other
/// side asked to be notified: whether one of the entries `old..new` is the one at `event`, modulo
/// 2^16.
#[inline]
pub const fn need_event(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}
