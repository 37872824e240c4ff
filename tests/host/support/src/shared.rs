// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Memory that driver and device share, and that panics when the driver breaks a rule.

use pure::{
    entries::{
        Entries,
        WriteEntry, //
    },
    ring::{
        descriptor::Descriptor,
        split::SplitMemory,
        stats::Stats,
        Memory,
        Options, //
    }, //
};
use std::cell::{
    Ref,
    RefCell,
    RefMut, //
};
use std::collections::HashMap;
use std::rc::Rc;

/// What the driver did to the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Wrote a descriptor.
    WriteDesc(u16),
    /// Wrote an entry of an indirect table.
    WriteTable(u16, u16),
    /// Wrote an entry of the available ring.
    WriteAvailRing(u16),
    /// Wrote the available index.
    WriteAvailIdx(u16),
    /// Wrote the available flags.
    WriteAvailFlags(u16),
    /// Wrote the used event.
    WriteUsedEvent(u16),
    /// Read the used index.
    ReadUsedIdx,
    /// Read an entry of the used ring.
    ReadUsedElem(u16),
    /// Read the used flags.
    ReadUsedFlags,
    /// Read the available event.
    ReadAvailEvent,
    /// Write barrier.
    Wmb,
    /// Read barrier.
    Rmb,
    /// Full barrier.
    Mb,
}

/// A segment of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its address.
    pub addr: u64,
    /// Its length.
    pub len: u32,
    /// Whether the device writes it.
    pub writable: bool,
}

/// A chain as the device sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its head.
    pub head: u16,
    /// Its segments.
    pub segments: Vec<Segment>,
    /// Whether it is in an indirect table.
    pub indirect: bool,
    /// The descriptors it takes of the descriptor table.
    pub descriptors: Vec<u16>,
}

impl Chain {
    /// Bytes that the device may write.
    pub fn writable(&self) -> u32 {
        let writable = self.segments.iter().filter(|segment| segment.writable);
        writable.map(|segment| segment.len).sum()
    }
}

/// The address of the first indirect table.
const TABLES: u64 = 0x7ab1_e000_0000_0000;

/// The memory of a ring.
#[derive(Debug)]
pub struct Shared {
    /// Entries of the ring.
    pub size: u16,
    /// Entries of each indirect table.
    pub table_len: u16,
    /// What was negotiated.
    pub options: Options,
    /// The descriptor table.
    pub desc: Vec<Descriptor>,
    /// The indirect tables, one after the other.
    pub tables: Vec<Descriptor>,
    /// Flags of the available ring.
    pub avail_flags: u16,
    /// Index of the available ring.
    pub avail_idx: u16,
    /// Entries of the available ring.
    pub avail: Vec<u16>,
    /// Where the driver wants an interrupt.
    pub used_event: u16,
    /// Flags of the used ring.
    pub used_flags: u16,
    /// Index of the used ring.
    pub used_idx: u16,
    /// Entries of the used ring.
    pub used: Vec<(u32, u32)>,
    /// Where the device wants a notification.
    pub avail_event: u16,
    /// The chains that the driver has shown the device and that the device has not used, by head.
    pub exposed: HashMap<u16, Chain>,
    /// Which chain each descriptor belongs to, of those exposed.
    owners: Vec<Option<u16>>,
    /// What the driver did.
    pub log: Vec<Access>,
    /// The most used entries that were read with one barrier pending: none may be.
    unordered_read: bool,
    /// Writes since the last write barrier, which the available index must not overtake.
    unordered_write: bool,
    /// Whether the device is expected to break the rules.
    pub hostile: bool,
}

impl Shared {
    /// Where the table of `head` begins.
    fn table(&self, head: u16) -> usize {
        usize::from(head) * usize::from(self.table_len)
    }

    /// Takes `position` modulo the size.
    pub fn reduce(&self, position: u16) -> usize {
        usize::from(position & (self.size - 1))
    }

    /// Follows the chain that starts at `head`, with all that the specification says of it.
    pub fn walk(&self, head: u16) -> Chain {
        assert!(head < self.size, "head {head} is outside the ring");
        let mut chain = Chain {
            head,
            segments: Vec::new(),
            indirect: false,
            descriptors: Vec::new(),
        };
        let mut at = head;
        loop {
            let desc = self.desc[usize::from(at)];
            chain.descriptors.push(at);
            assert!(
                chain.descriptors.len() <= usize::from(self.size),
                "the chain is a loop"
            );
            if desc.flags & Descriptor::INDIRECT != 0 {
                assert!(self.options.indirect, "indirect was not negotiated");
                assert_eq!(desc.flags & Descriptor::NEXT, 0, "indirect and next");
                assert_eq!(desc.addr, self.table_addr(at), "some other table");
                assert_eq!(desc.len % Descriptor::SIZE, 0, "length of the table");
                assert_eq!(chain.descriptors.len(), 1, "indirect within a chain");
                chain.indirect = true;
                self.walk_table(at, desc.len / Descriptor::SIZE, &mut chain);
                break;
            }
            chain.push(desc);
            if desc.flags & Descriptor::NEXT == 0 {
                break;
            }
            at = desc.next;
            assert!(at < self.size, "next {at} is outside the ring");
        }
        let total: u64 = chain.segments.iter().map(|s| u64::from(s.len)).sum();
        assert!(total <= 1 << 32, "more than 2^32 bytes");
        assert!(
            chain.segments.len() <= usize::from(self.size),
            "longer than the queue"
        );
        chain
    }

