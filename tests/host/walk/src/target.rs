// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What is fuzzed: functions of an input, which panic when something is wrong.

pub use crate::parser::{
    capabilities,
    config,
    features, //
};

use crate::{
    honest,
    hostile,
    Kind,
    Source, //
};

/// Sizes of rings: those where ends and halves meet, and some that are ordinary.
const SIZES: [u16; 8] = [1, 2, 3, 4, 5, 7, 8, 64];

/// Walks a ring: what it is like, with which device, and what happens is all taken from the input.
fn ring(packed: bool, input: &[u8]) {
    let mut source = Source::Bytes(input);
    let flags = source.byte();
    let size = SIZES[usize::from(source.byte() % 8)];
    let kind = Kind {
        packed,
        in_order: flags & 1 != 0,
        event_idx: flags & 2 != 0,
        indirect: flags & 4 != 0,
        size: if packed {
            size
        } else {
            size.next_power_of_two()
        },
        table_len: size.min(4),
    };
    if flags & 8 != 0 {
        let mut walk = honest::Walk::new(kind);
        while !source.is_empty() {
            walk.step(&mut source);
        }
    } else {
        let mut walk = hostile::Walk::new(kind, source);
        while !walk.is_over() {
            walk.step();
        }
    }
}

/// A split ring.
pub fn split(input: &[u8]) {
    ring(false, input);
}

/// A packed ring.
pub fn packed(input: &[u8]) {
    ring(true, input);
}
