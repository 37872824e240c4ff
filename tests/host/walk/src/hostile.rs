// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A driver's ring, and memory that is something else at each look.
//!
//! What the driver reads is made up on the spot: sometimes what a device could have written,
//! sometimes a little off, sometimes anything.

use crate::{
    bus::options,
    Kind,
    Source, //
};
use pure::{
    entries::{
        Entries,
        WriteEntry, //
    },
    ring::{
        descriptor::Descriptor,
        packed::{
            flags,
            PackedMemory, //
        },
        split::SplitMemory,
        stats::Stats,
        ChainError,
        Either,
        Memory,
        Ring as EitherRing,
        Slot,
        Violation, //
    }, //
};
use std::cell::{
    Cell,
    RefCell, //
};
use std::collections::VecDeque;

/// Reads of shared memory that one call may take at most: a device must not keep the driver busy.
const READS: u32 = 4;

/// Memory that lies.
struct Liar<'a> {
    /// What the ring is like.
    kind: Kind,
    /// What to make things up from.
    source: RefCell<Source<'a>>,
    /// The chains that are outstanding, with which one can lie well.
    heads: RefCell<VecDeque<u16>>,
    /// Flags by which the driver made the descriptors of a packed ring available last.
    flags: RefCell<Vec<u16>>,
    /// The index of the available ring.
    avail_idx: Cell<u16>,
    /// The index of the used ring as told last.
    used_idx: Cell<u16>,
    /// The entry of the used ring as told last.
    elem: Cell<(u32, u32)>,
    /// Reads since somebody set this to zero.
    reads: Cell<u32>,
    /// Counters.
    stats: Stats,
}

impl<'a> Liar<'a> {
    /// Memory for a ring.
    fn new(kind: Kind, source: Source<'a>) -> Self {
        Self {
            kind,
            source: RefCell::new(source),
            heads: RefCell::default(),
            flags: RefCell::new(vec![0; kind.size.into()]),
            avail_idx: Cell::new(0),
            used_idx: Cell::new(0),
            elem: Cell::new((0, 0)),
            reads: Cell::new(0),
            stats: Stats::default(),
        }
    }

    /// Counts a read, and gives what to make its value up from.
    fn read(&self) -> std::cell::RefMut<'_, Source<'a>> {
        self.reads.set(self.reads.get() + 1);
        self.source.borrow_mut()
    }

    /// What a used entry or descriptor says: id and length.
    fn elem(&self) -> (u32, u32) {
        let mut source = self.read();
        let id = self.id(&mut source);
        let len = match source.byte() {
            0..=127 => source.below(1000),
            _ => source.u32(),
        };
        self.elem.set((id, len));
        (id, len)
    }

    /// An id, which may be that of a chain that is outstanding.
    fn id(&self, source: &mut Source<'a>) -> u32 {
        let heads = self.heads.borrow();
        match source.byte() {
            // The one that is due.
            0..=127 => heads.front().copied().unwrap_or(0).into(),
            128..=247 => {
                let which = source.below(heads.len() as u32) as usize;
                heads.get(which).copied().unwrap_or(0).into()
            }
            248..=251 => source.below(u32::from(self.kind.size) + 2),
            252 | 253 => source.u16().into(),
            _ => source.u32(),
        }
    }
}

impl Memory for Liar<'_> {
    type Table<'b>
        = Entries<'b>
    where
        Self: 'b;

    fn size(&self) -> u16 {
        self.kind.size
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn clear(&self) {
        self.heads.borrow_mut().clear();
        self.avail_idx.set(0);
        self.used_idx.set(0);
    }

    fn table_len(&self) -> u16 {
        self.kind.table_len
    }

    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_> {
        Entries::new(self, head, len, linked)
    }

    fn wmb(&self) {}

    fn rmb(&self) {}

    fn mb(&self) {}
}

impl WriteEntry for Liar<'_> {
    fn write_entry(&self, head: u16, entry: u16, _: Descriptor) {
        assert!(head < self.kind.size && entry < self.kind.table_len);
    }

    fn table_addr(&self, head: u16) -> u64 {
        u64::from(head) << 32
    }
}

impl SplitMemory for Liar<'_> {
    fn write_desc(&self, index: u16, _: Descriptor) {
        assert!(index < self.kind.size);
    }

    fn write_desc_flags(&self, index: u16, _: u16) {
        assert!(index < self.kind.size);
    }

    fn write_avail_ring(&self, _: u16, _: u16) {}

    fn write_avail_idx(&self, idx: u16) {
        self.avail_idx.set(idx);
    }

    fn write_avail_flags(&self, _: u16) {}

    fn write_used_event(&self, _: u16) {}

    fn read_used_idx(&self) -> u16 {
        let mut source = self.read();
        let idx = match source.byte() {
            0..=63 => self.used_idx.get(),
            64..=191 => self.avail_idx.get(),
            192..=246 => self.used_idx.get().wrapping_add(1),
            247..=249 => self.used_idx.get().wrapping_sub(1),
            250 | 251 => self.avail_idx.get().wrapping_add(1),
            252 | 253 => self.avail_idx.get().wrapping_add(self.kind.size),
            _ => source.u16(),
        };
        self.used_idx.set(idx);
        idx
    }

    fn read_used_elem(&self, _: u16) -> (u32, u32) {
        self.elem()
    }

    fn read_used_flags(&self) -> u16 {
        self.read().u16()
    }

    fn read_avail_event(&self) -> u16 {
        self.read().u16()
    }
}

