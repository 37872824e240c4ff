// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Which size a ring gets.

use pure::ring::{
    layout,
    packed,
    size::{
        largest,
        smaller, //
    }, //
};

/// VQ-PACKED-02: a packed ring has as many entries as are offered, a split one the largest power of
/// two among them, and neither more than are of use.
#[test]
fn the_largest_valid_size_is_taken() {
    for offered in 0..=u16::MAX {
        for useful in [1, 2, 3, 100, 256, layout::MAX_SIZE, u16::MAX] {
            let limit = offered.min(useful).min(layout::MAX_SIZE);
            let packed = largest(true, offered, useful);
            assert_eq!(packed, (limit != 0).then_some(limit));
            assert!(packed.is_none_or(packed::layout::is_valid_size));
            match largest(false, offered, useful) {
                None => assert_eq!(limit, 0),
                Some(split) => {
                    assert!(layout::is_valid_size(split));
                    assert!(split <= limit && u32::from(split) * 2 > u32::from(limit));
                }
            }
        }
    }
}

/// A ring that does not fit into memory gets smaller until nothing is left, and stays valid.
#[test]
fn smaller_sizes_are_valid_and_end() {
    for packed in [false, true] {
        let mut sizes = std::iter::successors(largest(packed, 1000, u16::MAX), |&at| smaller(at));
        assert!(sizes.all(|at| packed || layout::is_valid_size(at)));
        assert_eq!(smaller(1), None);
    }
}
