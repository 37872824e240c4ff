// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device that breaks the rules, in each way that a split ring gives it.

use proptest::prelude::*;
use pure::{
    entries::{
        Entries,
        WriteEntry, //
    },
    ring::{
        descriptor::Descriptor,
        split::{
            Split,
            SplitMemory, //
        },
        stats::Stats,
        ChainError,
        Memory,
        Options,
        Slot,
        Violation, //
    }, //
};
use std::cell::{
    Cell,
    RefCell, //
};
use std::collections::HashMap;
use support::{
    add,
    cases,
    pop,
    ring,
    segments,
    Ring, //
};

/// Nothing was negotiated.
const PLAIN: Options = Options {
    event_idx: false,
    indirect: false,
    in_order: false,
};

/// A ring of 8 with three chains shown to the device and a fourth that is not.
fn three_published() -> Ring {
    let (mut ring, _) = ring(8, 0, PLAIN);
    for tag in 0..3 {
        add(&mut ring, &segments(tag, 1, 1));
    }
    ring.publish();
    add(&mut ring, &segments(3, 0, 1));
    ring.memory().shared_mut().hostile = true;
    ring
}

/// Lets the device write these used entries, and this index.
fn used(ring: &Ring, entries: &[(u32, u32)], idx: u16) {
    let mut shared = ring.memory().shared_mut();
    shared.used[..entries.len()].copy_from_slice(entries);
    shared.used_idx = idx;
}

/// Checks that the ring broke, says so once, and does nothing more.
fn assert_broken(ring: &mut Ring, violation: Violation) {
    assert_eq!(pop(ring), Err(violation));
    assert_eq!(ring.broken(), Some(violation));
    assert_eq!(ring.stats().rejected(violation), 1);
    ring.memory().take_log();
    for _ in 0..3 {
        assert_eq!(pop(ring), Ok(None));
        assert_eq!(ring.chain(1).err(), Some(ChainError::Broken));
        assert!(!ring.publish());
        assert!(ring.enable_interrupts());
    }
    ring.disable_interrupts();
    ring.memory().shared_mut().used_idx = 1;
    assert_eq!(pop(ring), Ok(None));
    assert_eq!(ring.broken(), Some(violation));
    assert_eq!(ring.stats().rejected(violation), 1);
}

/// VQ-SPLIT-30: an id outside the ring, with more bits than an id has, of a descriptor within a
/// chain, or of a free one, breaks the queue.
#[test]
fn ids_that_are_no_outstanding_heads_break_the_queue() {
    for id in [8, 0xffff, 0x1_0000, 0x1_0002, u32::MAX, 1, 3, 7] {
        let mut ring = three_published();
        used(&ring, &[(id, 0)], 1);
        assert_broken(&mut ring, Violation::UsedId);
        assert_eq!(ring.outstanding(), 4);
    }
}

/// VQ-SPLIT-30: a chain is completed once.
#[test]
fn a_second_completion_breaks_the_queue() {
    let mut ring = three_published();
    used(&ring, &[(2, 5), (2, 5)], 2);
    assert_eq!(pop(&mut ring), Ok(Some((2, 5))));
    assert_broken(&mut ring, Violation::UsedId);
}

/// VQ-SPLIT-30, VQ-SPLIT-31: a chain that was not shown to the device cannot be completed, even if
/// as many were shown.
#[test]
fn a_chain_that_was_not_published_cannot_be_completed() {
    let mut ring = three_published();
    used(&ring, &[(6, 0)], 1);
    assert_broken(&mut ring, Violation::UsedId);
}

/// VQ-SPLIT-31: an index beyond what was made available, or before what was used, breaks the queue.
#[test]
fn used_indexes_beyond_the_available_break_the_queue() {
    for idx in [4, 5, 8, 9, 40000, 0x8000, 0xffff] {
        let mut ring = three_published();
        used(&ring, &[(0, 0), (2, 0), (4, 0), (6, 0)], idx);
        assert_broken(&mut ring, Violation::UsedIndex);
    }
    let mut ring = three_published();
    used(&ring, &[(0, 0)], 1);
    assert!(pop(&mut ring).unwrap().is_some());
    used(&ring, &[], 0);
    assert_broken(&mut ring, Violation::UsedIndex);
}

