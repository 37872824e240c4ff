// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Zones that are written in order (5.2.6): their states, and what is wrong with requests.

use super::{
    config,
    SECTOR, //
};
use device::Chain;

/// Sectors of a zone, and how many of them can be written.
pub const ZONE: u64 = 8192;
const CAPACITY: u64 = 6144;
/// Zones that can be open, and those that can be begun and not full.
const MAX_OPEN: u32 = 4;
const MAX_ACTIVE: u32 = 6;
/// Sectors of a request to append at most.
const MAX_APPEND: u32 = 128;
/// Bytes of what is written.
const GRANULARITY: u32 = 4096;
/// The first zones, where some are conventional.
const CONVENTIONAL: u64 = 2;
/// Zones of a disk that is to grow.
pub const FEW: u64 = 8;
/// The most zones that a disk grows to.
const MOST: u64 = 64;

/// What a zone is in (5.2.6).
mod state {
    pub const NOT_WP: u8 = 0;
    pub const EMPTY: u8 = 1;
    pub const IMPLICIT: u8 = 2;
    pub const EXPLICIT: u8 = 3;
    pub const CLOSED: u8 = 4;
    pub const FULL: u8 = 14;
}

/// How requests end (5.2.6).
mod status {
    pub const OK: u8 = 0;
    pub const IOERR: u8 = 1;
    pub const INVALID: u8 = 3;
    pub const UNALIGNED: u8 = 4;
    pub const OPEN: u8 = 5;
    pub const ACTIVE: u8 = 6;
}

/// What is otherwise, as a scenario says in the configuration where nobody looks (5.2.4: `unused2`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Variant {
    /// Nothing.
    #[default]
    Good = 0,
    /// The first zones are conventional.
    Mixed,
    /// A report is of more zones than anything.
    Many,
    /// A report is of none.
    None,
    /// All zones are the first one.
    NoProgress,
    /// A zone is behind the end.
    Outside,
    /// A zone does not begin where the one before ends.
    Unaligned,
    /// A write pointer is in another zone.
    PointerOutside,
    /// More can be written than the zone has.
    Large,
    /// A zone can not be written at all.
    NoCapacity,
    /// Zones of a type that is none.
    Type,
    /// Zones that need not be written in order.
    Preferred,
    /// A state that is none.
    State,
    /// An empty zone that has no order.
    Unordered,
    /// What was appended is in another zone.
    Elsewhere,
    /// What was appended is at the end of everything.
    Nowhere,
    /// A zone that the disk has grown by does not begin where the one before ends.
    Late,
    /// What the disk has grown by is not reported before it was reset.
    Silent,
}

impl Variant {
    /// All of them.
    const ALL: [Self; 18] = [
        Self::Good,
        Self::Mixed,
        Self::Many,
        Self::None,
        Self::NoProgress,
        Self::Outside,
        Self::Unaligned,
        Self::PointerOutside,
        Self::Large,
        Self::NoCapacity,
        Self::Type,
        Self::Preferred,
        Self::State,
        Self::Unordered,
        Self::Elsewhere,
        Self::Nowhere,
        Self::Late,
        Self::Silent,
    ];

    /// The one that a configuration asks for.
    fn of(bytes: &[u8]) -> Self {
        let number = bytes.get(config::ZONES + 21).copied().unwrap_or(0);
        *Self::ALL.get(usize::from(number)).unwrap_or(&Self::Good)
    }
}

/// Writes into a configuration that there are zones (5.2.4).
pub fn configure(bytes: &mut [u8], variant: Variant) {
    let Some(zones) = bytes.get_mut(config::ZONES..config::END) else {
        return;
    };
    let words = [ZONE as u32, MAX_OPEN, MAX_ACTIVE, MAX_APPEND, GRANULARITY];
    for (place, word) in zones.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    zones[20] = 1;
    zones[21] = variant as u8;
}

/// A zone.
#[derive(Clone, Copy)]
struct Zone {
    state: u8,
    /// Sectors that are written.
    written: u64,
}

/// The zones of a disk.
pub struct Zones {
    zones: Vec<Zone>,
    variant: Variant,
    /// Whether it was reset since there are so many.
    is_reset: bool,
}

/// A zone with nothing in it.
const EMPTY: Zone = Zone {
    state: state::EMPTY,
    written: 0,
};

impl Zones {
    /// The zones of an empty disk of so many sectors.
    pub fn new(sectors: u64) -> Self {
        let count = usize::try_from(sectors / ZONE).unwrap_or(0);
        Self {
            zones: vec![EMPTY; count],
            variant: Variant::Good,
            is_reset: false,
        }
    }

