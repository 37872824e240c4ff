// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the device says of itself, and what becomes of it (VIRTIO 1.4, 5.2.5).
//!
//! Every value is read once. Advice that makes no sense is left aside; a device that cannot be
//! worked with is refused.

use kernel::prelude::*;
use kernel_ext::{
    block::{
        mq::{
            self,
            Geometry,
            Limits,
            MIN_SEGMENT_SIZE, //
        },
        SECTOR_SIZE, //
    },
    virtio::{
        feature::block,
        Device, //
    },
};

use crate::protocol::config;

/// Segments of memory that go to an indirect table: what 128 KiB of scattered pages take, which is
/// as much as the kernel reads ahead by default. Each descriptor of a ring has its table from the
/// beginning, so that longer ones would cost memory that is hardly ever used; longer requests are
/// put into the ring itself.
const TABLE_SEGMENTS: u16 = 32;

/// Descriptors of a request beside its memory: header and status.
pub(crate) const EXTRA_DESCRIPTORS: u16 = 2;

/// Descriptors of an indirect table.
pub(crate) const TABLE_LEN: u16 = TABLE_SEGMENTS + EXTRA_DESCRIPTORS;

/// The largest ring that is used: deeper queues make nothing faster, and each descriptor comes with
/// a table.
pub(crate) const MAX_RING: u16 = 1024;

/// How the memory of a request is cut for the device.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    /// Bytes of a segment of the block layer at most.
    segment_size: u32,
    /// Bytes of a descriptor at most.
    pub(crate) max_len: u32,
    /// Descriptors that a segment of the block layer can take.
    pub(crate) per_segment: u16,
}

/// Number of request queues to use, at most `limit` unless that is 0.
///
/// # Errors
///
/// `EINVAL` when the device claims to have none.
pub(crate) fn num_queues(device: &Device, limit: u32) -> Result<u16> {
    let num = device
        .config()
        .optional::<u16>(device.has(block::MQ), config::NUM_QUEUES)?
        .unwrap_or(1);
    if num == 0 {
        dev_err!(
            device.parent(),
            "{}: device has no request queue\n",
            device.name()
        );
        return Err(EINVAL);
    }
    let limit = match limit {
        0 => u16::MAX,
        limit => u16::try_from(limit).unwrap_or(u16::MAX),
    };
    Ok(mq::num_possible_queues(num.min(limit)))
}

/// Capacity in sectors.
pub(crate) fn capacity(device: &Device) -> Result<u64> {
    Ok(device.config().read(config::CAPACITY)?)
}

/// Whether the device has a cache that is lost with power (VIRTIO 1.4, 5.2.5.1).
pub(crate) fn write_cache(device: &Device) -> Result<bool> {
    let writeback = device
        .config()
        .optional::<u8>(device.has(block::CONFIG_WCE), config::WRITEBACK)?;
    Ok(match writeback {
        Some(value) => value != 0,
        None => device.has(block::FLUSH),
    })
}

/// The geometry that the device makes up, if it does.
pub(crate) fn geometry(device: &Device) -> Result<Option<Geometry>> {
    if !device.has(block::GEOMETRY) {
        return Ok(None);
    }
    Ok(Some(device.config().consistent(|config| {
        Ok(Geometry {
            cylinders: config.read(config::CYLINDERS)?,
            heads: config.read(config::HEADS)?,
            sectors: config.read(config::SECTORS)?,
        })
    })?))
}

/// How the memory of requests is to be cut.
///
/// # Errors
///
/// `EINVAL` when it would have to be cut to nothing.
pub(crate) fn cut(device: &Device) -> Result<Cut> {
    let size_max = device
        .config()
        .optional::<u32>(device.has(block::SIZE_MAX), config::SIZE_MAX)?
        .unwrap_or(u32::MAX)
        .min(u32::try_from(device.max_segment_size()).unwrap_or(u32::MAX));

    // The block layer does not cut below a page, so that this is done here.
    let (segment_size, max_len) = if size_max < MIN_SEGMENT_SIZE {
        (MIN_SEGMENT_SIZE, size_max)
    } else {
        let size = size_max & !(SECTOR_SIZE - 1);
        (size, size)
    };
    // Rounded up, from at least 1.
    let per_segment = segment_size
        .saturating_sub(1)
        .checked_div(max_len)
        .and_then(|pieces| u16::try_from(pieces).ok()?.checked_add(1));

    match per_segment {
        Some(per_segment) => Ok(Cut {
            segment_size,
            max_len,
            per_segment,
        }),
        None => {
            dev_err!(
                device.parent(),
                "{}: no segment may have a byte\n",
                device.name()
            );
            Err(EINVAL)
        }
    }
}

/// Limits of the request queue, where the smallest ring has `ring_size` descriptors.
///
/// # Errors
///
/// `EINVAL` when a page does not fit into a request, or the configuration is too short; `EIO` when
/// it cannot be read.
pub(crate) fn read(device: &Device, ring_size: u16, cut: Cut) -> Result<Limits> {
    let mut limits = Limits::new();
    // What the C driver says of all its disks, and schedulers and file systems go by.
    limits.set_rotational(true);
    limits.set_write_cache(write_cache(device)?);
    block_sizes(device, &mut limits)?;

    let seg_max = device
        .config()
        .optional::<u32>(device.has(block::SEG_MAX), config::SEG_MAX)?
        .map_or(1, |max| max.max(1));
    // A request that is too long for a table should leave room for others in the ring.
    let descriptors = ring_size
        .saturating_sub(EXTRA_DESCRIPTORS)
        .min(TABLE_SEGMENTS.max(ring_size / 4))
        .min(u16::try_from(seg_max).unwrap_or(u16::MAX));
    let segments = descriptors.checked_div(cut.per_segment).unwrap_or(0);

    limits.set_max_segment_size(cut.segment_size)?;
    limits.set_max_segments(segments).inspect_err(|_| {
        dev_err!(
            device.parent(),
            "{}: a page takes {} descriptors, a request may have {} for memory\n",
            device.name(),
            cut.per_segment,
            descriptors
        );
    })?;
    Ok(limits)
}

/// Sizes and alignment of blocks.
fn block_sizes(device: &Device, limits: &mut Limits) -> Result {
    let config = device.config();

    let size = config.optional::<u32>(device.has(block::BLK_SIZE), config::BLK_SIZE)?;
    if let Some(size) = size {
        // The protocol counts in sectors whatever the block size is, so that it is advice too.
        if limits.set_logical_block_size(size).is_err() {
            dev_warn!(
                device.parent(),
                "{}: block size {} is not usable; taking {}\n",
                device.name(),
                size,
                SECTOR_SIZE
            );
        }
    }
    let block = limits.logical_block_size();

    if !device.has(block::TOPOLOGY) {
        return Ok(());
    }
    let exp: u8 = config.read(config::PHYSICAL_BLOCK_EXP)?;
    let offset: u8 = config.read(config::ALIGNMENT_OFFSET)?;
    let min: u16 = config.read(config::MIN_IO_SIZE)?;
    let opt: u32 = config.read(config::OPT_IO_SIZE)?;

    let physical = 1u32
        .checked_shl(exp.into())
        .and_then(|blocks| block.checked_mul(blocks));
    if let Some(physical) = physical {
        limits.set_physical_block_size(physical)?;
    }
    // What does not fit is no size that anything could be done with.
    let bytes = |blocks: u32| block.checked_mul(blocks).unwrap_or(0);
    limits.set_alignment_offset(bytes(offset.into()));
    limits.set_io_min(bytes(min.into()));
    limits.set_io_opt(bytes(opt));
    Ok(())
}