/// A violation that is found when interrupts are enabled is heard of, once, at the next look.
#[test]
fn a_violation_found_while_enabling_is_reported() {
    let mut ring = three_published();
    used(&ring, &[], 100);
    assert!(!ring.enable_interrupts());
    assert!(!ring.enable_interrupts());
    assert_broken(&mut ring, Violation::UsedIndex);
}

/// VQRST-04: the first reason stays, and one that the caller gave is not told to it. Nothing is taken
/// from a queue that was given up, as one is that is about to be reset.
#[test]
fn a_queue_broken_by_the_caller_stays_broken() {
    let mut ring = three_published();
    ring.break_with(Violation::Device);
    ring.break_with(Violation::Internal);
    assert_eq!(ring.broken(), Some(Violation::Device));
    used(&ring, &[(0, 0)], 1);
    assert_eq!(pop(&mut ring), Ok(None));
    assert!(ring.enable_interrupts());
    assert_eq!(ring.stats().rejected(Violation::Device), 0);
    let mut heads: Vec<_> = std::iter::from_fn(|| ring.drain()).collect();
    heads.sort_unstable();
    assert_eq!(heads, [0, 2, 4, 6]);
    assert_eq!(ring.broken(), Some(Violation::Device));
}

/// An index that moves back does not hide what was seen of it: there is something to take, and no
/// reason to look again.
#[test]
fn what_was_seen_stays_seen() {
    let mut ring = three_published();
    used(&ring, &[(0, 0), (4, 0)], 2);
    assert_eq!(pop(&mut ring), Ok(Some((0, 0))));
    for idx in [0, 1, 500] {
        used(&ring, &[], idx);
        ring.memory().take_log();
        assert!(!ring.enable_interrupts());
        assert_eq!(ring.memory().take_log(), []);
    }
    assert_eq!(pop(&mut ring), Ok(Some((4, 0))));
    assert_broken(&mut ring, Violation::UsedIndex);
}

/// VQ-SPLIT-19: what the device does to the descriptor table has no effect on which descriptors are
/// freed.
#[test]
fn a_scribbled_descriptor_table_changes_nothing() {
    for garbage in [
        (0, 0),
        (Descriptor::NEXT, 0),
        (Descriptor::NEXT, 0xffff),
        (0xffff, 0x1234),
    ] {
        for indirect in [false, true] {
            let options = Options {
                event_idx: false,
                indirect,
                in_order: false,
            };
            let (mut ring, mut device) = ring(8, 8, options);
            let mut chains = Vec::new();
            for tag in 0..3 {
                add(&mut ring, &segments(tag, 1, 1));
            }
            ring.publish();
            chains.extend(std::iter::from_fn(|| device.take()));
            ring.memory().shared_mut().hostile = true;
            let scribble = |ring: &Ring| {
                let mut shared = ring.memory().shared_mut();
                let (flags, next) = garbage;
                let desc = Descriptor {
                    addr: 0,
                    len: 7,
                    flags,
                    next,
                };
                shared.desc.fill(desc);
                shared.tables.fill(desc);
                shared.avail.fill(next);
            };
            scribble(&ring);
            for chain in chains {
                device.complete(&chain, u32::MAX);
                let used = ring.pop().unwrap().unwrap();
                assert_eq!(used.head, chain.head);
                assert_eq!(used.written, 512 + 1);
                scribble(&ring);
            }
            assert_eq!((ring.num_free(), ring.outstanding()), (8, 0));
            assert_eq!(ring.broken(), None);
            let expected = segments(9, 3, 5);
            let head = add(&mut ring, &expected);
            ring.publish();
            assert_eq!(ring.memory().shared().walk(head).segments, expected);
        }
    }
}

/// A device that uses chains in any order, and now and then writes just anything. It does so
/// whenever the driver reads: no two reads need to agree.
struct Wild {
    /// Entries of the ring.
    size: u16,
    /// In how many of a thousand reads it misbehaves.
    rate: u32,
    /// Where the next number comes from.
    seed: Cell<u32>,
    /// The available ring.
    avail: RefCell<Vec<u16>>,
    /// The available index.
    avail_idx: Cell<u16>,
    /// Available entries taken.
    taken: Cell<u16>,
    /// Chains that it has.
    heads: RefCell<Vec<u16>>,
    /// The used ring.
    used: RefCell<Vec<u16>>,
    /// The used index.
    used_idx: Cell<u16>,
    /// Reads of the used index.
    reads: Cell<u32>,
    /// Counters.
    stats: Stats,
}