    /// Looks at the configuration.
    pub fn settle(&mut self, config: &[u8]) {
        self.variant = Variant::of(config);
        let capacity = config.first_chunk().map_or(0, |it| u64::from_le_bytes(*it));
        let count = usize::try_from(MOST.min(capacity / ZONE)).unwrap_or(0);
        if count != self.zones.len() {
            self.zones.resize(count, EMPTY);
            self.is_reset = false;
        }
    }

    /// The device was reset.
    pub fn reset(&mut self) {
        self.is_reset = true;
    }

    /// Whether it is not to report its zones.
    pub fn is_silent(&self) -> bool {
        let is_grown = self.zones.len() as u64 > FEW;
        self.variant == Variant::Silent && is_grown && !self.is_reset
    }

    /// Whether requests of this type are about zones.
    pub fn has(kind: u32) -> bool {
        matches!(kind, 15 | 16 | 18 | 20 | 22 | 24 | 26)
    }

    /// Whether a zone is written in order.
    fn is_ordered(&self, zone: u64) -> bool {
        self.variant != Variant::Mixed || zone >= CONVENTIONAL
    }

    /// The zone that a sector is in.
    fn zone(&mut self, sector: u64) -> Option<&mut Zone> {
        self.zones.get_mut(usize::try_from(sector / ZONE).ok()?)
    }

    /// What is wrong with a request (5.2.6.1).
    pub fn check(&self, kind: u32, sector: u64, chain: &Chain) -> Result<(), String> {
        let (out, room) = (chain.readable - 16, chain.writable - 1);
        let unit = u64::from(GRANULARITY);
        let is_start = sector % ZONE == 0 && sector / ZONE < self.zones.len() as u64;
        let ordered = self.is_ordered(sector / ZONE);
        let last = sector + out.max(SECTOR) / SECTOR - 1;
        let what = match kind {
            1 if !ordered => return Ok(()),
            1 if out % unit != 0 || sector * SECTOR % unit != 0 => "of no unit",
            1 if last / ZONE != sector / ZONE || last % ZONE >= CAPACITY => "beyond the zone",
            15 if !is_start || !ordered => "at no zone",
            15 if out == 0 || out % unit != 0 => "of no unit",
            15 if out > u64::from(MAX_APPEND) * SECTOR => "too long",
            15 if room != 8 => "with another tail",
            16 if sector / ZONE >= self.zones.len() as u64 => "behind the end",
            16 if out != 0 || room < 64 => "with other data",
            18 | 20 | 22 | 24 if !is_start => "at no zone",
            26 if sector != 0 => "at a sector",
            18 | 20 | 22 | 24 | 26 if (out, room) != (0, 0) => "with data",
            _ => return Ok(()),
        };
        Err(format!("request of type {kind} at sector {sector} {what}"))
    }

    /// How many zones are in one of these states.
    fn count(&self, states: &[u8]) -> u32 {
        let zones = self.zones.iter();
        zones
            .filter(|zone| states.contains(&zone.state))
            .count()
            .try_into()
            .unwrap_or(u32::MAX)
    }

    /// Opens a zone. The status if it can not be.
    fn open(&mut self, sector: u64, to: u8) -> Result<(), u8> {
        use self::state::*;
        let from = self.zone(sector).ok_or(status::IOERR)?.state;
        match from {
            EXPLICIT => return Ok(()),
            IMPLICIT if to == IMPLICIT => return Ok(()),
            EMPTY | IMPLICIT | CLOSED => {}
            _ => return Err(status::INVALID),
        }
        if from == EMPTY && self.count(&[IMPLICIT, EXPLICIT, CLOSED]) >= MAX_ACTIVE {
            return Err(status::ACTIVE);
        }
        if from != IMPLICIT && self.count(&[IMPLICIT, EXPLICIT]) >= MAX_OPEN {
            let mut others = self.zones.iter_mut();
            let other = others.find(|zone| zone.state == IMPLICIT);
            other.ok_or(status::OPEN)?.state = CLOSED;
        }
        self.zone(sector).ok_or(status::IOERR)?.state = to;
        Ok(())
    }