    /// Follows an indirect table.
    fn walk_table(&self, head: u16, len: u32, chain: &mut Chain) {
        assert!(len >= 1 && len <= u32::from(self.table_len));
        let table = &self.tables[self.table(head)..][..len as usize];
        let mut at = 0;
        loop {
            let desc = table[at];
            assert_eq!(desc.flags & Descriptor::INDIRECT, 0, "a table in a table");
            chain.push(desc);
            if desc.flags & Descriptor::NEXT == 0 {
                assert_eq!(chain.segments.len(), len as usize, "entries left over");
                break;
            }
            assert!(chain.segments.len() < len as usize, "the table is a loop");
            at = usize::from(desc.next);
        }
    }

    /// The address of the table of `head`.
    fn table_addr(&self, head: u16) -> u64 {
        TABLES + 16 * self.table(head) as u64
    }

    /// Notes that the device has the chains up to `idx`.
    fn expose(&mut self, idx: u16) {
        let count = idx.wrapping_sub(self.avail_idx);
        assert!(count <= self.size, "the available index moved back");
        for position in 0..count {
            let position = self.avail_idx.wrapping_add(position);
            let chain = self.walk(self.avail[self.reduce(position)]);
            for &at in &chain.descriptors {
                let owner = self.owners[usize::from(at)].replace(chain.head);
                assert_eq!(owner, None, "descriptor {at} is in use");
            }
            self.exposed.insert(chain.head, chain);
        }
        self.avail_idx = idx;
    }

    /// Notes that the device has used a chain.
    pub fn conceal(&mut self, chain: &Chain) {
        let exposed = self.exposed.remove(&chain.head);
        assert_eq!(
            exposed.as_ref(),
            Some(chain),
            "changed while it was exposed"
        );
        for &at in &chain.descriptors {
            self.owners[usize::from(at)] = None;
        }
    }

    /// Whether the driver must leave this descriptor, and its table, alone.
    fn is_exposed(&self, index: u16) -> bool {
        !self.hostile && self.owners[usize::from(index)].is_some()
    }
}

impl Chain {
    /// Adds what a descriptor says.
    fn push(&mut self, desc: Descriptor) {
        let writable = desc.flags & Descriptor::WRITE != 0;
        let known = Descriptor::NEXT | Descriptor::WRITE | Descriptor::INDIRECT;
        assert_eq!(desc.flags & !known, 0, "unknown flags");
        assert_ne!(desc.len, 0, "an empty segment");
        if let Some(last) = self.segments.last() {
            assert!(writable || !last.writable, "readable after writable");
        }
        self.segments.push(Segment {
            addr: desc.addr,
            len: desc.len,
            writable,
        });
    }
}

/// The driver's handle of the memory. It records what is done.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// The memory.
    shared: Rc<RefCell<Shared>>,
    /// Counters.
    stats: Rc<Stats>,
}

impl Recorder {
    /// Memory as the driver should allocate it: zero.
    pub fn new(size: u16, table_len: u16, options: Options) -> Self {
        let entries = usize::from(size);
        let shared = Shared {
            size,
            table_len,
            options,
            desc: vec![Descriptor::default(); entries],
            tables: vec![Descriptor::default(); entries * usize::from(table_len)],
            avail_flags: 0,
            avail_idx: 0,
            avail: vec![0; entries],
            used_event: 0,
            used_flags: 0,
            used_idx: 0,
            used: vec![(0, 0); entries],
            avail_event: 0,
            exposed: HashMap::new(),
            owners: vec![None; entries],
            log: Vec::new(),
            unordered_read: false,
            unordered_write: false,
            hostile: false,
        };
        Self {
            shared: Rc::new(RefCell::new(shared)),
            stats: Rc::default(),
        }
    }