impl Wild {
    /// A device that misbehaves in `rate` of a thousand reads.
    fn new(size: u16, rate: u32, seed: u32) -> Self {
        Self {
            size,
            rate,
            seed: Cell::new(seed | 1),
            avail: RefCell::new(vec![0; usize::from(size)]),
            avail_idx: Cell::new(0),
            taken: Cell::new(0),
            heads: RefCell::new(Vec::new()),
            used: RefCell::new(vec![0; usize::from(size)]),
            used_idx: Cell::new(0),
            reads: Cell::new(0),
            stats: Stats::default(),
        }
    }

    /// The next number: xorshift.
    fn next(&self) -> u32 {
        let mut x = self.seed.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.seed.set(x);
        x
    }

    /// Whether to misbehave.
    fn misbehaves(&self) -> bool {
        self.next() % 1000 < self.rate
    }

    /// Takes what is available, and uses some of it.
    fn work(&self) {
        let (mut heads, mut used) = (self.heads.borrow_mut(), self.used.borrow_mut());
        let mask = self.size - 1;
        while self.taken.get() != self.avail_idx.get() {
            let at = self.taken.replace(self.taken.get().wrapping_add(1));
            heads.push(self.avail.borrow()[usize::from(at & mask)]);
        }
        while !heads.is_empty() && self.next() % 3 != 0 {
            let which = self.next() as usize % heads.len();
            let at = self.used_idx.replace(self.used_idx.get().wrapping_add(1));
            used[usize::from(at & mask)] = heads.swap_remove(which);
        }
    }
}

impl Memory for Wild {
    type Table<'b>
        = Entries<'b>
    where
        Self: 'b;

    fn size(&self) -> u16 {
        self.size
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn clear(&self) {
        self.avail_idx.set(0);
    }

    fn table_len(&self) -> u16 {
        4
    }

    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_> {
        Entries::new(self, head, len, linked)
    }

    fn wmb(&self) {}

    fn rmb(&self) {}

    fn mb(&self) {}
}

impl WriteEntry for Wild {
    fn write_entry(&self, head: u16, entry: u16, _: Descriptor) {
        assert!(head < self.size && entry < 4);
    }

    fn table_addr(&self, head: u16) -> u64 {
        u64::from(head) * 64
    }
}

impl SplitMemory for Wild {
    fn write_desc(&self, index: u16, _: Descriptor) {
        assert!(index < self.size);
    }

    fn write_desc_flags(&self, index: u16, _: u16) {
        assert!(index < self.size);
    }

    fn write_avail_ring(&self, position: u16, head: u16) {
        assert!(head < self.size);
        self.avail.borrow_mut()[usize::from(position & (self.size - 1))] = head;
    }

    fn write_avail_idx(&self, idx: u16) {
        self.avail_idx.set(idx);
    }

    fn write_avail_flags(&self, _: u16) {}

    fn write_used_event(&self, _: u16) {}

    fn read_used_idx(&self) -> u16 {
        self.reads.set(self.reads.get() + 1);
        self.work();
        if !self.misbehaves() {
            return self.used_idx.get();
        }
        // Anything, or not far off.
        match self.next() % 2 {
            0 => self.next() as u16,
            _ => self.used_idx.get().wrapping_add(self.next() as u16 % 8),
        }
    }

    fn read_used_elem(&self, position: u16) -> (u32, u32) {
        let head = self.used.borrow()[usize::from(position & (self.size - 1))];
        if !self.misbehaves() {
            return (head.into(), self.next() % 500);
        }
        match self.next() % 3 {
            0 => (self.next(), self.next()),
            1 => (self.next() % u32::from(self.size), self.next()),
            _ => (head.into(), self.next()),
        }
    }

    fn read_used_flags(&self) -> u16 {
        self.next() as u16
    }

