// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the driver puts into the descriptor table, and when it refuses to.

use pure::ring::{
    split::Split,
    ChainError,
    LayoutError,
    Options,
    Place,
    Slot, //
};
use support::{
    add,
    pop,
    ring,
    segments,
    Access,
    Recorder, //
};

/// Indirect descriptors were negotiated.
const INDIRECT: Options = Options {
    event_idx: false,
    indirect: true,
    in_order: false,
};

/// Nothing was negotiated.
const PLAIN: Options = Options {
    event_idx: false,
    indirect: false,
    in_order: false,
};

/// VQ-SPLIT-02: a ring has a power of two of entries, and no more than 32768.
#[test]
fn only_powers_of_two_up_to_32768_are_sizes() {
    for size in [0, 3, 48, 40000, 0xffff] {
        let memory = Recorder::new(size, 0, PLAIN);
        let slots = vec![Slot::default(); usize::from(size)];
        let error = Split::new(memory, slots, PLAIN).err();
        assert_eq!(error, Some(LayoutError::Size), "size {size}");
    }
    for shift in 0..16 {
        let (ring, _) = ring(1 << shift, 0, PLAIN);
        assert_eq!(ring.size(), 1 << shift);
        assert_eq!(ring.num_free(), ring.size());
    }
}

#[test]
fn there_must_be_a_slot_for_each_descriptor() {
    for slots in [0, 7, 9] {
        let memory = Recorder::new(8, 0, PLAIN);
        let error = Split::new(memory, vec![Slot::default(); slots], PLAIN).err();
        assert_eq!(error, Some(LayoutError::Slots));
    }
}

/// VQ-SPLIT-07: what the device writes comes after what it reads; anything else is refused.
#[test]
fn readable_after_writable_is_refused() {
    let (mut ring, mut device) = ring(8, 0, PLAIN);
    let mut chain = ring.chain(3).unwrap();
    chain.push(0x1000, 1, false).unwrap();
    chain.push(0x2000, 1, true).unwrap();
    assert_eq!(chain.push(0x3000, 1, false), Err(ChainError::Order));
    // A refused segment spoils the chain, so that half of it cannot be added by mistake.
    assert_eq!(chain.push(0x4000, 1, true), Err(ChainError::Excess));
    assert_eq!(chain.commit(), Err(ChainError::Empty));
    ring.publish();
    assert_eq!(device.take(), None);
}

/// VQ-SPLIT-08: a chain is no longer than was announced, nor than the queue.
#[test]
fn chains_are_no_longer_than_announced_nor_than_the_queue() {
    for options in [PLAIN, INDIRECT] {
        let (mut ring, _) = ring(8, 32, options);
        for max in [0, 9, 32, 0x8000, 0xffff] {
            assert_eq!(ring.chain(max).err(), Some(ChainError::TooLong));
        }
        let mut chain = ring.chain(2).unwrap();
        chain.push(0x1000, 1, false).unwrap();
        chain.push(0x2000, 1, false).unwrap();
        assert_eq!(chain.push(0x3000, 1, false), Err(ChainError::Excess));
    }
}

/// VQ-SPLIT-10: a chain has no more than 2^32 bytes.
#[test]
fn chains_have_less_than_4_gib() {
    for second_is_writable in [false, true] {
        let (mut ring, mut device) = ring(8, 0, PLAIN);
        let mut chain = ring.chain(3).unwrap();
        chain.push(0, u32::MAX - 1, false).unwrap();
        chain.push(1 << 32, 1, second_is_writable).unwrap();
        chain.push(2 << 32, 1, true).unwrap();
        assert_eq!(chain.commit(), Err(ChainError::Bytes));

        let mut chain = ring.chain(2).unwrap();
        chain.push(0, 1, false).unwrap();
        chain.push(1 << 32, u32::MAX - 1, true).unwrap();
        chain.commit().unwrap();
        ring.publish();
        let chain = device.take().unwrap();
        assert_eq!(chain.writable(), u32::MAX - 1);
    }
}

#[test]
fn empty_segments_and_chains_are_refused() {
    let (mut ring, _) = ring(8, 0, PLAIN);
    assert_eq!(ring.chain(1).unwrap().commit(), Err(ChainError::Empty));
    let mut chain = ring.chain(1).unwrap();
    assert_eq!(chain.push(0x1000, 0, true), Err(ChainError::Empty));
    assert_eq!(ring.outstanding(), 0);
    assert_eq!(ring.num_free(), 8);
}

