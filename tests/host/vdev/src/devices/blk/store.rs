// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a block device keeps: a medium, and a cache before it that is lost with the power (5.2.6.1).
//!
//! The cache writes to the medium what it likes, when it likes, in any order, and all of it only when
//! it is flushed. A block of [`BLOCK`] bytes is on the medium as a whole or not at all, as the device's
//! topology says.

use crate::campaign::Dice;
use std::{
    collections::BTreeSet,
    ops::Range, //
};

/// Bytes that the medium takes as a whole: the physical block of the topology.
const BLOCK: usize = 4096;

/// Requests until the power goes: so many at least, and less than that many more.
const REQUESTS: Range<u64> = 20..800;

/// How it is with the power.
enum Power {
    /// It stays.
    On,
    /// It goes with the request after so many.
    Until(u64),
    /// It has gone.
    Off,
}

/// Medium and cache.
pub(super) struct Store {
    /// What is read: the cache's, where it has something, and the medium's.
    data: Vec<u8>,
    /// What is there when the power comes back.
    medium: Vec<u8>,
    /// Blocks of `data` that are in the cache alone.
    dirty: BTreeSet<usize>,
    /// Whether what is written goes to the cache.
    is_back: bool,
    /// Whether a flush does nothing, against all rules.
    is_lying: bool,
    /// The power.
    power: Power,
    /// What the cache likes.
    dice: Dice,
}

impl Store {
    /// So many bytes, all zero.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            data: vec![0; bytes],
            medium: vec![0; bytes],
            dirty: BTreeSet::new(),
            is_back: false,
            is_lying: false,
            power: Power::On,
            dice: Dice::new(0, 0, 0),
        }
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// Bytes as they are read.
    pub(super) fn read(&self, range: Range<usize>) -> &[u8] {
        &self.data[range]
    }

    /// Writes bytes, to the cache if there is one.
    pub(super) fn write(&mut self, start: usize, bytes: &[u8]) {
        self.data[start..start + bytes.len()].copy_from_slice(bytes);
        for block in start / BLOCK..(start + bytes.len()).div_ceil(BLOCK) {
            self.dirty.insert(block);
            if !self.is_back || self.dice.once_in(4) {
                self.store(block);
            }
        }
        if self.dice.once_in(4) {
            // Something older, or not.
            let blocks = (self.data.len() / BLOCK).max(1);
            let from = usize::try_from(self.dice.next()).unwrap_or(0) % blocks;
            if let Some(&block) = self.dirty.range(from..).next() {
                self.store(block);
            }
        }
    }

    /// Puts a block on the medium.
    fn store(&mut self, block: usize) {
        let end = self.data.len().min((block + 1) * BLOCK);
        let range = block * BLOCK..end;
        self.medium[range.clone()].copy_from_slice(&self.data[range]);
        self.dirty.remove(&block);
    }

    /// Puts all that was written on the medium.
    pub(super) fn flush(&mut self) {
        if self.is_lying {
            return;
        }
        while let Some(&block) = self.dirty.first() {
            self.store(block);
        }
    }

    /// Whether what is written from here on goes to the cache.
    pub(super) fn write_back(&mut self, is_back: bool) {
        self.is_back = is_back;
    }

    /// A request was carried out. Whether there is still the power to say so.
    pub(super) fn outlasts(&mut self) -> bool {
        match &mut self.power {
            Power::On => {}
            Power::Until(0) => self.cut(),
            Power::Until(left) => *left -= 1,
            Power::Off => {}
        }
        !self.is_off()
    }

    /// The power goes: so does the cache, some of whose blocks are on the medium just yet.
    fn cut(&mut self) {
        for block in std::mem::take(&mut self.dirty) {
            if self.dice.once_in(2) {
                self.store(block);
            }
            let end = self.data.len().min((block + 1) * BLOCK);
            let range = block * BLOCK..end;
            self.data[range.clone()].copy_from_slice(&self.medium[range]);
        }
        self.power = Power::Off;
    }

    /// `cut SEED`: the power goes after some requests, as the seed has it; `lie SEED`: the same, and
    /// no flush does anything until then; `on`: it is back. Whether it was one of those.
    pub(super) fn power(&mut self, what: &str) -> bool {
        let (verb, seed) = what.split_once(' ').unwrap_or((what, "0"));
        let Ok(seed) = seed.parse() else {
            return false;
        };
        self.is_lying = verb == "lie";
        match verb {
            "cut" | "lie" => {
                self.dice = Dice::new(seed, 0, 0);
                let more = self.dice.next() % (REQUESTS.end - REQUESTS.start);
                self.power = Power::Until(REQUESTS.start + more);
            }
            "on" => self.power = Power::On,
            _ => return false,
        }
        true
    }

    /// Whether the power has gone.
    pub(super) fn is_off(&self) -> bool {
        matches!(self.power, Power::Off)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Store,
        BLOCK,
        REQUESTS, //
    };

    /// Bytes of a store.
    const SIZE: usize = 256 * BLOCK;

    /// What is written by the write of this number.
    fn content(number: usize) -> [u8; BLOCK] {
        [(number % 251) as u8 + 1; BLOCK]
    }

    /// One that has written each of its blocks, from the first on, until the power went; and how many.
    fn until_cut(what: &str, is_back: bool, flush_every: usize) -> (Store, usize) {
        let mut store = Store::new(SIZE);
        store.write_back(is_back);
        assert!(store.power(what));
        for block in 0.. {
            store.write(block % 256 * BLOCK, &content(block));
            if block % flush_every == flush_every - 1 {
                store.flush();
            }
            if !store.outlasts() {
                assert!(store.is_off());
                assert!(store.power("on"));
                return (store, block + 1);
            }
        }
        unreachable!()
    }

    /// How many of the blocks written last are there: at most a store's.
    fn there(store: &Store, written: usize) -> usize {
        (written.saturating_sub(256)..written)
            .filter(|block| {
                let start = block % 256 * BLOCK;
                store.read(start..start + BLOCK) == content(*block)
            })
            .count()
    }

    #[test]
    fn what_was_flushed_outlasts_the_power() {
        for seed in 0..32 {
            let (store, written) = until_cut(&format!("cut {seed}"), true, 1);
            assert_eq!(there(&store, written), written.min(256), "seed {seed}");
        }
    }

    #[test]
    fn without_a_cache_all_that_was_written_does() {
        let (store, written) = until_cut("cut 1", false, 1 << 20);
        assert_eq!(there(&store, written), written.min(256));
    }

    #[test]
    fn a_cache_keeps_some_of_what_was_not_flushed() {
        for (what, every) in [("cut 1", 1 << 20), ("lie 1", 1)] {
            let (store, written) = until_cut(what, true, every);
            assert!((1..written.min(256)).contains(&there(&store, written)));
        }
    }

    #[test]
    fn the_power_goes_when_the_seed_says() {
        for seed in 0..64 {
            let what = format!("cut {seed}");
            let (store, written) = until_cut(&what, true, 7);
            assert!(REQUESTS.contains(&(written as u64 - 1)));
            let (again, number) = until_cut(&what, true, 7);
            assert_eq!(
                (written, store.read(0..SIZE)),
                (number, again.read(0..SIZE))
            );
        }
    }

    #[test]
    fn other_words_are_refused() {
        let mut store = Store::new(SIZE);
        assert!(!store.power("cut it"));
        assert!(!store.power("off"));
    }
}
