// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The driver's way to memory that it shares with a device.

use crate::Kind;
use device::{
    Addresses,
    Arena,
    Features,
    Memory as _,
    Queue, //
};
use pure::{
    entries::{
        Entries,
        WriteEntry, //
    },
    ring::{
        descriptor::Descriptor,
        layout,
        packed::{
            flags,
            PackedMemory, //
        },
        split::SplitMemory,
        stats::Stats,
        Either,
        Memory,
        Options, //
    }, //
};
use std::cell::Cell;
use std::sync::atomic::{
    fence,
    Ordering::{
        Acquire,
        Release,
        SeqCst, //
    }, //
};

/// Where the memory of a ring begins. The high half is there to be lost by mistake.
const BASE: u64 = 0x5eed_0000_0000;

/// What was negotiated, as the driver has it.
pub fn options(kind: Kind) -> Options {
    Options {
        event_idx: kind.event_idx,
        indirect: kind.indirect,
        in_order: kind.in_order,
    }
}

/// The driver's handle of a ring's memory: it panics when the driver leaves out a barrier.
#[derive(Debug)]
pub struct Bus {
    /// The memory.
    arena: Arena,
    /// Where the parts are.
    at: Addresses,
    /// Where the indirect tables are.
    tables: u64,
    /// Entries.
    size: u16,
    /// Entries of each table.
    table_len: u16,
    /// Writes since the last barrier, which what shows them to the device must not overtake.
    unordered_write: Cell<bool>,
    /// Whether the driver saw, since the last barrier, how far the device is.
    unordered_read: Cell<bool>,
    /// The descriptor of a packed ring that makes available what the driver adds next, if that is
    /// known.
    head: Cell<Option<u16>>,
    /// Whether the ring is packed.
    packed: bool,
    /// Counters.
    stats: Stats,
}

impl Bus {
    /// Where the parts of a ring of `size` entries are, and where they end.
    fn parts(size: u16) -> (Addresses, u64) {
        let entries = u64::from(size);
        let desc = BASE;
        let driver = desc + 16 * entries;
        let device = (driver + 6 + 2 * entries).next_multiple_of(4);
        let at = Addresses {
            desc,
            driver,
            device,
        };
        (at, device + 6 + 8 * entries)
    }

    /// Memory that is zero.
    pub fn new(kind: Kind) -> Self {
        let (at, tables) = Self::parts(kind.size);
        let tables = tables.next_multiple_of(16);
        let entries = u64::from(kind.size);
        let end = tables + 16 * entries * u64::from(kind.table_len);
        let bytes = usize::try_from(end - BASE).expect("it fits in memory");
        Self {
            arena: Arena::new(BASE, bytes),
            at,
            tables,
            size: kind.size,
            table_len: kind.table_len,
            unordered_write: Cell::new(false),
            unordered_read: Cell::new(false),
            head: Cell::new(None),
            packed: kind.packed,
            stats: Stats::default(),
        }
    }

    /// The device at the other end, for which the ring is of this kind.
    pub fn device(&self, kind: Kind) -> Queue<Arena> {
        let features = Features {
            indirect: kind.indirect,
            event_idx: kind.event_idx,
            in_order: kind.in_order,
        };
        let memory = self.arena.clone();
        Queue::new(memory, kind.packed, kind.size, self.at, features).expect("a valid layout")
    }

    /// The memory as a ring of its form takes it.
    pub fn either(self) -> Either<Self, Self> {
        if self.packed {
            Either::Packed(self)
        } else {
            Either::Split(self)
        }
    }

    /// Whether all is zero that the device sees, but for tables and what a driver wishes.
    pub fn is_clear(&self) -> bool {
        let mut all = (self.at.desc..self.tables).step_by(2);
        all.all(|at| {
            let wish = self.packed && (self.at.driver..self.at.driver + 4).contains(&at);
            wish || self.read16(at) == 0
        })
    }

    /// Fills the memory, tables and all, as somebody else could have left it.
    pub fn soil(&self, filling: u16) {
        for at in (BASE..BASE + self.arena.bytes() as u64).step_by(2) {
            self.write16(at, filling);
        }
    }

    /// Says how many descriptors were made available, of a packed ring.
    pub fn note_seen(&self, seen: u64) {
        self.head.set(Some((seen % u64::from(self.size)) as u16));
    }

    /// Writes an entry of a descriptor table or ring.
    fn write_raw(&self, at: u64, addr: u64, len: u32, third: u16) {
        self.unordered_write.set(true);
        self.arena.write64(at, addr).expect("within");
        self.arena.write32(at + 8, len).expect("within");
        self.write16(at + 12, third);
    }

    /// The entry of a ring for any position.
    fn entry(&self, position: u16) -> u64 {
        u64::from(position & (self.size - 1))
    }

    /// Reads 16 bits.
    fn read16(&self, at: u64) -> u16 {
        self.arena.read16(at).expect("within the memory")
    }

    /// Writes 16 bits.
    fn write16(&self, at: u64, value: u16) {
        self.arena.write16(at, value).expect("within the memory");
    }