/// VQ-SPLIT-13: without the feature there is no indirect descriptor, whatever there is memory for.
#[test]
fn indirect_needs_the_feature() {
    let (mut ring, mut device) = ring(8, 8, PLAIN);
    for tag in 0..2 {
        add(&mut ring, &segments(tag, 2, 2));
        ring.publish();
        assert!(!device.take().unwrap().indirect);
    }
    assert_eq!(ring.chain(4).err(), Some(ChainError::Full));
}

/// VQ-SPLIT-14, VQ-SPLIT-16: an indirect descriptor stands alone, and its table has none. The
/// device of these tests refuses others; here it sees a table of each length.
#[test]
fn indirect_descriptors_stand_alone() {
    for count in 5..=8 {
        let (mut ring, mut device) = ring(8, 8, INDIRECT);
        let segments = segments(count.into(), count - 2, 2);
        let head = add(&mut ring, &segments);
        ring.publish();
        let chain = device.take().unwrap();
        assert!(chain.indirect);
        assert_eq!(chain.descriptors, [head]);
        assert_eq!(chain.segments, segments);
        assert_eq!(ring.num_free(), 7);
    }
}

/// VQ-SPLIT-15: with a table or without, a chain is no longer than the queue, even if the tables
/// are.
#[test]
fn tables_are_no_longer_than_the_queue() {
    let (mut ring, mut device) = ring(8, 64, INDIRECT);
    assert_eq!(ring.chain(9).err(), Some(ChainError::TooLong));
    add(&mut ring, &segments(0, 0, 8));
    ring.publish();
    let chain = device.take().unwrap();
    assert!(chain.indirect);
    assert_eq!(chain.segments.len(), 8);
}

/// VQ-SPLIT-18: a table is used from entry 0 on, its entries are linked, the last one is not, and
/// the length that its descriptor says is that of the entries used.
#[test]
fn tables_begin_at_entry_zero_and_end_without_next() {
    let (mut ring, _) = ring(8, 8, INDIRECT);
    // One more is announced than comes.
    let mut chain = ring.chain(6).unwrap();
    let segments = segments(1, 1, 4);
    for (at, segment) in segments.iter().enumerate() {
        let place = chain.push(segment.addr, segment.len, segment.writable);
        let entry = at as u16;
        assert_eq!(place, Ok(Place::Table { head: 0, entry }));
    }
    let head = chain.commit().unwrap();
    ring.publish();
    let shared = ring.memory().shared();
    let desc = shared.desc[usize::from(head)];
    assert_eq!((desc.len, desc.flags), (5 * 16, 4));
    let links: Vec<_> = shared.tables[..5]
        .iter()
        .map(|d| (d.flags, d.next))
        .collect();
    assert_eq!(links, [(1, 1), (3, 2), (3, 3), (3, 4), (2, 0)]);
}

/// VQ-SPLIT-48: a descriptor is handed out again only when its chain has been taken back; when
/// there are none left the ring is full, and nothing changes.
#[test]
fn a_full_ring_stays_as_it_is() {
    let (mut ring, mut device) = ring(4, 0, PLAIN);
    add(&mut ring, &segments(0, 1, 1));
    let other = add(&mut ring, &segments(1, 1, 1));
    ring.publish();
    ring.memory().take_log();
    for max in 1..=4 {
        assert_eq!(ring.chain(max).err(), Some(ChainError::Full));
    }
    assert_eq!(ring.memory().take_log(), []);
    assert_eq!((ring.num_free(), ring.outstanding()), (0, 2));

    // Out of order.
    device.take().unwrap();
    let chain = device.take().unwrap();
    device.complete(&chain, 3);
    assert_eq!(ring.chain(1).err(), Some(ChainError::Full));
    assert_eq!(pop(&mut ring), Ok(Some((other, 3))));
    assert_eq!((ring.num_free(), ring.outstanding()), (2, 1));
    assert_eq!(ring.chain(3).err(), Some(ChainError::Full));
    add(&mut ring, &segments(2, 0, 2));
    ring.publish();
    assert_eq!(device.take().unwrap().segments, segments(2, 0, 2));
}

