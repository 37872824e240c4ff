// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Limits and features of a request queue.

use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

use crate::block::{
    Cache,
    SECTOR_SIZE, //
};

/// The largest logical block.
pub const MAX_BLOCK_SIZE: u32 = crate::bindings::BLK_MAX_BLOCK_SIZE;

/// What the block layer asks of all hardware: segments of at least so many bytes.
const MIN_SEGMENT_SIZE: u32 = 4096;

/// The largest size that hardware is believed to prefer: more than the stripe of any array. The
/// kernel reads ahead twice as much.
const MAX_PREFERRED_SIZE: u32 = 64 << 20;

/// What the hardware likes, in logical blocks. 0 where it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Binary logarithm of the size of a physical block: what is written without reading.
    pub physical_block_exp: u8,
    /// By how much the first logical block misses the beginning of a physical one.
    pub alignment_offset: u32,
    /// Smallest size of I/O.
    pub io_min: u32,
    /// Best size of I/O.
    pub io_opt: u32,
}

/// How the memory of requests is cut for hardware that takes pieces of some length.
///
/// The block layer does not make segments shorter than a page. For hardware that wants them shorter
/// they are cut once more.
#[derive(Clone, Copy)]
pub struct Cut {
    /// Bytes of a segment of the block layer at most.
    segment_size: u32,
    /// Bytes of a piece at most, which is not 0.
    max_len: u32,
    /// Pieces of a segment at most.
    per_segment: u16,
}

impl Cut {
    /// A cut to pieces of at most `max_len` bytes; [`None`] when that is nothing.
    pub fn new(max_len: u32) -> Option<Self> {
        let (segment_size, max_len) = if max_len < MIN_SEGMENT_SIZE {
            (MIN_SEGMENT_SIZE, max_len)
        } else {
            let whole = max_len & !(SECTOR_SIZE - 1);
            (whole, whole)
        };
        // Rounded up, from at least 1.
        let more = segment_size.saturating_sub(1).checked_div(max_len)?;
        Some(Self {
            segment_size,
            max_len,
            per_segment: u16::try_from(more).ok()?.checked_add(1)?,
        })
    }

    /// Bytes of a piece at most.
    #[inline]
    pub(super) fn max_len(&self) -> u32 {
        self.max_len
    }

    /// Pieces that `segments` segments can come to.
    #[inline]
    pub(super) fn pieces(&self, segments: u16) -> u16 {
        // A request has no more than the device can be told of.
        segments.wrapping_mul(self.per_segment)
    }
}

/// Limits and features of a request queue (`struct queue_limits`).
///
/// The setters refuse what the block layer would refuse or warn about, so that values from a device
/// can be tried.
#[derive(Clone)]
pub struct Limits(bindings::queue_limits);

impl Limits {
    /// Limits of a device with blocks of a sector, as little as a driver may have, and no features.
    pub fn new() -> Self {
        Self(bindings::queue_limits {
            logical_block_size: SECTOR_SIZE,
            max_hw_sectors: c_uint::MAX,
            max_segments: 1,
            max_segment_size: MIN_SEGMENT_SIZE,
            ..pin_init::zeroed()
        })
    }

    /// The limits that C code has.
    fn from_raw(limits: bindings::queue_limits) -> Self {
        Self(limits)
    }

    /// What C code is given.
    pub(super) fn as_raw(&mut self) -> &mut bindings::queue_limits {
        &mut self.0
    }

    /// Bytes of a logical block: the unit in which the device can be addressed.
    pub fn logical_block_size(&self) -> u32 {
        self.0.logical_block_size
    }

    /// Sets the size of a logical block.
    ///
    /// # Errors
    ///
    /// `EINVAL` unless it is a power of two from [`SECTOR_SIZE`] to [`MAX_BLOCK_SIZE`].
    pub fn set_logical_block_size(&mut self, size: u32) -> Result {
        if !size.is_power_of_two() || !(SECTOR_SIZE..=MAX_BLOCK_SIZE).contains(&size) {
            return Err(EINVAL);
        }
        self.0.logical_block_size = size;
        Ok(())
    }

    /// Sets sizes and alignment of what the hardware likes. The size of a logical block is to be
    /// set before.
    ///
    /// All of it is advice: a size that overflows, or is larger than any that makes sense
    /// ([`MAX_PREFERRED_SIZE`]), counts as not given.
    pub fn set_topology(&mut self, topology: Topology) {
        let block = self.0.logical_block_size;
        let bytes = |blocks: u32| match block.checked_mul(blocks) {
            Some(size) if size <= MAX_PREFERRED_SIZE => size,
            _ => 0,
        };
        let physical = 1u32.checked_shl(topology.physical_block_exp.into());

        // The block layer takes 0 for the size of a logical block or none, rounds what is optimal
        // down to physical blocks, and cuts the offset to one of those.
        self.0.physical_block_size = bytes(physical.unwrap_or(0));
        self.0.alignment_offset = bytes(topology.alignment_offset);
        self.0.io_min = bytes(topology.io_min);
        self.0.io_opt = bytes(topology.io_opt);
    }

