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

use self::barrier::Order;
pub(super) use self::{
    packed::PackedRing,
    split::SplitRing, //
};
use crate::{
    dma::Space,
    virtio::{
        byte_order::{
            ByteOrder,
            Guest,
            Machine,
            Number, //
        },
        ring::{
            descriptor::Descriptor,
            stats::Stats,
            Either, //
        }, //
    },
};

/// Distance kept between what the driver and what the device writes, where the device does not ask for
/// a larger one.
pub(super) const CACHE_LINE: usize = 64;

/// Size of a descriptor.
const DESC: usize = Descriptor::SIZE as usize;

/// What a ring is to be like.
pub(super) struct Layout<M = Guest> {
    /// With VIRTIO_F_RING_PACKED.
    pub(super) packed: bool,
    /// With VIRTIO_F_ORDER_PLATFORM.
    pub(super) platform_order: bool,
    /// Entries.
    pub(super) size: u16,
    /// Entries of each indirect table, of which there is one for each entry. 0 for no tables.
    pub(super) table_len: u16,
    /// Of what the places of the parts are multiples, a power of two: a part that is not written by
    /// the same side as the one before it for a split ring, each for a packed one.
    pub(super) align: usize,
    /// How the bytes of numbers are ordered, in a split ring. A packed one has its lowest byte first.
    pub(super) bytes: ByteOrder<M>,
}

/// The memory of a ring of either form.
pub(super) type RingMemory<M = Guest> = Either<SplitRing<M>, PackedRing<M>>;

/// Allocates a ring, which counts what happens to it in `stats`.
///
/// Tables are a convenience: where there is no memory for them the ring goes without.
///
/// # Errors
///
/// `EINVAL` when the size is not valid, `ENOMEM`.
pub(super) fn allocate<M: Machine>(
    space: &Space,
    layout: &Layout<M>,
    stats: Arc<Stats>,
) -> Result<RingMemory<M>> {
    Ok(if layout.packed {
        Either::Packed(PackedRing::allocate(space, layout, stats)?)
    } else {
        Either::Split(SplitRing::allocate(space, layout, stats)?)
    })
}

/// Stores a field, with one access: what [`ByteOrder::encode`] makes of a number.
///
/// # Safety
///
/// `ptr` must be valid for writing a `T`, and aligned to its size.
#[inline]
unsafe fn store<T: Number>(ptr: *mut u8, raw: T) {
    // SAFETY: By the requirement of this function.
    unsafe { ptr.cast::<T>().write_volatile(raw) }
}

/// Loads a field, with one access: a number for [`ByteOrder::decode`].
///
/// # Safety
///
/// `ptr` must be valid for reading a `T`, and aligned to its size.
#[inline]
unsafe fn load<T: Number>(ptr: *mut u8) -> T {
    // SAFETY: By the requirement of this function.
    unsafe { ptr.cast::<T>().read_volatile() }
}