/// A chain that is dropped, at whatever point, was never there.
#[test]
fn a_dropped_chain_leaves_no_trace() {
    for options in [PLAIN, INDIRECT] {
        for count in 1..=8 {
            for pushed in 0..=count {
                let (mut ring, mut device) = ring(8, 8, options);
                let first = add(&mut ring, &segments(0, 1, 0));
                let free = ring.num_free();
                if count > free && !options.indirect {
                    continue;
                }
                let mut chain = ring.chain(count).unwrap();
                for segment in &segments(1, pushed, 0) {
                    chain.push(segment.addr, segment.len, false).unwrap();
                }
                drop(chain);
                assert_eq!((ring.num_free(), ring.outstanding()), (free, 1));
                ring.publish();
                assert_eq!(device.take().unwrap().head, first);
                assert_eq!(device.take(), None);
                assert_eq!(ring.num_free(), free);
                add(&mut ring, &segments(2, 1, 0));
                ring.publish();
                assert_eq!(device.take().unwrap().segments, segments(2, 1, 0));
            }
        }
    }
}

/// One segment never goes to a table; more do, and then take one descriptor.
#[test]
fn more_than_one_segment_goes_to_a_table() {
    let (mut ring, mut device) = ring(16, 16, INDIRECT);
    let mut indirect = Vec::new();
    for (tag, count) in [3, 1, 2, 16].into_iter().enumerate() {
        add(&mut ring, &segments(tag as u32, 0, count));
        ring.publish();
        indirect.push(device.take().unwrap().indirect);
    }
    assert_eq!(indirect, [true, false, true, true]);
    assert_eq!(ring.num_free(), 16 - 4);
}

/// A chain that is too long for a table goes into the descriptor table as long as it fits at all.
#[test]
fn what_no_table_holds_goes_into_the_ring() {
    let (mut ring, mut device) = ring(16, 4, INDIRECT);
    add(&mut ring, &segments(0, 0, 12));
    ring.publish();
    assert!(!device.take().unwrap().indirect);
    assert_eq!(ring.chain(5).err(), Some(ChainError::Full));
    let chain = ring.chain(4).unwrap();
    drop(chain);
}

/// A segment is put where the device finds it.
#[test]
fn segments_are_where_the_writer_says() {
    let (mut ring, mut device) = ring(16, 16, INDIRECT);
    for (tag, count) in [3, 5, 9, 1, 4].into_iter().enumerate() {
        let mut chain = ring.chain(count).unwrap();
        let segments = segments(tag as u32, 0, count);
        let places = segments
            .iter()
            .map(|s| chain.push(s.addr, s.len, s.writable));
        let places: Vec<_> = places.map(Result::unwrap).collect();
        let head = chain.commit().unwrap();
        let first = match places[0] {
            Place::Direct(index) => index,
            Place::Table { head, .. } => head,
        };
        assert_eq!(head, first);
        ring.publish();
        let chain = device.take().unwrap();
        for (at, place) in places.into_iter().enumerate() {
            let expected = match chain.indirect {
                false => Place::Direct(chain.descriptors[at]),
                true => Place::Table {
                    head,
                    entry: at as u16,
                },
            };
            assert_eq!(place, expected);
        }
    }
}

/// Writes nothing to shared memory but what is new: for one segment a descriptor, an entry, and the
/// index.
#[test]
fn adding_writes_no_more_than_it_must() {
    let (mut ring, _) = ring(8, 8, INDIRECT);
    ring.memory().take_log();
    add(&mut ring, &segments(0, 0, 1));
    let expected = [Access::WriteDesc(0), Access::WriteAvailRing(0)];
    assert_eq!(ring.memory().take_log(), expected);
    add(&mut ring, &segments(1, 1, 1));
    let expected = [
        Access::WriteTable(1, 0),
        Access::WriteTable(1, 1),
        // That it is the last one shows when the chain is complete.
        Access::WriteTable(1, 1),
        Access::WriteDesc(1),
        Access::WriteAvailRing(1),
    ];
    assert_eq!(ring.memory().take_log(), expected);
    ring.publish();
    let expected = [
        Access::Wmb,
        Access::WriteAvailIdx(2),
        Access::Mb,
        Access::ReadUsedFlags,
    ];
    assert_eq!(ring.memory().take_log(), expected);
}

/// Without tables each segment is a descriptor, written once.
#[test]
fn a_chain_in_the_ring_is_written_once() {
    let (mut ring, _) = ring(8, 0, PLAIN);
    ring.memory().take_log();
    add(&mut ring, &segments(0, 1, 2));
    let expected = [
        Access::WriteDesc(0),
        Access::WriteDesc(1),
        Access::WriteDesc(2),
        Access::WriteAvailRing(0),
    ];
    assert_eq!(ring.memory().take_log(), expected);
}
