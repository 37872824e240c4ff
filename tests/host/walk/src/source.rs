// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Where a walk takes its decisions from.

/// Decisions: a generator's, which never end, or a fuzzer's bytes.
#[derive(Clone, Debug)]
pub enum Source<'a> {
    /// xorshift64*, by its state, which is not zero.
    Seeded(u64),
    /// Bytes that are used up one by one.
    Bytes(&'a [u8]),
}

impl Source<'_> {
    /// A generator for this number.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Whether there are no more decisions: then all of them are zero.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Bytes([]))
    }

    /// So many bytes.
    fn bytes(&mut self, count: usize) -> u64 {
        match self {
            Self::Seeded(state) => {
                *state ^= *state >> 12;
                *state ^= *state << 25;
                *state ^= *state >> 27;
                state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> (64 - 8 * count)
            }
            Self::Bytes(bytes) => {
                let (now, later) = bytes.split_at(count.min(bytes.len()));
                *bytes = later;
                now.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
            }
        }
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.bytes(1) as u8
    }

    /// Any 16 bits.
    pub fn u16(&mut self) -> u16 {
        self.bytes(2) as u16
    }

    /// Any 32 bits.
    pub fn u32(&mut self) -> u32 {
        self.bytes(4) as u32
    }

    /// One of so many numbers, from 0 on: none of 0 is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let any = if bound <= 1 << 8 {
            u32::from(self.byte())
        } else {
            self.u32()
        };
        any.checked_rem(bound).unwrap_or(0)
    }

    /// Yes in one of so many cases.
    pub fn one_in(&mut self, cases: u32) -> bool {
        self.below(cases) == 0
    }
}
