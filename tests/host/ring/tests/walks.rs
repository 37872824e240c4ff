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

/// NTF-02, VQRST-05, VQRST-06: the device is told how far the available ring is filled; when it was
/// reset, both begin anew, with a ring of any size up to the first one.
#[test]
fn split() {
    walk(false, false, &SPLIT);
}

#[test]
fn split_hostile() {
    hostile(false, false, &SPLIT);
}

/// VQ-SPLIT-11, VQ-SPLIT-12, VQ-SPLIT-17, VQ-SPLIT-35: descriptors are taken in the order of the
/// table, and chains are used in that of their submission, some of them by one entry for many.
#[test]
fn split_in_order() {
    walk(false, true, &SPLIT);
}

/// RSV-15: chains come back in order, or the queue is broken.
#[test]
fn split_in_order_hostile() {
    hostile(false, true, &SPLIT);
}

/// VQ-PACKED-02, VQ-PACKED-03, VQ-PACKED-04, VQ-PACKED-05, VQ-PACKED-07, VQ-PACKED-08,
/// VQ-PACKED-09, VQ-PACKED-12, VQ-PACKED-14, VQ-PACKED-15, VQ-PACKED-16, VQ-PACKED-17,
/// VQ-PACKED-18, VQ-PACKED-19, VQ-PACKED-20, VQ-PACKED-21, VQ-PACKED-22, VQ-PACKED-23,
/// VQ-PACKED-24, VQ-PACKED-25, VQ-PACKED-30, VQ-PACKED-32, VQ-PACKED-33, VQ-PACKED-38, NTF-03,
/// VQRST-05, VQRST-06: the device finds all as it is to be, whatever it asks for, and the driver what the
/// device did. What the device checks is in `tests/host/device`.
#[test]
fn packed() {
    walk(true, false, &PACKED);
}

/// VQ-PACKED-36, VQ-PACKED-37, VQ-PACKED-38: whatever the device writes, and as often as it likes,
/// no chain comes back that it did not have, nor with more than was writable.
#[test]
fn packed_hostile() {
    hostile(true, false, &PACKED);
}

/// VQ-PACKED-26: the same, with chains used in order, some of them by one descriptor for many.
#[test]
fn packed_in_order() {
    walk(true, true, &PACKED);
}

/// RSV-15: the same of a packed ring.
#[test]
fn packed_in_order_hostile() {
    hostile(true, true, &PACKED);
}
