// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! How many entries a ring has.

use super::{
    layout,
    packed, //
};

/// Entries of the largest ring that a driver has use for, of the `offered` ones that a device can
/// have: a split ring has a power of two of them (VIRTIO 1.4, 2.7), a packed one any number
/// (2.8.10.1). [`None`] if there is no such ring.
pub fn largest(packed: bool, offered: u16, useful: u16) -> Option<u16> {
    let limit = offered.min(useful);
    if packed {
        let limit = limit.min(packed::layout::MAX_SIZE);
        packed::layout::is_valid_size(limit).then_some(limit)
    } else {
        let limit = limit.min(layout::MAX_SIZE);
        limit.checked_ilog2().map(|log| 1 << log)
    }
}

/// Entries of the split ring of a device that has no other than one of `offered` (VIRTIO 1.4, 2.7.2).
/// [`None`] if there is no such ring.
pub fn exactly(offered: u16) -> Option<u16> {
    layout::is_valid_size(offered).then_some(offered)
}

/// A ring of about half as many entries, for when there is no memory for one of `size`. [`None`] if
/// it has no more than one.
pub fn smaller(size: u16) -> Option<u16> {
    match size / 2 {
        0 => None,
        half => Some(half),
    }
}
