// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The ring against somebody else's device: the crate `virtio-queue` of rust-vmm, on the same
//! memory.
//!
//! Each chain carries data: what the device reads from it and what the driver finds written is
//! compared byte by byte.

use pure::{
    entries::{
        Entries,
        WriteEntry, //
    },
    ring::{
        descriptor::Descriptor,
        layout,
        split::{
            Split,
            SplitMemory, //
        },
        stats::Stats,
        Memory,
        Options,
        Place,
        Slot, //
    }, //
};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{
    fence,
    Ordering, //
};
use support::pop;
use virtio_queue::{
    Queue,
    QueueT, //
};
use vm_memory::{
    Bytes,
    GuestAddress,
    GuestMemoryMmap, //
};

/// Where the descriptor table is.
const DESC: u64 = 0x1000;
/// Entries of each indirect table.
const TABLE_LEN: u16 = 8;
/// Bytes that the segments of a chain have at most, each.
const SEGMENT: u32 = 64;

/// Where the parts of a ring are in the guest's memory.
#[derive(Clone)]
struct Shared {
    /// The memory.
    memory: Rc<GuestMemoryMmap>,
    /// Entries of the ring.
    size: u16,
    /// The available ring.
    avail: u64,
    /// The used ring.
    used: u64,
    /// The indirect tables.
    tables: u64,
    /// The buffers.
    buffers: u64,
    /// Counters.
    stats: Rc<Stats>,
}

/// Rounds up to a multiple of 4096.
fn page(address: u64) -> u64 {
    (address + 0xfff) & !0xfff
}

impl Shared {
    /// Room for a ring and for buffers.
    fn new(size: u16) -> Self {
        let avail = page(DESC + layout::desc_bytes(size) as u64);
        let used = page(avail + layout::avail_bytes(size) as u64);
        let tables = page(used + layout::used_bytes(size) as u64);
        let table_bytes = u64::from(TABLE_LEN) * u64::from(Descriptor::SIZE);
        let buffers = page(tables + u64::from(size) * table_bytes);
        let chain_bytes = u64::from(TABLE_LEN) * u64::from(SEGMENT);
        let end = page(buffers + u64::from(size) * chain_bytes);
        let ranges = [(GuestAddress(0), end as usize)];
        Self {
            memory: Rc::new(GuestMemoryMmap::from_ranges(&ranges).expect("memory")),
            size,
            avail,
            used,
            tables,
            buffers,
            stats: Rc::default(),
        }
    }

    /// Reads 16 bits.
    fn read(&self, base: u64, offset: usize) -> u16 {
        let address = GuestAddress(base + offset as u64);
        u16::from_le(self.memory.load(address, Ordering::Relaxed).unwrap())
    }

    /// Writes 16 bits.
    fn write(&self, base: u64, offset: usize, value: u16) {
        let address = GuestAddress(base + offset as u64);
        self.memory
            .store(value.to_le(), address, Ordering::Relaxed)
            .unwrap();
    }

    /// Writes a descriptor.
    fn write_descriptor(&self, address: u64, desc: Descriptor) {
        let mut bytes = [0; Descriptor::SIZE as usize];
        bytes[..8].copy_from_slice(&desc.addr.to_le_bytes());
        bytes[8..12].copy_from_slice(&desc.len.to_le_bytes());
        bytes[12..14].copy_from_slice(&desc.flags.to_le_bytes());
        bytes[14..].copy_from_slice(&desc.next.to_le_bytes());
        self.memory
            .write_slice(&bytes, GuestAddress(address))
            .unwrap();
    }

    /// The device's queue.
    fn queue(&self, options: Options) -> Queue {
        let mut queue = Queue::new(layout::MAX_SIZE).unwrap();
        queue.set_size(self.size);
        queue.set_desc_table_address(Some(DESC as u32), Some(0));
        queue.set_avail_ring_address(Some(self.avail as u32), Some(0));
        queue.set_used_ring_address(Some(self.used as u32), Some(0));
        queue.set_event_idx(options.event_idx);
        queue.set_ready(true);
        assert!(queue.is_valid(&*self.memory));
        queue
    }
}

