// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What device and driver say to each other (VIRTIO 1.4, 5.2).

use kernel::prelude::*;
use kernel_ext::block::mq;

/// Offsets in the configuration space (VIRTIO 1.4, 5.2.4).
pub(crate) mod config {
    /// Sectors of 512 bytes, 64 bits. The one field that is always there.
    pub(crate) const CAPACITY: usize = 0;
    /// Bytes of a segment at most, 32 bits; with SIZE_MAX.
    pub(crate) const SIZE_MAX: usize = 8;
    /// Segments of a request at most, 32 bits; with SEG_MAX.
    pub(crate) const SEG_MAX: usize = 12;
    /// Cylinders, 16 bits; with GEOMETRY.
    pub(crate) const CYLINDERS: usize = 16;
    /// Heads, 8 bits; with GEOMETRY.
    pub(crate) const HEADS: usize = 18;
    /// Sectors of a track, 8 bits; with GEOMETRY.
    pub(crate) const SECTORS: usize = 19;
    /// Bytes of a block, 32 bits; with BLK_SIZE.
    pub(crate) const BLK_SIZE: usize = 20;
    /// Binary logarithm of the blocks of a physical block, 8 bits; with TOPOLOGY.
    pub(crate) const PHYSICAL_BLOCK_EXP: usize = 24;
    /// Blocks before the first aligned one, 8 bits; with TOPOLOGY.
    pub(crate) const ALIGNMENT_OFFSET: usize = 25;
    /// Smallest I/O that the device likes, in blocks, 16 bits; with TOPOLOGY.
    pub(crate) const MIN_IO_SIZE: usize = 26;
    /// I/O that the device likes best, in blocks, 32 bits; with TOPOLOGY.
    pub(crate) const OPT_IO_SIZE: usize = 28;
    /// Whether the cache writes back, 8 bits, can be written; with CONFIG_WCE.
    pub(crate) const WRITEBACK: usize = 32;
    /// Number of request queues, 16 bits; with MQ.
    pub(crate) const NUM_QUEUES: usize = 34;
}

/// What a request is to do (VIRTIO 1.4, 5.2.6).
#[derive(Clone, Copy)]
pub(crate) struct RequestType(u32);

impl RequestType {
    /// Read.
    pub(crate) const IN: Self = Self(0);
    /// Write.
    pub(crate) const OUT: Self = Self(1);
    /// Make what was written persistent.
    pub(crate) const FLUSH: Self = Self(4);
    /// Tell the serial number.
    pub(crate) const GET_ID: Self = Self(8);
}

/// Bytes of a serial number. All of them may be used: there need not be a NUL.
pub(crate) const ID_LEN: usize = 20;

/// The beginning of a request, in little-endian byte order.
#[derive(Clone, Copy, FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Header {
    kind: u32,
    /// Was a priority before the specification.
    reserved: u32,
    sector: u64,
}

impl Header {
    /// A header. `sector` is that of the first byte for requests that have one, otherwise 0.
    pub(crate) const fn new(kind: RequestType, sector: u64) -> Self {
        Self {
            kind: kind.0.to_le(),
            reserved: 0,
            sector: sector.to_le(),
        }
    }
}

/// The end of a request: how it went.
#[derive(Clone, Copy, FromBytes, IntoBytes, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Status(u8);

impl Status {
    /// All went well.
    const OK: Self = Self(0);
    /// The device or the driver made a mistake.
    const IOERR: Self = Self(1);
    /// The device does not know this request.
    const UNSUPP: Self = Self(2);

    /// What the driver puts there, and no device should: a request that comes back with it was
    /// never answered.
    pub(crate) const UNANSWERED: Self = Self(0xff);
}

impl From<Status> for mq::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::OK => Self::Ok,
            Status::UNSUPP => Self::NotSupported,
            // Whatever else it is, it is not success.
            Status::IOERR | Status(_) => Self::IoError,
        }
    }
}
