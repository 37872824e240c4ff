// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Requests about ranges of sectors (5.2.6): what they are, and what is wrong with them.

use super::{
    config,
    feature, //
};

/// Bytes of a range.
const RANGE: usize = 16;

/// A kind of request about ranges.
pub struct About {
    /// The type of such requests.
    kind: u32,
    /// What is to be negotiated for them.
    feature: u128,
    /// Where their limits are.
    config: usize,
    /// Sectors of a request at most.
    sectors: u32,
    /// Ranges of a request at most.
    ranges: u32,
    /// What follows: sectors of a unit, or whether the place of zeroes can be given up.
    last: u32,
    /// Flags that a range may have.
    flags: u32,
    /// What the sectors hold afterwards.
    pub fill: u8,
}

impl About {
    /// All that there are.
    pub const ALL: [Self; 3] = [
        Self {
            kind: 11,
            feature: feature::DISCARD,
            config: config::DISCARD,
            sectors: 2048,
            ranges: 4,
            last: 8,
            flags: 0,
            fill: 0xdd,
        },
        Self {
            kind: 13,
            feature: feature::WRITE_ZEROES,
            config: config::WRITE_ZEROES,
            sectors: 1024,
            ranges: 2,
            last: 1,
            flags: 1,
            fill: 0,
        },
        Self {
            kind: 14,
            feature: feature::SECURE_ERASE,
            config: config::SECURE_ERASE,
            sectors: 512,
            ranges: 1,
            last: 8,
            flags: 0,
            fill: 0xee,
        },
    ];

    /// What requests of this type are, if they were negotiated.
    pub fn of(kind: u32, features: u128) -> Option<&'static Self> {
        static ALL: [About; 3] = About::ALL;
        ALL.iter()
            .find(|about| about.kind == kind && features & about.feature != 0)
    }

    /// Writes the limits into a configuration.
    pub fn configure(&self, bytes: &mut [u8]) {
        for (place, limit) in [self.sectors, self.ranges, self.last].iter().enumerate() {
            let at = self.config + 4 * place;
            bytes[at..at + 4].copy_from_slice(&limit.to_le_bytes());
        }
    }

    /// The ranges of a request: first sector, length and flags of each.
    ///
    /// # Errors
    ///
    /// What is wrong with them (5.2.6.1).
    pub fn parse(&self, data: &[u8]) -> Result<Vec<(u64, u32, u32)>, String> {
        let kind = self.kind;
        if data.len() % RANGE != 0 {
            return Err(format!("{} bytes of ranges, type {kind}", data.len()));
        }
        let count = data.len() / RANGE;
        if count > self.ranges as usize {
            return Err(format!("{count} ranges, type {kind}"));
        }
        let mut all = 0;
        let mut ranges = Vec::new();
        for range in data.chunks_exact(RANGE) {
            let word = |at: usize| {
                let word: [u8; 4] = range[at..at + 4].try_into().unwrap_or_default();
                u32::from_le_bytes(word)
            };
            let (sector, sectors) = (u64::from(word(0)) | u64::from(word(4)) << 32, word(8));
            if word(12) & !self.flags != 0 {
                return Err(format!("flags {:#x} of a range, type {kind}", word(12)));
            }
            if sectors == 0 {
                return Err(format!("empty range at {sector}, type {kind}"));
            }
            all += u64::from(sectors);
            ranges.push((sector, sectors, word(12)));
        }
        if all > self.sectors.into() {
            return Err(format!("{all} sectors in a request of type {kind}"));
        }
        Ok(ranges)
    }
}