impl Memory for Shared {
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
        for (base, bytes) in [
            (DESC, layout::desc_bytes(self.size)),
            (self.avail, layout::avail_bytes(self.size)),
            (self.used, layout::used_bytes(self.size)),
        ] {
            let zeroes = vec![0; bytes];
            self.memory
                .write_slice(&zeroes, GuestAddress(base))
                .unwrap();
        }
    }

    fn table_len(&self) -> u16 {
        TABLE_LEN
    }

    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_> {
        Entries::new(self, head, len, linked)
    }

    fn wmb(&self) {
        fence(Ordering::Release);
    }

    fn rmb(&self) {
        fence(Ordering::Acquire);
    }

    fn mb(&self) {
        fence(Ordering::SeqCst);
    }
}

impl WriteEntry for Shared {
    fn write_entry(&self, head: u16, entry: u16, desc: Descriptor) {
        let entry = u64::from(entry % TABLE_LEN);
        let address = self.table_addr(head) + entry * u64::from(Descriptor::SIZE);
        self.write_descriptor(address, desc);
    }

    fn table_addr(&self, head: u16) -> u64 {
        let head = u64::from(head & (self.size - 1));
        self.tables + head * u64::from(TABLE_LEN) * u64::from(Descriptor::SIZE)
    }
}

impl SplitMemory for Shared {
    fn write_desc(&self, index: u16, desc: Descriptor) {
        let index = u64::from(index & (self.size - 1));
        self.write_descriptor(DESC + index * u64::from(Descriptor::SIZE), desc);
    }

    fn write_desc_flags(&self, index: u16, flags: u16) {
        let index = u64::from(index & (self.size - 1));
        self.write(DESC + index * u64::from(Descriptor::SIZE), 12, flags);
    }

    fn write_avail_ring(&self, position: u16, head: u16) {
        let entry = layout::avail_entry(position & (self.size - 1));
        self.write(self.avail, entry, head);
    }

    fn write_avail_idx(&self, idx: u16) {
        self.write(self.avail, layout::IDX, idx);
    }

    fn write_avail_flags(&self, flags: u16) {
        self.write(self.avail, layout::FLAGS, flags);
    }

    fn write_used_event(&self, idx: u16) {
        self.write(self.avail, layout::used_event(self.size), idx);
    }

    fn read_used_idx(&self) -> u16 {
        self.read(self.used, layout::IDX)
    }

    fn read_used_elem(&self, position: u16) -> (u32, u32) {
        let entry = layout::used_entry(position & (self.size - 1)) as u64;
        let at = |offset| {
            let address = GuestAddress(self.used + entry + offset);
            u32::from_le(self.memory.load(address, Ordering::Relaxed).unwrap())
        };
        (at(0), at(4))
    }

    fn read_used_flags(&self) -> u16 {
        self.read(self.used, layout::FLAGS)
    }

    fn read_avail_event(&self) -> u16 {
        self.read(self.used, layout::avail_event(self.size))
    }
}

/// Random numbers: xorshift.
struct Random(u64);

impl Random {
    /// A number below `bound`.
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32 % bound
    }
}

/// A byte that is not the same in neighbours: of which chain and at which address.
fn pattern(tag: u32, addr: u64) -> u8 {
    (u64::from(tag).wrapping_mul(0x9e37_79b9) >> 8).wrapping_add(addr.wrapping_mul(167)) as u8
}

/// A segment of a chain: address, length, and whether the device writes it.
type Segment = (u64, u32, bool);

/// A chain that was added.
struct Added {
    /// What it is recognised by.
    tag: u32,
    /// Its segments.
    segments: Vec<Segment>,
    /// Which buffer it uses.
    buffer: u16,
}

/// A chain that the device has: head, bytes that it can write, bytes that it wrote.
type Taken = (u16, u32, u32);

/// Driver and device on one memory.
struct Rig {
    /// The memory.
    shared: Shared,
    /// The driver.
    ring: Split<Shared, Vec<Slot>>,
    /// The device.
    queue: Queue,
    /// Random numbers.
    random: Random,
    /// Whether indirect descriptors were negotiated.
    indirect: bool,
    /// Chains that were added and not taken back.
    outstanding: HashMap<u16, Added>,
    /// Buffers that are not in use.
    buffers: Vec<u16>,
    /// Chains that the device has.
    taken: Vec<Taken>,
    /// Bytes that the device wrote into each chain that it has used.
    written: HashMap<u16, u32>,
    /// Chains added.
    tag: u32,
    /// Chains that went to a table.
    indirect_chains: u32,
}