    /// Has so many bytes written at a sector, or at the end of its zone. Where they go.
    ///
    /// # Errors
    ///
    /// The status.
    pub fn write(&mut self, append: bool, sector: u64, len: usize) -> Result<u64, u8> {
        if !self.is_ordered(sector / ZONE) {
            return if append {
                Err(status::INVALID)
            } else {
                Ok(sector)
            };
        }
        let start = sector - sector % ZONE;
        let sectors = len as u64 / SECTOR;
        let zone = *self.zone(sector).ok_or(status::IOERR)?;
        let at = start + zone.written;
        if !append && sector != at {
            return Err(status::UNALIGNED);
        }
        if zone.written + sectors > CAPACITY {
            return Err(status::INVALID);
        }
        self.open(sector, state::IMPLICIT)?;
        let zone = self.zone(sector).ok_or(status::IOERR)?;
        zone.written += sectors;
        if zone.written == CAPACITY {
            zone.state = state::FULL;
        }
        Ok(at)
    }

    /// Where the driver is told that something was appended that is there.
    pub fn told(&self, sector: u64) -> u64 {
        match self.variant {
            Variant::Elsewhere => sector + ZONE,
            Variant::Nowhere => u64::MAX,
            _ => sector,
        }
    }

    /// Does something with a zone, or with all. How that ends.
    pub fn manage(&mut self, kind: u32, sector: u64) -> u8 {
        use self::state::*;
        if kind == 26 {
            for number in 0..self.zones.len() as u64 {
                if self.is_ordered(number) {
                    self.manage(24, number * ZONE);
                }
            }
            return status::OK;
        }
        if !self.is_ordered(sector / ZONE) {
            return status::INVALID;
        }
        if kind == 18 {
            return self.open(sector, EXPLICIT).err().unwrap_or(status::OK);
        }
        let Some(zone) = self.zone(sector) else {
            return status::IOERR;
        };
        match (kind, zone.state) {
            (20, IMPLICIT | EXPLICIT) if zone.written == 0 => zone.state = EMPTY,
            (20, IMPLICIT | EXPLICIT) => zone.state = CLOSED,
            (20, CLOSED) => {}
            (22, _) => zone.state = FULL,
            (24, _) => {
                zone.state = EMPTY;
                zone.written = 0;
            }
            _ => return status::INVALID,
        }
        status::OK
    }

    /// A report of the zones from a sector on, in so many bytes.
    pub fn report(&self, sector: u64, room: u64) -> Vec<u8> {
        let first = sector / ZONE;
        let most = usize::try_from(room / 64).unwrap_or(0).saturating_sub(1);
        let zones: Vec<[u8; 64]> = (first..self.zones.len() as u64)
            .take(most)
            .map(|number| self.describe(number))
            .collect();
        let count = match self.variant {
            Variant::Many => u64::MAX,
            Variant::None => 0,
            _ => zones.len() as u64,
        };
        let mut report = vec![0; 64];
        report[..8].copy_from_slice(&count.to_le_bytes());
        report.extend(zones.into_iter().flatten());
        report
    }

    /// What a report says of a zone.
    fn describe(&self, number: u64) -> [u8; 64] {
        let zone = usize::try_from(number).ok();
        let zone = zone.and_then(|number| self.zones.get(number));
        let zone = zone.copied().unwrap_or(Zone {
            state: state::FULL,
            written: 0,
        });
        let mut start = number * ZONE;
        let mut pointer = start + zone.written;
        let (mut capacity, mut kind, mut state) = match self.is_ordered(number) {
            true => (CAPACITY, 2, zone.state),
            false => (ZONE, 1, state::NOT_WP),
        };
        // The lies are about the fourth zone: those before it are as they should be.
        match self.variant {
            Variant::NoProgress => start = 0,
            Variant::Late if number == FEW => start += 1,
            _ if number != 3 => {}
            Variant::Outside => start = u64::MAX - ZONE + 1,
            Variant::Unaligned => start += 1,
            Variant::PointerOutside => (state, pointer) = (state::IMPLICIT, start + ZONE),
            Variant::Large => capacity = ZONE + 1,
            Variant::NoCapacity => capacity = 0,
            Variant::Type => kind = 9,
            Variant::Preferred => kind = 3,
            Variant::State => state = 7,
            Variant::Unordered => state = state::NOT_WP,
            _ => {}
        }
        let mut bytes = [0; 64];
        bytes[..8].copy_from_slice(&capacity.to_le_bytes());
        bytes[8..16].copy_from_slice(&start.to_le_bytes());
        bytes[16..24].copy_from_slice(&pointer.to_le_bytes());
        (bytes[24], bytes[25]) = (kind, state);
        bytes
    }
}
