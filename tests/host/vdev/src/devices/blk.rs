// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A block device in memory (5.2).

mod ranges;
mod store;
pub mod zones;

use self::{
    ranges::About,
    store::Store,
    zones::Zones, //
};
use crate::{
    dma::Map,
    event::{
        Event,
        Log, //
    },
    model::{
        gather,
        scatter,
        Model, //
    },
    state, //
};
use device::{
    Chain,
    Element,
    Violation, //
};

/// Feature bits of the type (5.2.3).
pub mod feature {
    /// `size_max` is valid.
    pub const SIZE_MAX: u128 = 1 << 1;
    /// `seg_max` is valid.
    pub const SEG_MAX: u128 = 1 << 2;
    /// It can not be written.
    pub const RO: u128 = 1 << 5;
    /// `blk_size` is valid.
    pub const BLK_SIZE: u128 = 1 << 6;
    /// It can flush its cache.
    pub const FLUSH: u128 = 1 << 9;
    /// `topology` is valid.
    pub const TOPOLOGY: u128 = 1 << 10;
    /// `writeback` is valid.
    pub const CONFIG_WCE: u128 = 1 << 11;
    /// `num_queues` is valid.
    pub const MQ: u128 = 1 << 12;
    /// It can discard sectors.
    pub const DISCARD: u128 = 1 << 13;
    /// It can fill sectors with zeroes.
    pub const WRITE_ZEROES: u128 = 1 << 14;
    /// It knows how worn its medium is.
    pub const LIFETIME: u128 = 1 << 15;
    /// It can discard sectors for good.
    pub const SECURE_ERASE: u128 = 1 << 16;
    /// `zoned` is valid.
    pub const ZONED: u128 = 1 << 17;
}

/// Offsets in the configuration (5.2.4).
pub mod config {
    /// Sectors: 8 bytes.
    pub const CAPACITY: usize = 0;
    /// Bytes of a segment at most: 4 bytes.
    pub const SIZE_MAX: usize = 8;
    /// Segments at most: 4 bytes.
    pub const SEG_MAX: usize = 12;
    /// Bytes of a block: 4 bytes.
    pub const BLK_SIZE: usize = 20;
    /// What the device likes: 8 bytes.
    pub const TOPOLOGY: usize = 24;
    /// The cache mode: 1 byte.
    pub const WRITEBACK: usize = 32;
    /// Queues: 2 bytes.
    pub const NUM_QUEUES: usize = 34;
    /// Of requests to discard: sectors, ranges, and sectors of a unit; 4 bytes each.
    pub const DISCARD: usize = 36;
    /// Of requests for zeroes: sectors, ranges, 4 bytes each, and 1 byte for whether the place of
    /// zeroes can be given up.
    pub const WRITE_ZEROES: usize = 48;
    /// Of requests to discard for good: as of those to discard.
    pub const SECURE_ERASE: usize = 60;
    /// Of zones: five fields of 4 bytes, the model, and 3 bytes that are not used.
    pub const ZONES: usize = 72;
    /// The model of zones: 1 byte.
    pub const MODEL: usize = 92;
    /// Bytes in all, up to there.
    pub const END: usize = 96;
}

/// Bytes of a sector.
const SECTOR: u64 = 512;

/// What the device calls itself: as long as it may be, so that no zero ends it (5.2.6).
pub const ID: &[u8; 20] = b"vdev-with-20-letters";

/// How worn its medium is: blocks in reserve, cells of type A and of type B (5.2.6).
const LIFETIME: &[u8; 6] = &[2, 0, 3, 0, 11, 0];

/// The device.
pub struct Blk {
    /// Its contents.
    store: Store,
    /// What was agreed on with the driver.
    features: u128,
    /// Its zones, if these were ever agreed on.
    zones: Option<Zones>,
}

impl Blk {
    /// A device of so many bytes, all zero.
    pub fn new(bytes: usize) -> Self {
        Self {
            store: Store::new(bytes),
            features: state::feature::VERSION_1,
            zones: None,
        }
    }

