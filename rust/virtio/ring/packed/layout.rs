// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Where the parts of a packed ring lie, and what its descriptors are like.

use super::super::{
    descriptor::Descriptor,
    layout::Parts, //
};

/// Largest size of a packed ring.
pub const MAX_SIZE: u16 = 1 << 15;

/// Alignment of the descriptor ring.
pub const DESC_ALIGN: usize = 16;
/// Alignment of each of the event suppression structures.
pub const EVENT_ALIGN: usize = 4;
/// Bytes in each of the event suppression structures.
pub const EVENT_BYTES: usize = 4;

/// Offset of the descriptor in an event suppression structure.
pub const EVENT_DESC: usize = 0;
/// Offset of the flags in an event suppression structure.
pub const EVENT_FLAGS: usize = 2;

/// Offset of the address in a descriptor.
pub const ADDR: usize = 0;
/// Offset of the length in a descriptor.
pub const LEN: usize = 8;
/// Offset of the buffer id in a descriptor.
pub const ID: usize = 12;
/// Offset of the flags in a descriptor.
pub const FLAGS: usize = 14;

/// Whether a packed ring may have `size` entries: it need not be a power of two.
#[inline]
pub const fn is_valid_size(size: u16) -> bool {
    size != 0 && size <= MAX_SIZE
}

/// The parts of a packed ring of `size` entries, each of them at a multiple of `align`, a power of two,
/// so that neither side writes where the other does.
pub const fn parts(size: u16, align: usize) -> Parts {
    let driver = desc_bytes(size).next_multiple_of(align);
    let device = driver + align;
    Parts {
        driver,
        device,
        end: device + EVENT_BYTES,
    }
}

/// Bytes in the descriptor ring of a ring of `size` entries.
#[inline]
pub const fn desc_bytes(size: u16) -> usize {
    size as usize * Descriptor::SIZE as usize
}