    fn read_avail_event(&self) -> u16 {
        self.next() as u16
    }
}

/// A chain that was added: writable bytes, descriptors it takes, whether it was published.
type Added = (u32, u16, bool);

/// Adds a chain of up to `max` segments, of which the last `writable` are writable.
fn add_wild(ring: &mut Split<Wild, Vec<Slot>>, max: u16, writable: u16) -> Option<(u16, Added)> {
    let free = ring.num_free();
    let mut chain = ring.chain(max).ok()?;
    for at in 0..max {
        let pushed = chain.push(at.into(), 100, at >= max.saturating_sub(writable));
        pushed.expect("the segments are valid");
    }
    let head = chain.commit().expect("the chain is not empty");
    let bytes = 100 * u32::from(writable.min(max));
    Some((head, (bytes, free - ring.num_free(), false)))
}

proptest! {
    #![proptest_config(cases(3000))]

    /// VQ-SPLIT-28, VQ-SPLIT-30, VQ-SPLIT-31: whatever the device writes, there is no panic; no
    /// chain is handed out that the device does not have, or twice; lengths are clamped; the queue
    /// breaks once and stays broken; descriptors are accounted for; and after a reset all chains
    /// come back.
    #[test]
    fn wild_used_rings_do_no_harm(
        shift in 0..6_u32,
        event_idx: bool,
        indirect: bool,
        rate in 0..100_u32,
        seed: u32,
        steps in prop::collection::vec((0..8_u8, 0..7_u16, 0..4_u16), 0..400),
    ) {
        let size = 1_u16 << shift;
        let memory = Wild::new(size, rate, seed);
        let slots = vec![Slot::default(); usize::from(size)];
        let mut ring = Split::new(memory, slots, Options { event_idx, indirect, in_order: false }).unwrap();
        let mut outstanding: HashMap<u16, Added> = HashMap::new();
        let mut reported = 0;
        for (what, max, writable) in steps {
            let broken = ring.broken().is_some();
            match what {
                0..=2 => {
                    if let Some((head, added)) = add_wild(&mut ring, max, writable) {
                        prop_assert!(!broken);
                        prop_assert_eq!(outstanding.insert(head, added), None);
                    }
                }
                3 => {
                    prop_assert!(!ring.publish() || !broken);
                    if !broken {
                        outstanding.values_mut().for_each(|added| added.2 = true);
                    }
                }
                4..=6 => match pop(&mut ring) {
                    Ok(Some((head, written))) => {
                        prop_assert!(!broken);
                        let added = outstanding.remove(&head);
                        prop_assert!(added.is_some_and(|a| a.2 && written <= a.0));
                    }
                    Ok(None) => {}
                    Err(violation) => {
                        reported += 1;
                        prop_assert_eq!(ring.broken(), Some(violation));
                    }
                },
                _ => {
                    ring.disable_interrupts();
                    ring.enable_interrupts();
                }
            }
            let taken: u16 = outstanding.values().map(|added| added.1).sum();
            prop_assert_eq!(ring.num_free() + taken, size);
            prop_assert_eq!(usize::from(ring.outstanding()), outstanding.len());
        }
        if pop(&mut ring).is_err() {
            reported += 1;
        }
        prop_assert!(reported <= 1);
        // The last `pop` can have taken one more.
        let left = usize::from(ring.outstanding());
        prop_assert!(left + 1 >= outstanding.len());
        let drained: Vec<_> = std::iter::from_fn(|| ring.drain()).collect();
        prop_assert_eq!(drained.len(), left);
        prop_assert!(drained.iter().all(|head| outstanding.remove(head).is_some()));
        prop_assert_eq!((ring.num_free(), ring.outstanding()), (size, 0));
    }

    /// A driver that takes all there is until it may wait comes to an end, whatever the device
    /// makes of the used index meanwhile: after no more looks than there are chains, and a few.
    #[test]
    fn waiting_for_nothing_to_be_left_ends(
        event_idx: bool,
        rate in 0..100_u32,
        seed: u32,
        chains in 1..=64_u16,
    ) {
        let memory = Wild::new(64, rate, seed);
        let options = Options { event_idx, indirect: false, in_order: false };
        let mut ring = Split::new(memory, vec![Slot::default(); 64], options).unwrap();
        for _ in 0..chains {
            add_wild(&mut ring, 1, 1).expect("there is room");
        }
        ring.publish();
        loop {
            while let Ok(Some(_)) = pop(&mut ring) {}
            if ring.enable_interrupts() {
                break;
            }
        }
        let reads = ring.memory().reads.get();
        prop_assert!(reads <= 2 * u32::from(chains) + 2, "{} reads", reads);
    }
}
