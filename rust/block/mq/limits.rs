// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Limits and features of a request queue.

use kernel::{
    bindings,
    prelude::*, //
};

use crate::block::SECTOR_SIZE;

/// The largest logical block.
pub const MAX_BLOCK_SIZE: u32 = crate::bindings::BLK_MAX_BLOCK_SIZE;

/// What the block layer asks of all hardware: segments of at least so many bytes.
pub const MIN_SEGMENT_SIZE: u32 = 4096;

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
    pub(super) fn from_raw(limits: bindings::queue_limits) -> Self {
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

    /// Sets the size of what the device can write without reading.
    ///
    /// # Errors
    ///
    /// `EINVAL` unless it is a power of two.
    pub fn set_physical_block_size(&mut self, size: u32) -> Result {
        if !size.is_power_of_two() {
            return Err(EINVAL);
        }
        self.0.physical_block_size = size;
        Ok(())
    }

    /// Sets by how many bytes the first logical block misses the beginning of a physical one.
    pub fn set_alignment_offset(&mut self, offset: u32) {
        self.0.alignment_offset = offset;
    }

    /// Sets the smallest size of I/O that the device likes.
    pub fn set_io_min(&mut self, size: u32) {
        self.0.io_min = size;
    }

    /// Sets the size of I/O that the device likes best.
    pub fn set_io_opt(&mut self, size: u32) {
        self.0.io_opt = size;
    }

    /// Sets how many segments a request may have.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it is none.
    pub fn set_max_segments(&mut self, segments: u16) -> Result {
        if segments == 0 {
            return Err(EINVAL);
        }
        self.0.max_segments = segments;
        Ok(())
    }

    /// Sets how many bytes a segment may have.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it is less than [`MIN_SEGMENT_SIZE`].
    pub fn set_max_segment_size(&mut self, size: u32) -> Result {
        if size < MIN_SEGMENT_SIZE {
            return Err(EINVAL);
        }
        self.0.max_segment_size = size;
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

    /// Sets whether the device has a volatile cache: flushes are sent then, also for requests that
    /// ask for forced unit access.
    pub fn set_write_cache(&mut self, on: bool) {
        self.set_feature(crate::bindings::BLK_FEAT_WRITE_CACHE, on);
    }

    /// Sets whether the device has moving parts.
    pub fn set_rotational(&mut self, on: bool) {
        self.set_feature(bindings::BLK_FEAT_ROTATIONAL, on);
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