impl PackedMemory for Liar<'_> {
    fn write_desc(&self, offset: u16, _: u64, _: u32, id: u16) {
        assert!(offset < self.kind.size && id < self.kind.size);
    }

    fn write_flags(&self, offset: u16, flags: u16) {
        self.flags.borrow_mut()[usize::from(offset)] = flags;
    }

    fn write_driver_event(&self, _: u16) {}

    fn write_driver_flags(&self, _: u16) {}

    fn read_flags(&self, offset: u16) -> u16 {
        let mut source = self.read();
        let available = self.flags.borrow()[usize::from(offset)];
        let used = match available & flags::AVAIL {
            0 => 0,
            _ => flags::AVAIL | flags::USED,
        };
        match source.byte() {
            0..=63 => available,
            64..=159 => used,
            160..=250 => used | flags::WRITE,
            _ => source.u16(),
        }
    }

    fn read_used(&self, offset: u16) -> (u16, u32) {
        assert!(offset < self.kind.size);
        let (id, len) = self.elem();
        let id = (id & 0xffff) as u16;
        self.elem.set((id.into(), len));
        (id, len)
    }

    fn read_device_event(&self) -> (u16, u16) {
        let mut source = self.read();
        (source.u16(), source.u16())
    }
}

/// The ring under test.
type Ring<'a> = EitherRing<Liar<'a>, Liar<'a>, Vec<Slot>>;

/// A walk of a ring in memory that lies.
pub struct Walk<'a> {
    /// What it is like.
    kind: Kind,
    /// The driver.
    ring: Ring<'a>,
    /// Chains that the driver has not taken back, by token: bytes that may be written, and whether
    /// the device was shown the chain.
    outstanding: Vec<Option<(u32, bool)>>,
    /// How many there are.
    count: u16,
    /// Chains that the device has not been shown.
    unpublished: Vec<u16>,
    /// Whether the driver has heard that the queue is broken.
    told: bool,
    /// What was done.
    operations: u64,
    /// Chains taken back since the device was reset.
    popped: u16,
    /// Queues that were found broken.
    violations: u64,
}

impl<'a> Walk<'a> {
    /// A ring that is new.
    pub fn new(kind: Kind, source: Source<'a>) -> Self {
        let slots = vec![Slot::default(); kind.size.into()];
        let memory = Liar::new(kind, source);
        let memory = if kind.packed {
            Either::Packed(memory)
        } else {
            Either::Split(memory)
        };
        let ring = Ring::new(memory, slots, options(kind));
        Self {
            kind,
            ring: ring.expect("a valid layout"),
            outstanding: vec![None; kind.size.into()],
            count: 0,
            unpublished: Vec::new(),
            told: false,
            operations: 0,
            popped: 0,
            violations: 0,
        }
    }