    /// The memory, to look at.
    pub fn shared(&self) -> Ref<'_, Shared> {
        self.shared.borrow()
    }

    /// The memory, to change as the device can.
    pub fn shared_mut(&self) -> RefMut<'_, Shared> {
        self.shared.borrow_mut()
    }

    /// What the driver did since the last call.
    pub fn take_log(&self) -> Vec<Access> {
        std::mem::take(&mut self.shared_mut().log)
    }

    /// The memory, with one more access in the log.
    fn log(&self, access: Access) -> RefMut<'_, Shared> {
        let mut shared = self.shared_mut();
        shared.log.push(access);
        shared
    }
}

impl Memory for Recorder {
    type Table<'b>
        = Entries<'b>
    where
        Self: 'b;

    fn size(&self) -> u16 {
        self.shared().size
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn resize(&mut self, size: u16) -> bool {
        let mut shared = self.shared_mut();
        if usize::from(size) > shared.desc.len() {
            return false;
        }
        shared.size = size;
        true
    }

    fn clear(&self) {
        let mut shared = self.shared_mut();
        shared.desc.fill(Descriptor::default());
        shared.avail.fill(0);
        shared.used.fill((0, 0));
        shared.owners.fill(None);
        shared.exposed.clear();
        shared.avail_flags = 0;
        shared.avail_idx = 0;
        shared.used_event = 0;
        shared.used_flags = 0;
        shared.used_idx = 0;
        shared.avail_event = 0;
    }

    fn table_len(&self) -> u16 {
        self.shared().table_len
    }

    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_> {
        Entries::new(self, head, len, linked)
    }

    fn wmb(&self) {
        self.log(Access::Wmb).unordered_write = false;
    }

    fn rmb(&self) {
        self.log(Access::Rmb).unordered_read = false;
    }

    fn mb(&self) {
        let mut shared = self.log(Access::Mb);
        shared.unordered_write = false;
        shared.unordered_read = false;
    }
}

impl WriteEntry for Recorder {
    fn write_entry(&self, head: u16, entry: u16, desc: Descriptor) {
        let mut shared = self.log(Access::WriteTable(head, entry));
        assert!(!shared.is_exposed(head), "wrote exposed table {head}");
        assert!(entry < shared.table_len);
        shared.unordered_write = true;
        let at = shared.table(head) + usize::from(entry);
        shared.tables[at] = desc;
    }

    fn table_addr(&self, head: u16) -> u64 {
        self.shared().table_addr(head)
    }
}

impl SplitMemory for Recorder {
    fn write_desc(&self, index: u16, desc: Descriptor) {
        let mut shared = self.log(Access::WriteDesc(index));
        assert!(
            !shared.is_exposed(index),
            "wrote exposed descriptor {index}"
        );
        shared.unordered_write = true;
        shared.desc[usize::from(index)] = desc;
    }

    fn write_desc_flags(&self, index: u16, flags: u16) {
        let mut shared = self.log(Access::WriteDesc(index));
        assert!(
            !shared.is_exposed(index),
            "wrote exposed descriptor {index}"
        );
        shared.unordered_write = true;
        shared.desc[usize::from(index)].flags = flags;
    }

    fn write_avail_ring(&self, position: u16, head: u16) {
        let mut shared = self.log(Access::WriteAvailRing(position));
        shared.unordered_write = true;
        let at = shared.reduce(position);
        shared.avail[at] = head;
    }

    fn write_avail_idx(&self, idx: u16) {
        let mut shared = self.log(Access::WriteAvailIdx(idx));
        assert!(!shared.unordered_write, "no barrier before the index");
        if shared.hostile {
            shared.avail_idx = idx;
        } else {
            shared.expose(idx);
        }
    }

    fn write_avail_flags(&self, flags: u16) {
        let mut shared = self.log(Access::WriteAvailFlags(flags));
        let highest = if shared.options.event_idx { 0 } else { 1 };
        assert!(flags <= highest, "flags {flags}");
        shared.avail_flags = flags;
    }

    fn write_used_event(&self, idx: u16) {
        let mut shared = self.log(Access::WriteUsedEvent(idx));
        assert!(shared.options.event_idx, "no event index");
        shared.used_event = idx;
    }

    fn read_used_idx(&self) -> u16 {
        let mut shared = self.log(Access::ReadUsedIdx);
        shared.unordered_read = true;
        shared.used_idx
    }

    fn read_used_elem(&self, position: u16) -> (u32, u32) {
        let shared = self.log(Access::ReadUsedElem(position));
        assert!(!shared.unordered_read, "no barrier after the index");
        shared.used[shared.reduce(position)]
    }

    fn read_used_flags(&self) -> u16 {
        self.log(Access::ReadUsedFlags).used_flags
    }

    fn read_avail_event(&self) -> u16 {
        self.log(Access::ReadAvailEvent).avail_event
    }
}
