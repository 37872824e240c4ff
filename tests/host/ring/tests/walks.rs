// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Long walks of rings of all forms and sizes, with a device that keeps to the rules and that the
//! driver knows by its memory only.
//!
//! Together the tests here do at least ten million operations.

use walk::{
    honest::Walk,
    hostile,
    Kind,
    Source, //
};

/// Operations of all walks of one form together.
const OPERATIONS: u64 = 2_600_000;
const _: () = assert!(4 * OPERATIONS >= 10_000_000);

/// Sizes of split rings.
const SPLIT: [u16; 8] = [1, 2, 4, 8, 64, 256, 1024, 1 << 15];

/// Sizes of packed rings.
const PACKED: [u16; 11] = [1, 2, 3, 4, 5, 7, 8, 64, 255, 1000, 1 << 15];

/// Walks a form through rings of these sizes and all that can be negotiated otherwise.
fn walk(packed: bool, in_order: bool, sizes: &[u16]) {
    let mut kinds = Vec::new();
    for &size in sizes {
        for (event_idx, indirect) in [(false, false), (false, true), (true, false), (true, true)] {
            // A table that holds as much as the ring does, and one that does not.
            for table_len in [size.min(8), 3] {
                kinds.push(Kind {
                    packed,
                    in_order,
                    event_idx,
                    indirect,
                    size,
                    table_len,
                });
                if !indirect {
                    break;
                }
            }
        }
    }
    let share = OPERATIONS.div_ceil(kinds.len() as u64);
    let mut total = 0;
    for (seed, kind) in (1..).zip(kinds) {
        let mut walk = Walk::new(kind);
        let mut source = Source::seeded(seed);
        while walk.operations() < share {
            walk.step(&mut source);
        }
        total += walk.operations();
        walk.finish();
    }
    assert!(total >= OPERATIONS);
    println!("{total} operations");
}

/// The same in memory that lies. Each form finds that out often.
fn hostile(packed: bool, in_order: bool, sizes: &[u16]) {
    let mut violations = 0;
    for (seed, &size) in (1..).zip(sizes) {
        for flags in 0..4 {
            let kind = Kind {
                packed,
                in_order,
                event_idx: flags & 1 != 0,
                indirect: flags & 2 != 0,
                size,
                table_len: size.min(4),
            };
            let mut walk = hostile::Walk::new(kind, Source::seeded(seed << 2 | flags));
            while walk.operations() < 100_000 {
                walk.step();
            }
            violations += walk.violations();
        }
    }
    println!("{violations} violations");
    assert!(violations > 10_000);
}

#[test]
fn split() {
    walk(false, false, &SPLIT);
}

#[test]
fn split_hostile() {
    hostile(false, false, &SPLIT);
}

#[test]
fn split_in_order() {
    walk(false, true, &SPLIT);
}

#[test]
fn split_in_order_hostile() {
    hostile(false, true, &SPLIT);
}

#[test]
fn packed() {
    walk(true, false, &PACKED);
}

#[test]
fn packed_hostile() {
    hostile(true, false, &PACKED);
}

#[test]
fn packed_in_order() {
    walk(true, true, &PACKED);
}

#[test]
fn packed_in_order_hostile() {
    hostile(true, true, &PACKED);
}