    /// What the ring believes to share with a device.
    fn liar(&self) -> &Liar<'a> {
        match &self.ring {
            Ring::Split(ring) => ring.memory(),
            Ring::Packed(ring) => ring.memory(),
        }
    }

    /// Calls of the ring so far.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// How often the driver found the device lying.
    pub fn violations(&self) -> u64 {
        self.violations
    }

    /// Whether there are no more decisions.
    pub fn is_over(&self) -> bool {
        self.liar().source.borrow().is_empty()
    }

    /// A decision.
    fn decide(&self) -> u8 {
        self.liar().source.borrow_mut().byte()
    }

    /// Does one thing.
    pub fn step(&mut self) {
        self.operations += 1;
        self.liar().reads.set(0);
        match self.decide() {
            0..=79 => self.add(),
            80..=119 => self.publish(),
            120..=220 => self.pop(),
            221..=225 => self.ring.disable_interrupts(),
            226..=245 => self.enable(),
            246..=252 => self.burst(),
            _ if self.told || self.decide() == 0 => self.reset(),
            _ => self.pop(),
        }
        let reads = self.liar().reads.get();
        assert!(reads <= READS, "{reads} reads");
        assert!(self.ring.num_free() <= self.kind.capacity());
    }

    /// The driver adds a chain.
    fn add(&mut self) {
        let shape = self.decide();
        let count = u16::from(1 + shape % 5);
        let readable = u16::from(shape / 5 % 6);
        let mut chain = match self.ring.chain(count) {
            Ok(chain) => chain,
            Err(ChainError::Broken) => return assert!(self.ring.broken().is_some()),
            Err(ChainError::TooLong) => return assert!(count > self.kind.capacity()),
            Err(error) => return assert_eq!(error, ChainError::Full),
        };
        let mut writable = 0;
        for at in 0..count {
            let len = 1 + u32::from(shape);
            writable += if at >= readable { len } else { 0 };
            chain.push(1, len, at >= readable).expect("a good element");
        }
        let token = chain.commit().expect("a good chain");
        let entry = &mut self.outstanding[usize::from(token)];
        assert_eq!(*entry, None, "a token that is outstanding");
        *entry = Some((writable, false));
        self.count += 1;
        self.liar().heads.borrow_mut().push_back(token);
        self.unpublished.push(token);
    }

    /// The driver shows what it added.
    fn publish(&mut self) {
        let kick = self.ring.publish();
        if self.ring.broken().is_some() {
            assert!(!kick);
            return;
        }
        for token in self.unpublished.drain(..) {
            let entry = self.outstanding[usize::from(token)].as_mut();
            entry.expect("it is outstanding").1 = true;
        }
    }

    /// The driver takes a chain back. Whether there was one.
    fn take_back(&mut self) -> bool {
        let was_broken = self.ring.broken();
        match self.ring.pop() {
            Ok(None) => false,
            Ok(Some(used)) => {
                assert_eq!(was_broken, None);
                let entry = self.outstanding[usize::from(used.head)].take();
                let (writable, shown) = entry.expect("handed out twice, or never added");
                assert!(shown, "the device has never seen it");
                assert!(used.written <= writable, "more than was writable");
                self.count -= 1;
                let memory = self.liar();
                let mut heads = memory.heads.borrow_mut();
                let at = heads.iter().position(|&head| head == used.head);
                let at = at.expect("it was made available");
                assert!(at == 0 || !self.kind.in_order, "out of order");
                if self.kind.in_order && !self.kind.packed {
                    let (last, _) = memory.elem.get();
                    let before = heads.iter().position(|&head| u32::from(head) == last);
                    let covered = memory.used_idx.get().wrapping_sub(self.popped);
                    let before = before.expect("it is outstanding");
                    assert!(before < usize::from(covered), "too large a batch");
                }
                heads.remove(at);
                drop(heads);
                self.popped = self.popped.wrapping_add(1);
                assert_eq!(self.ring.broken(), None);
                true
            }
            Err(violation) => {
                assert!(!self.told, "told twice");
                self.check(violation);
                assert!(self.ring.stats().rejected(violation) > 0);
                self.told = true;
                self.violations += 1;
                false
            }
        }
    }

    /// The driver takes a chain back.
    fn pop(&mut self) {
        self.take_back();
        assert_eq!(self.ring.outstanding(), self.count);
    }

    /// The driver takes back all that there is, of which there is no more than it gave.
    fn burst(&mut self) {
        let most = self.count;
        let mut count = 0;
        while self.take_back() {
            count += 1;
            assert!(count <= most);
            self.liar().reads.set(0);
            self.operations += 1;
        }
    }

    /// The device did what it is said to have done.
    fn check(&self, violation: Violation) {
        assert_eq!(self.ring.broken(), Some(violation));
        let memory = self.liar();
        match violation {
            Violation::UsedIndex => {
                assert!(!self.kind.packed);
                let shown = self.count - self.unpublished.len() as u16;
                let behind = memory.avail_idx.get().wrapping_sub(memory.used_idx.get());
                assert!(behind > shown, "the index was fine");
            }
            Violation::UsedId => {
                let (id, _) = memory.elem.get();
                let entry = usize::try_from(id).ok();
                let entry = entry.and_then(|id| *self.outstanding.get(id)?);
                assert!(!matches!(entry, Some((_, true))), "the id was fine");
            }
            Violation::UsedBatch => {
                assert!(self.kind.in_order && !self.kind.packed);
                let (id, _) = memory.elem.get();
                let heads = memory.heads.borrow();
                let before = heads.iter().position(|&head| u32::from(head) == id);
                let covered = memory.used_idx.get().wrapping_sub(self.popped);
                assert!(before.expect("outstanding") >= usize::from(covered));
            }
            _ => panic!("the device did not do that: {violation:?}"),
        }
    }

    /// The driver asks for an interrupt.
    fn enable(&mut self) {
        let may_wait = self.ring.enable_interrupts();
        if self.told {
            assert!(may_wait, "nothing comes of a broken queue");
        }
        if self.ring.broken().is_some() && !self.told {
            assert!(!may_wait, "the driver has to hear of it");
        }
    }

    /// The device is reset, and the driver takes back all that it had.
    fn reset(&mut self) {
        while let Some(token) = self.ring.drain() {
            let entry = self.outstanding[usize::from(token)].take();
            entry.expect("handed out twice, or never added");
            self.count -= 1;
        }
        assert_eq!(
            (self.count, self.ring.num_free()),
            (0, self.kind.capacity())
        );
        self.ring.reset();
        let memory = self.liar();
        memory.heads.borrow_mut().clear();
        memory.avail_idx.set(0);
        memory.used_idx.set(0);
        self.unpublished.clear();
        self.popped = 0;
        self.told = false;
        assert_eq!(self.ring.broken(), None);
        let counted = |violation: &Violation| self.ring.stats().rejected(*violation);
        let counted: u64 = Violation::OF_DEVICE.iter().map(counted).sum();
        // What enabling interrupts found may not have been told.
        assert!(counted >= self.violations);
    }
}
