// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Which size a ring gets, and what it has room for.

use pure::ring::{
    layout,
    packed,
    size::{
        largest,
        smaller, //
    },
    ChainError,
    Ring,
    Slot, //
};
use walk::{
    bus::{
        options,
        Bus, //
    },
    Kind, //
};

/// VQ-PACKED-02, PCI-COM-03: a packed ring has as many entries as are offered, a split one the largest power of
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

/// PCI-COM-03: a ring that does not fit into memory gets smaller until nothing is left, and stays valid.
#[test]
fn smaller_sizes_are_valid_and_end() {
    for packed in [false, true] {
        let mut sizes = std::iter::successors(largest(packed, 1000, u16::MAX), |&at| smaller(at));
        assert!(sizes.all(|at| packed || layout::is_valid_size(at)));
        assert_eq!(smaller(1), None);
    }
}

/// All of a ring can be taken, unless it is used in order: then one descriptor remains, by whatever
/// chains the others are taken.
#[test]
fn a_ring_that_is_used_in_order_is_never_full() {
    for (packed, in_order) in [(false, false), (false, true), (true, false), (true, true)] {
        for size in [1, 2, 4, 16] {
            let kind = Kind {
                packed,
                in_order,
                event_idx: false,
                indirect: true,
                size,
                table_len: size,
            };
            let room = if in_order && size > 1 { size - 1 } else { size };
            for segments in 1..=size {
                let slots = vec![Slot::default(); size.into()];
                let mut ring = Ring::new(Bus::new(kind).either(), slots, options(kind)).unwrap();
                assert_eq!((ring.capacity(), ring.num_free()), (room, room));
                let error = loop {
                    match ring.chain(segments) {
                        Ok(mut chain) => {
                            for _ in 0..segments {
                                chain.push(0x1000, 1, true).unwrap();
                            }
                            chain.commit().unwrap();
                        }
                        Err(error) => break error,
                    }
                };
                if segments > room {
                    assert_eq!((error, ring.outstanding()), (ChainError::TooLong, 0));
                } else {
                    assert_eq!((error, ring.num_free()), (ChainError::Full, 0));
                }
                assert!(ring.outstanding() <= room);
            }
        }
    }
}