    /// Where so many bytes from a sector on are.
    fn range(&self, sector: u64, len: u64) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(sector.checked_mul(SECTOR)?).ok()?;
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        (end <= self.store.len() && len % SECTOR == 0).then_some(start..end)
    }

    /// The zones, if there are any to be seen.
    fn zones(&self) -> Option<&Zones> {
        let is_zoned = self.features & feature::ZONED != 0;
        self.zones.as_ref().filter(|_| is_zoned)
    }

    /// Writes to a sector, or at the end of a zone: how that ends, and where it is.
    fn write(&mut self, append: bool, sector: u64, data: &[u8]) -> Result<u64, u8> {
        let is_zoned = self.features & feature::ZONED != 0;
        let at = match self.zones.as_mut().filter(|_| is_zoned) {
            Some(zones) => zones.write(append, sector, data.len())?,
            None => sector,
        };
        let range = self.range(at, data.len() as u64).ok_or(1u8)?;
        self.store.write(range.start, data);
        Ok(at)
    }

    /// What is wrong with a header (5.2.6, 5.2.6.1).
    fn check(&self, kind: u32, reserved: u32, sector: u64, chain: &Chain) -> Result<(), String> {
        let is_legacy = self.features & state::feature::VERSION_1 == 0;
        // 5.2.6.3: a priority in legacy requests.
        if reserved != 0 && !is_legacy {
            return Err(format!("reserved field of a header: {reserved:#x}"));
        }
        let is_zoned = self.zones().is_some();
        if !matches!(kind, 0 | 1) && sector != 0 && !(is_zoned && Zones::has(kind)) {
            return Err(format!("sector {sector} in a request of type {kind}"));
        }
        let data = (chain.readable - 16, chain.writable - 1);
        let sound = match kind {
            0 => data.0 == 0 && data.1 != 0 && data.1 % SECTOR == 0,
            1 => data.1 == 0 && data.0 != 0 && data.0 % SECTOR == 0,
            4 => data == (0, 0),
            8 => data == (0, 20),
            10 if self.features & feature::LIFETIME != 0 => data == (0, 6),
            _ if About::of(kind, self.features).is_some() => data.1 == 0 && data.0 != 0,
            _ if is_zoned && Zones::has(kind) => true,
            _ => return Err(format!("request of type {kind}, which was not negotiated")),
        };
        if !sound {
            return Err(format!(
                "request of type {kind} with data of {data:?} bytes"
            ));
        }
        if let Some(zones) = self.zones() {
            zones.check(kind, sector, chain)?;
        }
        // 5.2.6.4: header and status have descriptors of their own then.
        let framed = |element: Option<&Element>, len| element.is_some_and(|it| it.len == len);
        let is_framed = framed(chain.elements.first(), 16) && framed(chain.elements.last(), 1);
        let is_free = !is_legacy || self.features & state::feature::ANY_LAYOUT != 0;
        if !is_framed && !is_free {
            return Err("header or status with data in one descriptor".into());
        }
        Ok(())
    }
}

impl Blk {
    /// Does what a request about ranges asks for, and returns its status.
    fn ranges(&mut self, kind: u32, data: &[u8], log: &mut Log) -> u8 {
        let Some(about) = About::of(kind, self.features) else {
            return 2;
        };
        let ranges = match about.parse(data) {
            Ok(ranges) => ranges,
            Err(what) => {
                log.add(Event::Violation(what));
                return 1;
            }
        };
        for (sector, sectors, flags) in ranges {
            log.note(format!("range of type {kind} flags {flags}"));
            match self.range(sector, u64::from(sectors) * SECTOR) {
                // What was discarded may be anything: this shows that it was.
                Some(range) => {
                    let bytes = vec![about.fill; range.len()];
                    self.store.write(range.start, &bytes);
                }
                None => return 1,
            }
        }
        0
    }
}

impl Model for Blk {
    fn device_type(&self) -> u8 {
        2
    }

    fn class(&self) -> [u8; 3] {
        [1, 0x80, 0]
    }

    fn features(&self) -> u128 {
        use feature::*;
        let ranges = DISCARD | WRITE_ZEROES | SECURE_ERASE;
        SEG_MAX | BLK_SIZE | FLUSH | TOPOLOGY | CONFIG_WCE | MQ | LIFETIME | ranges
    }

    fn queues(&self) -> Vec<u16> {
        vec![64, 64]
    }

    fn config(&self) -> Vec<u8> {
        let mut bytes = vec![0; config::END];
        let sectors = self.store.len() as u64 / SECTOR;
        bytes[..8].copy_from_slice(&sectors.to_le_bytes());
        bytes[config::SIZE_MAX..][..4].copy_from_slice(&65536u32.to_le_bytes());
        bytes[config::SEG_MAX..][..4].copy_from_slice(&30u32.to_le_bytes());
        bytes[config::BLK_SIZE..][..4].copy_from_slice(&512u32.to_le_bytes());
        bytes[config::TOPOLOGY..][..8].copy_from_slice(&[3, 0, 1, 0, 0, 0, 0, 0]);
        bytes[config::WRITEBACK] = 1;
        bytes[config::NUM_QUEUES] = 2;
        for about in ranges::About::ALL {
            about.configure(&mut bytes);
        }
        bytes
    }

