// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of rings: shared with the device, accessed one field at a time.

mod barrier;
mod block;
mod packed;
mod split;
mod tables;

use kernel::{
    prelude::*,
    sync::Arc, //
};

use self::{
    barrier::Order,
    tables::Tables, //
};
pub(super) use self::{
    packed::PackedRing,
    split::SplitRing, //
};
use crate::{
    dma::Space,
    virtio::{
        ring::{
            descriptor::Descriptor,
            stats::Stats,
            Either, //
        }, //
    },
};

/// Distance kept between what the driver and what the device writes.
const CACHE_LINE: usize = 64;

/// Size of a descriptor.
const DESC: usize = Descriptor::SIZE as usize;

/// What a ring is to be like.
pub(super) struct Layout {
    /// With VIRTIO_F_RING_PACKED.
    pub(super) packed: bool,
    /// With VIRTIO_F_ORDER_PLATFORM.
    pub(super) platform_order: bool,
    /// Entries.
    pub(super) size: u16,
    /// Entries of each indirect table, of which there is one for each entry. 0 for no tables.
    pub(super) table_len: u16,
}

/// The memory of a ring of either form.
pub(super) type RingMemory = Either<SplitRing, PackedRing>;

/// Allocates a ring, which counts what happens to it in `stats`.
///
/// Tables are a convenience: where there is no memory for them the ring goes without.
///
/// # Errors
///
/// `EINVAL` when the size is not valid, `ENOMEM`.
pub(super) fn allocate(space: &Space, layout: &Layout, stats: Arc<Stats>) -> Result<RingMemory> {
    Ok(if layout.packed {
        Either::Packed(PackedRing::allocate(space, layout, stats)?)
    } else {
        Either::Split(SplitRing::allocate(space, layout, stats)?)
    })
}

/// Writes a little-endian 16-bit field.
///
/// # Safety
///
/// `ptr` must be valid for writing 2 bytes, and aligned to 2.
#[inline]
unsafe fn write16(ptr: *mut u8, value: u16) {
    // SAFETY: By the requirement of this function.
    unsafe { ptr.cast::<u16>().write_volatile(value.to_le()) }
}

/// Writes a little-endian 64-bit field.
///
/// # Safety
///
/// `ptr` must be valid for writing 8 bytes, and aligned to 8.
#[inline]
unsafe fn write64(ptr: *mut u8, value: u64) {
    // SAFETY: By the requirement of this function.
    unsafe { ptr.cast::<u64>().write_volatile(value.to_le()) }
}

/// Reads a little-endian 16-bit field, once.
///
/// # Safety
///
/// `ptr` must be valid for reading 2 bytes, and aligned to 2.
#[inline]
unsafe fn read16(ptr: *mut u8) -> u16 {
    // SAFETY: By the requirement of this function.
    u16::from_le(unsafe { ptr.cast::<u16>().read_volatile() })
}

/// Reads a little-endian 32-bit field, once.
///
/// # Safety
///
/// `ptr` must be valid for reading 4 bytes, and aligned to 4.
#[inline]
unsafe fn read32(ptr: *mut u8) -> u32 {
    // SAFETY: By the requirement of this function.
    u32::from_le(unsafe { ptr.cast::<u32>().read_volatile() })
}
