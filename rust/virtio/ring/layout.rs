// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Where the parts of a split ring lie.

use super::descriptor::Descriptor;

/// Largest size of a split ring.
pub const MAX_SIZE: u16 = 1 << 15;

/// Alignment of the descriptor table.
pub const DESC_ALIGN: usize = 16;
/// Alignment of the available ring.
pub const AVAIL_ALIGN: usize = 2;
/// Alignment of the used ring.
pub const USED_ALIGN: usize = 4;

/// Offset of `flags` in the available and in the used ring.
pub const FLAGS: usize = 0;
/// Offset of `idx` in the available and in the used ring.
pub const IDX: usize = 2;
/// Offset of the entries in the available and in the used ring.
pub const RING: usize = 4;

/// Whether a split ring may have `size` entries.
#[inline]
pub const fn is_valid_size(size: u16) -> bool {
    size.is_power_of_two() && size <= MAX_SIZE
}

/// Where the parts of a ring of either form are that lie behind each other: offsets from the
/// descriptors, which come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// What the driver writes: the available ring, or the driver's event suppression.
    pub driver: usize,
    /// What the device writes: the used ring, or the device's event suppression.
    pub device: usize,
    /// Bytes in all.
    pub end: usize,
}

impl Parts {
    /// Bytes of a block of memory for all parts, which are at multiples of `align`: the whole of it for
    /// each (VIRTIO 1.4, 2.7.2).
    pub const fn bytes(&self, align: usize) -> usize {
        self.end.next_multiple_of(align)
    }
}

/// The parts of a split ring of `size` entries: what the device writes begins at a multiple of
/// `align`, a power of two, so that neither side writes where the other does.
pub const fn parts(size: u16, align: usize) -> Parts {
    let driver = desc_bytes(size);
    let device = (driver + avail_bytes(size)).next_multiple_of(align);
    Parts {
        driver,
        device,
        end: device + used_bytes(size),
    }
}

/// Bytes in the descriptor table of a ring of `size` entries.
#[inline]
pub const fn desc_bytes(size: u16) -> usize {
    size as usize * Descriptor::SIZE as usize
}

/// Bytes in the available ring of a ring of `size` entries, `used_event` included.
#[inline]
pub const fn avail_bytes(size: u16) -> usize {
    used_event(size) + 2
}

/// Bytes in the used ring of a ring of `size` entries, `avail_event` included.
#[inline]
pub const fn used_bytes(size: u16) -> usize {
    avail_event(size) + 2
}

/// Offset in the available ring of the entry at `index`, which is already reduced modulo the size.
#[inline]
pub const fn avail_entry(index: u16) -> usize {
    RING + index as usize * 2
}

/// Offset in the used ring of the entry at `index`, which is already reduced modulo the size.
#[inline]
pub const fn used_entry(index: u16) -> usize {
    RING + index as usize * 8
}

/// Offset in the available ring of `used_event`.
#[inline]
pub const fn used_event(size: u16) -> usize {
    avail_entry(size)
}

/// Offset in the used ring of `avail_event`.
#[inline]
pub const fn avail_event(size: u16) -> usize {
    used_entry(size)
}