    fn write_config(
        &mut self,
        config: &mut [u8],
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), String> {
        match (offset, bytes) {
            (config::WRITEBACK, [mode @ 0..=1]) => {
                config[offset] = *mode;
                Ok(())
            }
            _ => Err(format!("write of the configuration at {offset}: {bytes:?}")),
        }
    }

    fn start(&mut self, features: u128) {
        self.features = features;
        if features & feature::ZONED != 0 && self.zones.is_none() {
            self.zones = Some(Zones::new(self.store.len() as u64 / SECTOR));
        }
    }

    fn settle(&mut self, config: &mut [u8]) -> bool {
        // 5.2.6.2: who cannot flush has no cache.
        let is_back = config.get(config::WRITEBACK).is_none_or(|mode| *mode != 0);
        self.store
            .write_back(is_back && self.features & feature::FLUSH != 0);
        if let Some(zones) = &mut self.zones {
            zones.settle(config);
        }
        false
    }

    fn power(&mut self, what: &str) -> bool {
        self.store.power(what)
    }

    fn reset(&mut self) {
        if let Some(zones) = &mut self.zones {
            zones.reset();
        }
    }

    fn request(
        &mut self,
        _queue: u16,
        chain: &Chain,
        map: &Map,
        log: &mut Log,
    ) -> Result<Option<u32>, Violation> {
        if chain.readable < 16 || chain.writable < 1 {
            log.add(Event::Violation("request without header or status".into()));
            return Ok(Some(0));
        }
        let bytes = gather(chain, map, 16 << 20)?;
        let (header, data) = bytes.split_at(16);
        let word = |at: usize| {
            let word: [u8; 4] = header[at..at + 4].try_into().unwrap_or_default();
            u32::from_le_bytes(word)
        };
        let (kind, reserved) = (word(0), word(4));
        let sector = u64::from(word(8)) | u64::from(word(12)) << 32;
        let room = chain.writable - 1;
        let segments = chain.elements.len().saturating_sub(2);
        let longest = chain.elements.iter().map(|element| element.len).max();
        // What is for reading only, and mapped for writing all the same.
        let open = chain.elements.iter();
        let open = open.filter(|element| !element.writable && map.may_write(element.addr));
        log.add(Event::Request(format!(
            "{kind} sector {sector} out {} in {room} segments {segments} longest {} open {}",
            chain.readable - 16,
            longest.unwrap_or(0),
            open.count(),
        )));
        if let Err(what) = self.check(kind, reserved, sector, chain) {
            log.add(Event::Violation(what));
        }

        let mut written = 0;
        let status = match kind {
            _ if self.store.is_off() => 1,
            0 => match self.range(sector, room) {
                Some(range) => {
                    written = scatter(chain, map, 0, self.store.read(range))?;
                    0
                }
                None => 1,
            },
            1 => self.write(false, sector, data).err().unwrap_or(0),
            15 if self.zones().is_some() => match self.write(true, sector, data) {
                Ok(at) => {
                    let told = self.zones().map_or(at, |zones| zones.told(at));
                    written = scatter(chain, map, 0, &told.to_le_bytes())?;
                    0
                }
                Err(status) => status,
            },
            16 if self.zones().is_some_and(Zones::is_silent) => return Ok(None),
            16 if self.zones().is_some() => {
                let report = self.zones().map(|zones| zones.report(sector, room));
                written = scatter(chain, map, 0, &report.unwrap_or_default())?;
                0
            }
            _ if self.zones().is_some() && Zones::has(kind) => {
                let zones = self.zones.as_mut();
                zones.map_or(2, |zones| zones.manage(kind, sector))
            }
            4 => {
                self.store.flush();
                0
            }
            _ if About::of(kind, self.features).is_some() => self.ranges(kind, data, log),
            8 | 10 => {
                let known: &[u8] = if kind == 8 { ID } else { LIFETIME };
                let len = known.len().min(usize::try_from(room).unwrap_or(0));
                written = scatter(chain, map, 0, &known[..len])?;
                0
            }
            _ => 2,
        };
        let status = if self.store.outlasts() { status } else { 1 };
        scatter(chain, map, room, &[status])?;
        Ok(Some(u32::try_from(written + 1).unwrap_or(u32::MAX)))
    }
}
