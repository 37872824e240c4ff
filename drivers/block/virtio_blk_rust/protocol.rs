// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What device and driver say to each other (VIRTIO 1.4, 5.2).

use kernel::{
    pr_warn_once,
    prelude::*, //
};
use kernel_ext::{
    block::mq,
    dma::InPlace,
    virtio::{
        ByteOrder,
        Wire, //
    },
};

use crate::ranges::Ranges;

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
    /// Tell how worn the medium is.
    pub(crate) const GET_LIFETIME: Self = Self(10);
    /// Forget what sectors hold.
    pub(crate) const DISCARD: Self = Self(11);
    /// Fill sectors with zeroes.
    pub(crate) const WRITE_ZEROES: Self = Self(13);
    /// Forget what sectors hold, for good.
    pub(crate) const SECURE_ERASE: Self = Self(14);
    /// Write at the end of what is written of a zone.
    pub(crate) const ZONE_APPEND: Self = Self(15);
    /// Tell of zones.
    pub(crate) const ZONE_REPORT: Self = Self(16);
    /// Open a zone.
    pub(crate) const ZONE_OPEN: Self = Self(18);
    /// Close a zone.
    pub(crate) const ZONE_CLOSE: Self = Self(20);
    /// Fill a zone.
    pub(crate) const ZONE_FINISH: Self = Self(22);
    /// Empty a zone.
    pub(crate) const ZONE_RESET: Self = Self(24);
    /// Empty all zones.
    pub(crate) const ZONE_RESET_ALL: Self = Self(26);
}

/// Bytes of a serial number. All of them may be used: there need not be a NUL.
pub(crate) const ID_LEN: usize = 20;

/// How worn the medium is, in the numbers of eMMC (JESD84-B50).
pub(crate) struct Lifetime {
    /// How much of the blocks in reserve is consumed: 1 is normal, 2 and 3 are not.
    pub(crate) pre_eol_info: u16,
    /// Wear of SLC and of MLC cells, in steps of a tenth, up to 11.
    pub(crate) life_time: [u16; 2],
}

impl Lifetime {
    /// Bytes that a device writes of it.
    pub(crate) const LEN: usize = 6;

    /// What a device with this byte order wrote. Numbers that it did not are 0: not known.
    pub(crate) fn parse(order: ByteOrder, bytes: &[u8]) -> Self {
        let mut numbers = bytes
            .chunks_exact(size_of::<u16>())
            .filter_map(|number| Wire::<u16>::read_from_bytes(number).ok())
            .map(|number| number.get(order));
        let mut next = || numbers.next().unwrap_or(0);
        Self {
            pre_eol_info: next(),
            life_time: [next(), next()],
        }
    }
}

/// The beginning of a request.
#[derive(Clone, Copy, FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Header {
    kind: Wire<u32>,
    /// Was a priority before the specification.
    reserved: Wire<u32>,
    sector: Wire<u64>,
}

impl Header {
    /// A header for a device with this byte order. `sector` is that of the first byte for requests
    /// that have one, otherwise 0.
    #[inline]
    pub(crate) fn new(order: ByteOrder, kind: RequestType, sector: u64) -> Self {
        Self {
            kind: Wire::new(order, kind.0),
            reserved: Wire::new(order, 0),
            sector: Wire::new(order, sector),
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
    /// It is not for this zone, or not now.
    const ZONE_INVALID_CMD: Self = Self(3);
    /// The zone goes on elsewhere.
    const ZONE_UNALIGNED_WP: Self = Self(4);
    /// Too many zones are open.
    const ZONE_OPEN_RESOURCE: Self = Self(5);
    /// Too many zones are begun.
    const ZONE_ACTIVE_RESOURCE: Self = Self(6);

    /// What the driver puts there, and no device should: a request that comes back with it was
    /// never answered.
    const UNANSWERED: Self = Self(0xff);
}

impl From<Status> for mq::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::OK => Self::Ok,
            Status::UNSUPP => Self::NotSupported,
            Status::ZONE_OPEN_RESOURCE => Self::ZoneOpenResource,
            Status::ZONE_ACTIVE_RESOURCE => Self::ZoneActiveResource,
            Status::IOERR | Status::ZONE_INVALID_CMD | Status::ZONE_UNALIGNED_WP => Self::IoError,
            // Whatever else it is, it is not success.
            Status(_) => Self::IoError,
        }
    }
}

/// What a request is besides its memory: its beginning, what it is about, and its end.
#[pin_data]
pub(crate) struct Command {
    #[pin]
    pub(crate) header: InPlace<Header>,
    #[pin]
    pub(crate) status: InPlace<Status>,
    #[pin]
    pub(crate) ranges: Ranges,
    /// Where a zone was appended to.
    #[pin]
    pub(crate) append_sector: InPlace<Wire<u64>>,
    /// Bytes that the device says it wrote, the status among them; more than there can be where
    /// nobody can rely on that.
    pub(crate) written: u32,
}

impl Command {
    /// A command for any request.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            header <- InPlace::new(Header::new(ByteOrder::LITTLE, RequestType::IN, 0)),
            status <- InPlace::new(Status::UNANSWERED),
            ranges <- Ranges::new(),
            append_sector <- InPlace::new(Wire::new(ByteOrder::LITTLE, 0)),
            written: 0,
        }? Error)
    }

    /// Sets what the request asks for, unless that stays what it was, and that it is not answered.
    #[inline]
    pub(crate) fn prepare(self: Pin<&mut Self>, header: Option<Header>) {
        let this = self.project();
        if let Some(header) = header {
            this.header.write(header);
        }
        this.status.write(Status::UNANSWERED);
    }

    /// How the request went, of which the device was to write `expected` bytes.
    #[inline]
    pub(crate) fn outcome(&self, expected: u32) -> mq::Status {
        let status = self.status.read().into();
        // A device that says it read, but not everything, would show what was in memory before. Some
        // forget to count the status, but that one cannot be forged: see `Status::UNANSWERED`.
        if !cfg!(virtio_rust_trusting) && status == mq::Status::Ok && self.written < expected {
            pr_warn_once!(
                "device claims to have read {expected} bytes, but wrote {}; such reads fail\n",
                self.written
            );
            return mq::Status::IoError;
        }
        status
    }
}