impl Rig {
    /// A new ring of this size.
    fn new(size: u16, options: Options) -> Self {
        let shared = Shared::new(size);
        let slots = vec![Slot::default(); usize::from(size)];
        Self {
            ring: Split::new(shared.clone(), slots, options).unwrap(),
            queue: shared.queue(options),
            shared,
            random: Random(0x1234_5678_9abc_def1 + u64::from(size)),
            indirect: options.indirect,
            outstanding: HashMap::new(),
            buffers: (0..size).collect(),
            taken: Vec::new(),
            written: HashMap::new(),
            tag: 0,
            indirect_chains: 0,
        }
    }

    /// Segments of random lengths, in a buffer that is not in use. Fills in what the device is to
    /// read.
    fn segments(&mut self, count: u16, buffer: u16) -> Vec<Segment> {
        let readable = self.random.below(u32::from(count) + 1) as u16;
        let base = u32::from(buffer) * u32::from(TABLE_LEN) * SEGMENT;
        let mut segments = Vec::new();
        for at in 0..count {
            let addr = self.shared.buffers + u64::from(base + u32::from(at) * SEGMENT);
            let len = 1 + self.random.below(SEGMENT);
            let writable = at >= readable;
            let bytes: Vec<u8> = (0..u64::from(len))
                .map(|offset| {
                    if writable {
                        0
                    } else {
                        pattern(self.tag, addr + offset)
                    }
                })
                .collect();
            self.shared
                .memory
                .write_slice(&bytes, GuestAddress(addr))
                .unwrap();
            segments.push((addr, len, writable));
        }
        segments
    }

    /// The driver adds a chain of `count` segments, if there is room.
    fn add(&mut self, count: u16) -> bool {
        let Some(buffer) = self.buffers.pop() else {
            return false;
        };
        let segments = self.segments(count, buffer);
        let Ok(mut chain) = self.ring.chain(count) else {
            self.buffers.push(buffer);
            return false;
        };
        let mut place = Place::Direct(0);
        for &(addr, len, writable) in &segments {
            place = chain.push(addr, len, writable).unwrap();
        }
        let head = chain.commit().unwrap();
        if matches!(place, Place::Table { .. }) {
            assert!(self.indirect);
            self.indirect_chains += 1;
        }
        let added = Added {
            tag: self.tag,
            segments,
            buffer,
        };
        assert!(self.outstanding.insert(head, added).is_none());
        self.tag += 1;
        true
    }

    /// The device takes all that is available, compares it with what was added, and writes some of
    /// what it may.
    fn take(&mut self) -> u32 {
        let mut count = 0;
        let memory = self.shared.memory.clone();
        while let Some(chain) = self.queue.pop_descriptor_chain(&*memory) {
            let head = chain.head_index();
            let added = &self.outstanding[&head];
            let mut left = self.random.below(3 * SEGMENT);
            let (mut writable, mut written) = (0, 0);
            let mut expected = added.segments.iter();
            for desc in chain {
                let (addr, len) = (desc.addr().0, desc.len());
                let segment = (addr, len, desc.is_write_only());
                assert_eq!(Some(&segment), expected.next());
                let mut bytes = vec![0; len as usize];
                if desc.is_write_only() {
                    writable += len;
                    let now = left.min(len);
                    for (offset, byte) in (0..u64::from(now)).zip(&mut bytes) {
                        *byte = !pattern(added.tag, addr + offset);
                    }
                    memory
                        .write_slice(&bytes[..now as usize], desc.addr())
                        .unwrap();
                    left -= now;
                    written += now;
                } else {
                    memory.read_slice(&mut bytes, desc.addr()).unwrap();
                    for (offset, byte) in (0..).zip(bytes) {
                        assert_eq!(byte, pattern(added.tag, addr + offset));
                    }
                }
            }
            assert_eq!(expected.next(), None, "the chain is longer");
            self.taken.push((head, writable, written));
            count += 1;
        }
        count
    }

    /// The device uses about half of the chains that it has, in any order; all with `all`. Whether
    /// it interrupts.
    fn complete(&mut self, all: bool) -> bool {
        let keep = if all { 0 } else { self.taken.len() / 2 };
        let mut interrupt = false;
        while self.taken.len() > keep {
            let which = self.random.below(self.taken.len() as u32);
            let (head, writable, written) = self.taken.swap_remove(which as usize);
            // Now and then it says that it wrote more than it could.
            let said = match self.random.below(16) {
                0 => writable + 1 + self.random.below(1000),
                _ => written,
            };
            self.written.insert(head, said.min(writable));
            self.queue
                .add_used(&*self.shared.memory, head, said)
                .unwrap();
            interrupt |= self.queue.needs_notification(&*self.shared.memory).unwrap();
        }
        interrupt
    }