    /// Sets that the memory of a request is `pieces` pieces at most, cut as `cut` says. The size of
    /// a logical block is to be set before.
    ///
    /// # Errors
    ///
    /// `EINVAL` when a logical block, or a page, may not fit into that.
    pub fn set_pieces(&mut self, pieces: u16, cut: Cut) -> Result {
        let segments = pieces.checked_div(cut.per_segment).unwrap_or(0);
        let block = self.0.logical_block_size;
        // The pages of a block may be anywhere.
        let needed = block.div_ceil(MIN_SEGMENT_SIZE);
        if u32::from(segments) < needed {
            return Err(EINVAL);
        }
        if u32::from(segments) == needed {
            // One that begins anywhere else has a part of one page more.
            self.0.dma_alignment = block.min(MIN_SEGMENT_SIZE).wrapping_sub(1);
        }
        self.0.max_segments = segments;
        self.0.max_segment_size = cut.segment_size;
        Ok(())
    }

    /// The most sectors of a request without data of which the device takes `max_sectors`: whole
    /// blocks, and at least `granularity` bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL` when there is no such number. The block layer would send what is too long.
    fn whole_blocks(&self, max_sectors: u32, granularity: u32) -> Result<u32> {
        let unit = self.0.logical_block_size / SECTOR_SIZE;
        // The remainder is no more than what it is taken from.
        let max = max_sectors.wrapping_sub(max_sectors.checked_rem(unit).unwrap_or(0));
        if max == 0 || max < granularity.div_ceil(SECTOR_SIZE) {
            return Err(EINVAL);
        }
        Ok(max)
    }

    /// Sets that the device takes requests to discard sectors: each of `max_ranges` ranges with
    /// `max_sectors` sectors in all, preferably in units of `granularity` bytes (0: a block). Sizes of
    /// blocks are to be set before.
    ///
    /// # Errors
    ///
    /// `EINVAL` when a unit does not fit into a request, or is not a power of two; nothing is set.
    pub fn set_discard(&mut self, max_sectors: u32, granularity: u32, max_ranges: u16) -> Result {
        let granularity = granularity.max(self.0.logical_block_size);
        if !granularity.is_power_of_two() {
            return Err(EINVAL);
        }
        // The block layer makes units of physical blocks at least.
        let unit = granularity.max(self.0.physical_block_size);
        self.0.max_hw_discard_sectors = self.whole_blocks(max_sectors, unit)?;
        self.0.discard_granularity = granularity;
        self.0.max_discard_segments = max_ranges.max(1);
        Ok(())
    }

    /// Sets that the device takes requests to erase up to `max_sectors` sectors for good. What is set
    /// for requests to discard is to be set before.
    ///
    /// # Errors
    ///
    /// `EINVAL` when a block, or a unit that is discarded, does not fit into that; nothing is set.
    pub fn set_secure_erase(&mut self, max_sectors: u32) -> Result {
        // The block layer has one unit for both.
        let unit = match self.0.max_hw_discard_sectors {
            0 => 0,
            _ => self.0.discard_granularity.max(self.0.physical_block_size),
        };
        self.0.max_secure_erase_sectors = self.whole_blocks(max_sectors, unit)?;
        Ok(())
    }

    /// Sets that the device takes requests to fill up to `max_sectors` sectors with zeroes. The size
    /// of a logical block is to be set before.
    ///
    /// # Errors
    ///
    /// `EINVAL` when a block does not fit into that; nothing is set.
    pub fn set_write_zeroes(&mut self, max_sectors: u32) -> Result {
        self.0.max_write_zeroes_sectors = self.whole_blocks(max_sectors, 0)?;
        Ok(())
    }

    /// Sets a feature or clears it.
    fn set_feature(&mut self, feature: bindings::blk_features_t, on: bool) {
        if on {
            self.0.features |= feature;
        } else {
            self.0.features &= !feature;
        }
    }

    /// Sets what cache the device has. To one that writes back flushes are sent, also for requests
    /// that ask for forced unit access.
    pub fn set_cache(&mut self, cache: Cache) {
        let feature = crate::bindings::BLK_FEAT_WRITE_CACHE;
        self.set_feature(feature, cache == Cache::WriteBack);
    }

    /// Sets whether the device has moving parts.
    pub fn set_rotational(&mut self, on: bool) {
        self.set_feature(bindings::BLK_FEAT_ROTATIONAL, on);
    }
}

/// Changes limits or features of a request queue. Waits until no request is under way.
///
/// # Errors
///
/// `EINVAL` when they contradict each other.
///
/// # Safety
///
/// `queue` must be the request queue of a disk that was added and is not removed.
pub(super) unsafe fn update(
    queue: *mut bindings::request_queue,
    change: impl FnOnce(&mut Limits),
) -> Result {
    // A port of `queue_limits_start_update`.
    // SAFETY: By the requirement of this function; `queue_limits_commit_update` unlocks.
    let mut limits = unsafe {
        bindings::mutex_lock(&raw mut (*queue).limits_lock);
        Limits::from_raw((*queue).limits)
    };
    change(&mut limits);
    // SAFETY: As above; the update was begun above.
    to_result(unsafe { bindings::queue_limits_commit_update_frozen(queue, limits.as_raw()) })
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
