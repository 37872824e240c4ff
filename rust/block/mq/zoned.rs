// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Zones: disks that are written from the beginning of each zone to its end (host-managed).

#[cfg(CONFIG_BLK_DEV_ZONED)]
use kernel::error::{
    from_result,
    to_result, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    pr_warn_once,
    prelude::*, //
};

use super::{
    disk::Disk,
    limits::Limits,
    operations::Operations, //
};
use crate::block::{
    SECTOR_SHIFT,
    SECTOR_SIZE, //
};

/// The most zones of a disk: the kernel has a byte for each, in one piece of memory.
const MAX_ZONES: u64 = 1 << 20;

/// The most zones that users are told to write to at a time: the kernel sets memory aside for each.
const MAX_OPEN: u32 = 1024;

/// What the hardware says of its zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneLimits {
    /// Sectors of a zone; the last one may have less.
    pub zone_sectors: u32,
    /// Zones that may be open at a time; 0: any number.
    pub max_open: u32,
    /// Zones that may be begun and not full at a time; 0: any number.
    pub max_active: u32,
    /// Sectors that may be appended at a time; 0: the hardware does not know how to append, and the
    /// block layer does without.
    pub max_append_sectors: u32,
    /// What is written begins at a multiple of so many bytes, and is as long as one.
    pub write_granularity: u32,
}

impl Limits {
    /// Makes the disk one with zones. Block sizes and the topology are to be set before.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the sizes are no powers of two or do not fit into each other, and in a kernel that
    /// knows nothing of zones.
    pub fn set_zoned(&mut self, zones: ZoneLimits) -> Result {
        let raw = self.as_raw();
        let granularity = zones.write_granularity;
        let zone_bytes = u64::from(zones.zone_sectors) << SECTOR_SHIFT;
        // What is written is a block at least.
        let unit = granularity.max(raw.logical_block_size);
        if !cfg!(CONFIG_BLK_DEV_ZONED)
            || !zones.zone_sectors.is_power_of_two()
            || !granularity.is_power_of_two()
            || granularity < SECTOR_SIZE
            || zone_bytes < u64::from(unit)
            || zone_bytes < PAGE_SIZE as u64
        {
            return Err(EINVAL);
        }
        let unit_sectors = unit >> SECTOR_SHIFT;
        let append = zones.max_append_sectors & !unit_sectors.wrapping_sub(1);
        if append == 0 && zones.max_append_sectors != 0 {
            return Err(EINVAL);
        }
        let active = zones.max_active.min(MAX_OPEN);
        // What is open is active as well.
        let open = match active {
            0 => zones.max_open.min(MAX_OPEN),
            active => zones.max_open.min(active),
        };

        raw.features |= crate::bindings::BLK_FEAT_ZONED;
        raw.chunk_sectors = zones.zone_sectors;
        raw.max_open_zones = open;
        raw.max_active_zones = active;
        raw.max_hw_zone_append_sectors = append;
        raw.zone_write_granularity = granularity;
        raw.physical_block_size = granularity;
        raw.io_min = granularity;
        Ok(())
    }
}

/// What a zone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneKind {
    /// Written anywhere.
    Conventional,
    /// Written in order.
    Sequential,
}

/// What a zone is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneState {
    /// It has no order of writing: conventional zones.
    NotOrdered,
    /// Nothing is written.
    Empty,
    /// Opened by being written.
    ImplicitlyOpen,
    /// Opened by a request to.
    ExplicitlyOpen,
    /// Begun, and not open.
    Closed,
    /// No more can be written.
    Full,
    /// It can only be read.
    ReadOnly,
    /// It can not even be read.
    Offline,
}

/// What the hardware reports of a zone, in sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The first one.
    pub start: u64,
    /// How many can be written.
    pub capacity: u64,
    /// Where the next write goes, while the zone is open or closed.
    pub write_pointer: u64,
    /// What it is.
    pub kind: ZoneKind,
    /// What it is in.
    pub state: ZoneState,
}

/// A report of zones that somebody wants, for [`Operations::report_zones`] to fill in.
pub struct ZoneReport<'a, O: Operations> {
    disk: &'a Disk<O>,
    args: *mut bindings::blk_report_zones_args,
    zone_sectors: u64,
    capacity: u64,
    /// Where the next zone begins.
    next: u64,
    reported: u32,
    wanted: u32,
}