    /// The driver takes back all that was used, and compares it with what was written.
    fn pop(&mut self) -> u32 {
        let mut count = 0;
        while let Some((head, written)) = pop(&mut self.ring).expect("no violation") {
            let added = self.outstanding.remove(&head).expect("outstanding");
            assert_eq!(Some(written), self.written.remove(&head));
            let mut left = written;
            for &(addr, len, _) in added.segments.iter().filter(|segment| segment.2) {
                let mut bytes = vec![0; left.min(len) as usize];
                left -= bytes.len() as u32;
                self.shared
                    .memory
                    .read_slice(&mut bytes, GuestAddress(addr))
                    .unwrap();
                // What it claims beyond what it wrote is still as the driver left it.
                for (offset, byte) in (0..).zip(bytes) {
                    assert!(byte == !pattern(added.tag, addr + offset) || byte == 0);
                }
            }
            self.buffers.push(added.buffer);
            count += 1;
        }
        count
    }

    /// Lets `chains` chains go through, with notifications and interrupts as they should be.
    fn run(&mut self, chains: u32) {
        let mut popped = 0;
        // A device and a driver that each sleep until they are told.
        let (mut kicked, mut interrupted) = (false, false);
        while popped < chains {
            for _ in 0..=self.random.below(u32::from(self.ring.size()).min(64)) {
                let longest = u32::from(TABLE_LEN.min(self.ring.size()));
                let count = 1 + self.random.below(longest) as u16;
                if !self.add(count) {
                    break;
                }
            }
            kicked |= self.ring.publish();
            if kicked {
                kicked = false;
                self.queue
                    .disable_notification(&*self.shared.memory)
                    .unwrap();
                loop {
                    self.take();
                    if !self
                        .queue
                        .enable_notification(&*self.shared.memory)
                        .unwrap()
                    {
                        break;
                    }
                }
            } else {
                assert_eq!(self.take(), 0, "a lost notification");
            }
            let all = self.random.below(4) == 0;
            interrupted |= self.complete(all);
            if interrupted {
                interrupted = false;
                self.ring.disable_interrupts();
                loop {
                    popped += self.pop();
                    if self.ring.enable_interrupts() {
                        break;
                    }
                }
            } else {
                assert_eq!(self.pop(), 0, "a lost interrupt");
            }
        }
        self.complete(true);
        self.pop();
        assert!(self.outstanding.is_empty());
        assert_eq!(self.ring.num_free(), self.ring.size());
        assert!(self.ring.stats().clamped.get() > 0);
    }
}

/// All four ways to negotiate.
fn all_options() -> impl Iterator<Item = Options> {
    [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .map(|(event_idx, indirect)| Options {
            event_idx,
            indirect,
            in_order: false,
        })
}

/// Each size, with each option: chains come through whole, in both directions, as the device is
/// written.
#[test]
fn every_size_works_with_virtio_queue() {
    for shift in 0..16 {
        for options in all_options() {
            let mut rig = Rig::new(1 << shift, options);
            rig.run(2000);
            // A large ring does not get full enough for tables.
            if !options.indirect || (1..7).contains(&shift) {
                assert_eq!(rig.indirect_chains > 0, options.indirect);
            }
        }
    }
}

/// VQ-SPLIT-21: the indexes come round and nothing changes.
#[test]
fn indexes_wrap_around_with_virtio_queue() {
    for options in all_options() {
        for size in [1, 2, 256] {
            let mut rig = Rig::new(size, options);
            rig.run(0x1_0000 + 1000);
            assert!(rig.tag > 0x1_0000);
        }
    }
}

/// The largest ring, filled to the last descriptor, with the device far behind.
#[test]
fn the_largest_ring_can_be_filled() {
    for options in all_options() {
        let mut rig = Rig::new(layout::MAX_SIZE, options);
        for _ in 0..3 {
            while rig.add(1) {}
            assert!(rig.ring.publish());
            assert_eq!(rig.ring.outstanding(), layout::MAX_SIZE);
            assert_eq!(rig.take(), u32::from(layout::MAX_SIZE));
            rig.queue.enable_notification(&*rig.shared.memory).unwrap();
            assert!(rig.complete(true));
            assert_eq!(rig.pop(), u32::from(layout::MAX_SIZE));
            assert!(rig.ring.enable_interrupts());
        }
    }
}