    /// Writes a descriptor of a split ring.
    fn write(&self, at: u64, desc: Descriptor) {
        self.write_raw(at, desc.addr, desc.len, desc.flags);
        self.write16(at + 14, desc.next);
    }
}

impl Memory for Bus {
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

    fn resize(&mut self, size: u16) -> bool {
        let (at, end) = Self::parts(size);
        if end > self.tables {
            return false;
        }
        (self.at, self.size) = (at, size);
        self.head.set(None);
        true
    }

    fn clear(&self) {
        for at in (self.at.desc..self.tables).step_by(2) {
            self.write16(at, 0);
        }
    }

    fn table_len(&self) -> u16 {
        self.table_len
    }

    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_> {
        Entries::new(self, head, len, linked)
    }

    fn wmb(&self) {
        fence(Release);
        self.unordered_write.set(false);
    }

    fn rmb(&self) {
        fence(Acquire);
        self.unordered_read.set(false);
    }

    fn mb(&self) {
        fence(SeqCst);
        self.unordered_write.set(false);
        self.unordered_read.set(false);
    }
}

impl WriteEntry for Bus {
    fn write_entry(&self, head: u16, entry: u16, desc: Descriptor) {
        assert!(head < self.size && entry < self.table_len);
        let at = self.table_addr(head) + 16 * u64::from(entry);
        match self.packed {
            false => self.write(at, desc),
            true => {
                self.write_raw(at, desc.addr, desc.len, 0);
                self.write16(at + 14, desc.flags);
            }
        }
    }

    fn table_addr(&self, head: u16) -> u64 {
        self.tables + 16 * u64::from(head) * u64::from(self.table_len)
    }
}

impl SplitMemory for Bus {
    fn write_desc(&self, index: u16, desc: Descriptor) {
        assert!(index < self.size, "descriptor {index}");
        self.write(self.at.desc + 16 * u64::from(index), desc);
    }

    fn write_desc_flags(&self, index: u16, flags: u16) {
        assert!(index < self.size, "descriptor {index}");
        self.write16(self.at.desc + 16 * u64::from(index) + 12, flags);
    }

    fn write_avail_ring(&self, position: u16, head: u16) {
        self.unordered_write.set(true);
        self.write16(self.at.driver + 4 + 2 * self.entry(position), head);
    }

    fn write_avail_idx(&self, idx: u16) {
        assert!(!self.unordered_write.get(), "no barrier before the index");
        self.write16(self.at.driver + layout::IDX as u64, idx);
    }

    fn write_avail_flags(&self, flags: u16) {
        self.write16(self.at.driver, flags);
    }

    fn write_used_event(&self, idx: u16) {
        self.write16(self.at.driver + layout::used_event(self.size) as u64, idx);
    }

    fn read_used_idx(&self) -> u16 {
        self.unordered_read.set(true);
        self.read16(self.at.device + 2)
    }

    fn read_used_elem(&self, position: u16) -> (u32, u32) {
        assert!(!self.unordered_read.get(), "no barrier after the index");
        let at = self.at.device + 4 + 8 * self.entry(position);
        let read = |at| self.arena.read32(at).expect("within the memory");
        (read(at), read(at + 4))
    }

    fn read_used_flags(&self) -> u16 {
        self.read16(self.at.device)
    }

    fn read_avail_event(&self) -> u16 {
        self.read16(self.at.device + layout::avail_event(self.size) as u64)
    }
}

impl PackedMemory for Bus {
    fn write_desc(&self, offset: u16, addr: u64, len: u32, id: u16) {
        assert!(offset < self.size, "descriptor {offset}");
        self.write_raw(self.at.desc + 16 * u64::from(offset), addr, len, id);
    }

    fn write_flags(&self, offset: u16, flags: u16) {
        assert!(offset < self.size, "descriptor {offset}");
        assert_ne!(flags & (flags::AVAIL | flags::USED), 0, "not available");
        let ordered = !self.unordered_write.replace(true);
        assert!(ordered || self.head.get() != Some(offset), "no barrier");
        self.write16(self.at.desc + 16 * u64::from(offset) + 14, flags);
    }

    fn write_driver_event(&self, event: u16) {
        self.write16(self.at.driver, event);
    }

    fn write_driver_flags(&self, flags: u16) {
        self.write16(self.at.driver + 2, flags);
    }

    fn read_flags(&self, offset: u16) -> u16 {
        assert!(offset < self.size, "descriptor {offset}");
        self.unordered_read.set(true);
        self.read16(self.at.desc + 16 * u64::from(offset) + 14)
    }

    fn read_used(&self, offset: u16) -> (u16, u32) {
        assert!(offset < self.size, "descriptor {offset}");
        assert!(!self.unordered_read.get(), "no barrier after the flags");
        let at = self.at.desc + 16 * u64::from(offset);
        let len = self.arena.read32(at + 8).expect("within the memory");
        (self.read16(at + 12), len)
    }

    fn read_device_event(&self) -> (u16, u16) {
        (self.read16(self.at.device), self.read16(self.at.device + 2))
    }
}