impl<O: Operations> ZoneReport<'_, O> {
    /// Where the next zone begins that is to be reported. [`None`]: nothing is missing.
    pub fn next_zone(&self) -> Option<u64> {
        (self.reported < self.wanted && self.next < self.capacity).then_some(self.next)
    }

    /// Reports a zone, which is to begin at [`Self::next_zone`].
    ///
    /// # Errors
    ///
    /// `EIO` when it does not, or makes no sense otherwise, and when none is missing; what the block
    /// layer thinks of it.
    pub fn add(&mut self, zone: &Zone) -> Result {
        let len = self.zone_len(zone).ok_or(EIO).inspect_err(|_| {
            pr_warn_once!("a report of zones makes no sense: {zone:?}\n");
        })?;
        self.tell(zone, len)?;
        // Inside of the disk, and no more than were wanted.
        self.next = self.next.wrapping_add(len);
        self.reported = self.reported.wrapping_add(1);
        Ok(())
    }

    /// Sectors of a zone, if it makes sense.
    fn zone_len(&self, zone: &Zone) -> Option<u64> {
        let start = self.next_zone()?;
        let len = self.capacity.wrapping_sub(start).min(self.zone_sectors);
        let is_ordered = zone.state != ZoneState::NotOrdered;
        let is_sound = zone.start == start
            && (1..=len).contains(&zone.capacity)
            && is_ordered == (zone.kind == ZoneKind::Sequential);
        let written = zone.write_pointer.checked_sub(start);
        let is_inside = match zone.state {
            ZoneState::ImplicitlyOpen | ZoneState::ExplicitlyOpen | ZoneState::Closed => {
                written.is_some_and(|written| written <= zone.capacity)
            }
            // The others have none, or it is known.
            _ => true,
        };
        (is_sound && is_inside).then_some(len)
    }

    /// Tells the block layer of a zone of so many sectors.
    #[cfg(CONFIG_BLK_DEV_ZONED)]
    fn tell(&self, zone: &Zone, len: u64) -> Result {
        let kind = match zone.kind {
            ZoneKind::Conventional => bindings::blk_zone_type_BLK_ZONE_TYPE_CONVENTIONAL,
            ZoneKind::Sequential => bindings::blk_zone_type_BLK_ZONE_TYPE_SEQWRITE_REQ,
        };
        let state = match zone.state {
            ZoneState::NotOrdered => bindings::blk_zone_cond_BLK_ZONE_COND_NOT_WP,
            ZoneState::Empty => bindings::blk_zone_cond_BLK_ZONE_COND_EMPTY,
            ZoneState::ImplicitlyOpen => bindings::blk_zone_cond_BLK_ZONE_COND_IMP_OPEN,
            ZoneState::ExplicitlyOpen => bindings::blk_zone_cond_BLK_ZONE_COND_EXP_OPEN,
            ZoneState::Closed => bindings::blk_zone_cond_BLK_ZONE_COND_CLOSED,
            ZoneState::Full => bindings::blk_zone_cond_BLK_ZONE_COND_FULL,
            ZoneState::ReadOnly => bindings::blk_zone_cond_BLK_ZONE_COND_READONLY,
            ZoneState::Offline => bindings::blk_zone_cond_BLK_ZONE_COND_OFFLINE,
        };
        let mut raw = bindings::blk_zone {
            start: zone.start,
            len,
            wp: match zone.state {
                ZoneState::Empty => zone.start,
                ZoneState::Full => zone.start.wrapping_add(len),
                ZoneState::NotOrdered | ZoneState::ReadOnly | ZoneState::Offline => u64::MAX,
                _ => zone.write_pointer,
            },
            // CAST: Both are constants that fit into a byte.
            type_: kind as u8,
            cond: state as u8,
            capacity: zone.capacity,
            ..pin_init::zeroed()
        };
        // SAFETY: `report_zones_callback` was given both, and is still running.
        to_result(unsafe {
            bindings::disk_report_zone(self.disk.as_raw(), &mut raw, self.reported, self.args)
        })
    }

    /// Nobody asks.
    #[cfg(not(CONFIG_BLK_DEV_ZONED))]
    fn tell(&self, _zone: &Zone, _len: u64) -> Result {
        let _ = (self.disk, self.args);
        Err(ENOTSUPP)
    }
}

/// Whether a disk may have so many zones.
pub(super) fn is_count(zones: u64) -> bool {
    zones <= MAX_ZONES
}

/// Looks at the zones of a disk, if it has some.
///
/// # Errors
///
/// `EINVAL` when it has too many, those of [`Operations::report_zones`], and `ENODEV` when the block
/// layer can not work with them.
///
/// # Safety
///
/// `disk` must be a disk that requests can be sent to, with a name. Nobody else may change its limits
/// or its size meanwhile.
pub(super) unsafe fn revalidate(disk: *mut bindings::gendisk) -> Result {
    // SAFETY: By the requirement of this function.
    let (limits, sectors) = unsafe {
        let sectors = (*(*disk).part0).bd_nr_sectors;
        (&raw const (*(*disk).queue).limits, sectors)
    };
    // SAFETY: As above.
    let (features, zone_sectors) = unsafe { ((*limits).features, (*limits).chunk_sectors) };
    if features & crate::bindings::BLK_FEAT_ZONED == 0 {
        return Ok(());
    }
    let zones = sectors.checked_div(zone_sectors.into());
    if !zones.is_some_and(is_count) {
        return Err(EINVAL);
    }
    #[cfg(CONFIG_BLK_DEV_ZONED)]
    // SAFETY: As above.
    to_result(unsafe { bindings::blk_revalidate_disk_zones(disk) })?;
    Ok(())
}

/// Called when somebody wants to know of zones, also after the disk was removed.
///
/// # Safety
///
/// To be called by the block layer only, with a disk with the operations of `O` that is being added,
/// or was.
#[cfg(CONFIG_BLK_DEV_ZONED)]
pub(super) unsafe extern "C" fn report_zones_callback<O: Operations>(
    disk: *mut bindings::gendisk,
    sector: bindings::sector_t,
    nr_zones: c_uint,
    args: *mut bindings::blk_report_zones_args,
) -> c_int {
    from_result(|| {
        // SAFETY: By the requirement of this function.
        let disk = unsafe { Disk::<O>::from_raw(disk) };
        let zone_sectors = disk.zone_sectors().ok_or(ENOTSUPP)?;
        let zone_sectors = u64::from(zone_sectors.get());
        let mut report = ZoneReport {
            disk,
            args,
            zone_sectors,
            capacity: disk.capacity(),
            // A power of two; the remainder is no more than what it is taken from.
            next: sector.wrapping_sub(sector % zone_sectors),
            reported: 0,
            wanted: nr_zones,
        };
        O::report_zones(disk, &mut report)?;
        Ok(c_int::try_from(report.reported)?)
    })
}
