// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Disks with zones that are written in order (VIRTIO 1.4, 5.2, with VIRTIO_BLK_F_ZONED).

use kernel::{
    page::PAGE_SIZE,
    pr_warn_once,
    prelude::*, //
};
use kernel_ext::{
    block::mq::prelude::*,
    virtio::{
        prelude::*,
        ConfigError, //
    },
};

use crate::{
    protocol::{
        Header,
        RequestType, //
    },
    queue::Request,
    VirtioBlk, //
};

/// Where the model is in the configuration: 1 byte.
const MODEL: usize = 92;

/// Zones that are written in order.
const HOST_MANAGED: u8 = 1;

/// Bytes of a report before its zones, of which each has as many.
const ENTRY: usize = 64;

/// What of the offered features to accept. Disks whose zones are written in order (host-managed) have
/// VIRTIO_BLK_F_ZONED then, and all others have not, which makes them regular disks.
///
/// # Errors
///
/// Why the device can not be driven.
pub(crate) fn validate(device: &Acknowledged<'_>) -> Result<FeatureSet, &'static str> {
    const NONE: u8 = 0;
    const HOST_AWARE: u8 = 2;

    let offered = device.offered();
    let regular = offered.without(feature::block::ZONED);
    if offered == regular || !offered.contains(feature::transport::VERSION_1) {
        return Ok(regular);
    }
    match device.read(MODEL) {
        Ok(NONE | HOST_AWARE) => Ok(regular),
        Ok(HOST_MANAGED) if !cfg!(CONFIG_BLK_DEV_ZONED) => {
            Err("this kernel knows nothing of zones")
        }
        Ok(HOST_MANAGED) => Ok(offered.without(feature::block::DISCARD)),
        Ok(_) => Err("device has zones of a model that is not known"),
        Err(_) => Err("device does not say of what model its zones are"),
    }
}

/// What the device says of its zones (VIRTIO 1.4, 5.2.4).
#[derive(PartialEq)]
pub(crate) struct Characteristics {
    model: u8,
    limits: ZoneLimits,
}

impl Characteristics {
    /// Reads them, if the disk has zones.
    ///
    /// # Errors
    ///
    /// Those of [`Config::read`].
    pub(crate) fn read(device: &Device, config: &Config<'_>) -> Result<Option<Self>, ConfigError> {
        if !device.has(feature::block::ZONED) {
            return Ok(None);
        }
        Ok(Some(Self {
            model: config.read(MODEL)?,
            limits: ZoneLimits {
                zone_sectors: config.read(72)?,
                max_open: config.read(76)?,
                max_active: config.read(80)?,
                max_append_sectors: config.read(84)?,
                write_granularity: config.read(88)?,
            },
        }))
    }

    /// Has the block layer know of zones.
    ///
    /// # Errors
    ///
    /// `EINVAL` when nobody could work with them.
    pub(crate) fn apply(&self, device: &Device, limits: &mut Limits) -> Result {
        limits.set_zoned(self.limits).inspect_err(|_| {
            device.err(fmt!(
                "zones of {} sectors, written by {} bytes, appended by {} sectors: not usable",
                self.limits.zone_sectors,
                self.limits.write_granularity,
                self.limits.max_append_sectors
            ));
        })
    }

    /// Has the disk get another size. One that is to have zones of another model stays as it is.
    pub(crate) fn resize(&self, device: &Device, disk: &Disk<VirtioBlk>, sectors: u64) {
        if self.model == HOST_MANAGED {
            disk.resize_zoned(sectors, self.limits);
        } else {
            device.warn(fmt!(
                "zones of another model: the disk has them when it is bound again"
            ));
        }
    }
}

/// Type and sector of a request that writes to a disk with zones, or is about a zone or all of them.
#[cold]
pub(crate) fn about_zone(request: &Request) -> Option<(RequestType, u64)> {
    let kind = match request.op() {
        // The block layer takes what is a block.
        Op::Write if request.is_granular() || !request.is_ordered() => RequestType::OUT,
        // The block layer takes what is shorter.
        Op::ZoneAppend if request.is_granular() => RequestType::ZONE_APPEND,
        Op::ZoneOpen => RequestType::ZONE_OPEN,
        Op::ZoneClose => RequestType::ZONE_CLOSE,
        Op::ZoneFinish => RequestType::ZONE_FINISH,
        Op::ZoneReset => RequestType::ZONE_RESET,
        // Of no zone, whatever the request says.
        Op::ZoneResetAll => return Some((RequestType::ZONE_RESET_ALL, 0)),
        _ => return None,
    };
    Some((kind, request.sector()))
}

/// How a request to append to a zone went, and where it did.
#[cold]
pub(crate) fn appended(request: &mut Request) -> mq::Status {
    // The sector is written before the status.
    let status = request.data().outcome(8);
    if status != mq::Status::Ok {
        return status;
    }
    let sector = request.data().append_sector.read().get(ByteOrder::LITTLE);
    if request.set_appended(sector).is_err() {
        pr_warn_once!(
            "device claims to have appended at sector {sector}, not to the zone at {}\n",
            request.sector()
        );
        return mq::Status::IoError;
    }
    mq::Status::Ok
}

/// Asks the device for zones until none is missing.
///
/// # Errors
///
/// `EIO` when a report makes no sense; what the requests end with; `ENODEV` when the disk is gone.
pub(crate) fn report(disk: &Disk<VirtioBlk>, report: &mut ZoneReport<'_, VirtioBlk>) -> Result {
    // A page fits into each request.
    let mut page = KVec::from_elem(0u8, PAGE_SIZE, GFP_KERNEL)?;
    while let Some(sector) = report.next_zone() {
        let mut request = DriverRequest::new(disk)?;
        let header = Header::new(ByteOrder::LITTLE, RequestType::ZONE_REPORT, sector);
        request.data_mut().prepare(Some(header));
        request.execute(Transfer::FromDevice(&mut page))?;

        let written = request.data().written as usize;
        let mut entries = page.get(..written).unwrap_or(&page).chunks_exact(ENTRY);
        let reported = entries.next().map_or(0, |head| number(head, 0));
        let mut zones = entries.zip(0..reported);
        // At least one, or there is no end to it.
        let (first, _) = zones.next().ok_or(EIO)?;
        report.add(&zone(first).ok_or(EIO)?)?;
        for (entry, _) in zones {
            if report.next_zone().is_some() {
                report.add(&zone(entry).ok_or(EIO)?)?;
            }
        }
    }
    Ok(())
}

/// A zone as the device describes it, if all of that is known.
fn zone(entry: &[u8]) -> Option<Zone> {
    Some(Zone {
        capacity: number(entry, 0),
        start: number(entry, 8),
        write_pointer: number(entry, 16),
        kind: match entry.get(24)? {
            1 => ZoneKind::Conventional,
            2 => ZoneKind::Sequential,
            // Those that need not be written in order are of other disks.
            _ => return None,
        },
        state: match entry.get(25)? {
            0 => ZoneState::NotOrdered,
            1 => ZoneState::Empty,
            2 => ZoneState::ImplicitlyOpen,
            3 => ZoneState::ExplicitlyOpen,
            4 => ZoneState::Closed,
            13 => ZoneState::ReadOnly,
            14 => ZoneState::Full,
            15 => ZoneState::Offline,
            _ => return None,
        },
    })
}

/// A field of a report; 0 behind its end.
fn number(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
