// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Requests about ranges of sectors, without their data: to discard them, to erase them for good, to
//! fill them with zeroes (VIRTIO 1.4, 5.2.6).

use kernel::prelude::*;
use kernel_ext::{
    block::mq::prelude::*,
    dma::{
        InPlace,
        Segment, //
    },
    virtio::{
        prelude::*,
        ConfigError,
        Wire, //
    },
};

use crate::queue::Request;

/// Ranges of a request at most. Each takes 16 bytes of every request that there can be, and most
/// devices take one.
const MAX_RANGES: u16 = 8;

/// A range as the device wants it.
#[derive(Clone, Copy, FromBytes, IntoBytes)]
#[repr(C)]
struct Range {
    sector: Wire<u64>,
    num_sectors: Wire<u32>,
    flags: Wire<u32>,
}

impl Range {
    /// Of a range that is filled with zeroes: it may lose its place on the medium.
    const UNMAP: u32 = 1;

    /// What is to become ranges.
    fn none() -> [Self; MAX_RANGES as usize] {
        let nothing = SectorRange {
            sector: 0,
            sectors: 0,
        };
        [Self::new(ByteOrder::LITTLE, nothing, 0); MAX_RANGES as usize]
    }

    /// The range for a device with this byte order.
    fn new(order: ByteOrder, range: SectorRange, flags: u32) -> Self {
        Self {
            sector: Wire::new(order, range.sector),
            num_sectors: Wire::new(order, range.sectors),
            flags: Wire::new(order, flags),
        }
    }
}

/// The ranges of a request; none but for requests about ranges.
#[pin_data]
pub(crate) struct Ranges {
    #[pin]
    ranges: InPlace<[Range; MAX_RANGES as usize]>,
    len: usize,
}

impl Ranges {
    /// No ranges.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            ranges <- InPlace::new(Range::none()),
            len: 0,
        }? Error)
    }

    /// Makes the ranges of `request` those that it is about. Zeroes may lose their place on the medium
    /// if `may_unmap`.
    #[cold]
    pub(crate) fn prepare(order: ByteOrder, request: &mut Request, may_unmap: bool) {
        let flags = match request.op() {
            Op::WriteZeroes if may_unmap && request.may_unmap() => Range::UNMAP,
            _ => 0,
        };
        let mut ranges = Range::none();
        let mut len = 0usize;
        // No more than `RangeLimits::apply` has said.
        for (place, range) in ranges.iter_mut().zip(request.ranges()) {
            *place = Range::new(order, range, flags);
            len = len.wrapping_add(1);
        }
        let this = request.data_mut().project().ranges.project();
        this.ranges.write(ranges);
        *this.len = len;
    }

    /// The ranges for the device to read, if the request is about any: once.
    #[inline]
    pub(crate) fn take(self: Pin<&mut Self>) -> Option<Segment<'_>> {
        let this = self.project();
        match core::mem::take(this.len) {
            0 => None,
            len => Some(this.ranges.first(len)),
        }
    }
}

/// How many sectors and ranges a request may be about; 0 where the device does not say.
#[derive(PartialEq)]
struct Bounds {
    sectors: u32,
    ranges: u32,
    /// Sectors of a unit that the device works in.
    unit: u32,
}

/// What can be done to ranges, and to how many. [`None`] is what the device cannot do.
#[derive(PartialEq)]
pub(crate) struct RangeLimits {
    discard: Option<Bounds>,
    write_zeroes: Option<u32>,
    secure_erase: Option<Bounds>,
    /// Whether zeroes may lose their place on the medium.
    pub(crate) may_unmap: bool,
}

impl RangeLimits {
    /// Reads what the device says (VIRTIO 1.4, 5.2.4).
    ///
    /// # Errors
    ///
    /// Those of [`Config::read`].
    pub(crate) fn read(device: &Device, config: &Config<'_>) -> Result<Self, ConfigError> {
        let bounds = |feature, offset| match device.has(feature) {
            false => Ok(None),
            true => Ok(Some(Bounds {
                sectors: config.read(offset)?,
                ranges: config.read(offset.wrapping_add(4))?,
                unit: config.read(offset.wrapping_add(8))?,
            })),
        };
        let zeroes = device.has(feature::block::WRITE_ZEROES);
        Ok(Self {
            discard: bounds(feature::block::DISCARD, 36)?,
            write_zeroes: config.optional(zeroes, 48)?,
            secure_erase: bounds(feature::block::SECURE_ERASE, 60)?,
            may_unmap: config.optional(zeroes, 56)?.unwrap_or(0u8) != 0,
        })
    }

    /// Sets what the block layer may ask for. What makes no sense it is not to ask for.
    pub(crate) fn apply(&self, device: &Device, limits: &mut Limits) {
        // A device that says nothing takes as much as there can be, as the C driver has it.
        let all = |sectors| match sectors {
            0 => u32::MAX,
            sectors => sectors,
        };
        let usable = |what: &str, result: Result| {
            if result.is_err() {
                device.warn(fmt!("limits of {what} make no sense; not used"));
            }
        };
        if let Some(discard) = &self.discard {
            // The block layer has one unit for what is discarded and erased.
            let unit = match &self.secure_erase {
                Some(Bounds { unit, .. }) if *unit != 0 && discard.unit != 0 => {
                    discard.unit.min(*unit)
                }
                _ => discard.unit,
            };
            let granularity = unit.checked_mul(SECTOR_SIZE).unwrap_or(0);
            let ranges = u16::try_from(discard.ranges).unwrap_or(u16::MAX);
            let sectors = all(discard.sectors);
            usable(
                "discard",
                limits.set_discard(sectors, granularity, ranges.min(MAX_RANGES)),
            );
        }
        if let Some(sectors) = self.write_zeroes {
            usable("write zeroes", limits.set_write_zeroes(all(sectors)));
        }
        if let Some(erase) = &self.secure_erase {
            // Here all three are to be there.
            let sectors = match erase {
                Bounds { ranges: 0, .. } | Bounds { unit: 0, .. } => 0,
                Bounds { sectors, .. } => *sectors,
            };
            usable("secure erase", limits.set_secure_erase(sectors));
        }
    }
}
