// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of a split ring, and a device.

use crate::{
    cells,
    memory,
    Kind, //
};
use loom::sync::atomic::{
    fence,
    AtomicU16,
    AtomicU32,
    AtomicU64,
    Ordering::{
        Acquire,
        Relaxed,
        Release,
        SeqCst, //
    }, //
};
use loom::sync::Arc;
use pure::ring::{
    descriptor::Descriptor,
    split::SplitMemory, //
};

/// What driver and device share.
#[derive(Debug)]
pub struct Shared {
    /// Addresses in the descriptor table. They stand for all of a descriptor.
    desc: Vec<AtomicU64>,
    /// Entries of the available ring.
    avail: Vec<AtomicU16>,
    /// Index of the available ring.
    avail_idx: AtomicU16,
    /// Flags of the available ring.
    avail_flags: AtomicU16,
    /// Where the driver wants an interrupt.
    used_event: AtomicU16,
    /// Entries of the used ring.
    used: Vec<(AtomicU32, AtomicU32)>,
    /// Index of the used ring.
    used_idx: AtomicU16,
    /// Flags of the used ring.
    used_flags: AtomicU16,
    /// Where the device wants a notification.
    avail_event: AtomicU16,
}

/// The driver's handle of the memory.
pub type Memory = memory::Memory<Shared>;

impl Memory {
    /// Where in the ring a position is.
    fn at(&self, position: u16) -> usize {
        usize::from(position & (self.size - 1))
    }
}

impl SplitMemory for Memory {
    fn write_desc(&self, index: u16, desc: Descriptor) {
        self.shared.desc[self.at(index)].store(desc.addr, Relaxed);
    }

    fn write_desc_flags(&self, _: u16, _: u16) {}

    fn write_avail_ring(&self, position: u16, head: u16) {
        self.shared.avail[self.at(position)].store(head, Relaxed);
    }

    fn write_avail_idx(&self, idx: u16) {
        self.shared.avail_idx.store(idx, Relaxed);
    }

    fn write_avail_flags(&self, flags: u16) {
        self.shared.avail_flags.store(flags, Relaxed);
    }

    fn write_used_event(&self, idx: u16) {
        self.shared.used_event.store(idx, Relaxed);
    }

    fn read_used_idx(&self) -> u16 {
        self.shared.used_idx.load(Relaxed)
    }

    fn read_used_elem(&self, position: u16) -> (u32, u32) {
        let (id, len) = &self.shared.used[self.at(position)];
        (id.load(Relaxed), len.load(Relaxed))
    }

    fn read_used_flags(&self) -> u16 {
        self.shared.used_flags.load(Relaxed)
    }

    fn read_avail_event(&self) -> u16 {
        self.shared.avail_event.load(Relaxed)
    }
}

/// The device's side, with all the barriers that it needs.
#[derive(Debug)]
pub(crate) struct Device {
    /// What it shares with the driver.
    shared: Arc<Shared>,
    /// Whether the event index was negotiated.
    event_idx: bool,
    /// Entries of the ring.
    size: u16,
    /// Available entries taken.
    taken: u16,
    /// Used entries written.
    used: u16,
}

/// Memory, without one of the driver's barriers if so wanted, and the device at its other end.
pub(crate) fn new(kind: Kind) -> (Memory, Device) {
    let shared = Arc::new(Shared {
        desc: cells(kind.size, || AtomicU64::new(0)),
        avail: cells(kind.size, || AtomicU16::new(0)),
        avail_idx: AtomicU16::new(0),
        avail_flags: AtomicU16::new(0),
        used_event: AtomicU16::new(0),
        used: cells(kind.size, || (AtomicU32::new(0), AtomicU32::new(0))),
        used_idx: AtomicU16::new(0),
        used_flags: AtomicU16::new(0),
        avail_event: AtomicU16::new(0),
    });
    let device = Device {
        shared: shared.clone(),
        event_idx: kind.event_idx,
        size: kind.size,
        taken: 0,
        used: 0,
    };
    (Memory::new(shared, kind), device)
}

impl Device {
    /// Where in the ring a position is.
    fn at(&self, position: u16) -> usize {
        usize::from(position & (self.size - 1))
    }

    /// Takes a chain: head and tag.
    pub(crate) fn take(&mut self) -> Option<(u16, u64)> {
        if self.shared.avail_idx.load(Relaxed) == self.taken {
            return None;
        }
        fence(Acquire);
        let head = self.shared.avail[self.at(self.taken)].load(Relaxed);
        let tag = self.shared.desc[self.at(head)].load(Relaxed);
        self.taken = self.taken.wrapping_add(1);
        Some((head, tag))
    }

    /// Available entries taken.
    pub(crate) fn taken(&self) -> u16 {
        self.taken
    }

    /// Asks for no notifications. With the event index, it asks for one that has been.
    pub(crate) fn disable_notifications(&self) {
        if self.event_idx {
            let passed = self.taken.wrapping_sub(1);
            self.shared.avail_event.store(passed, Relaxed);
        } else {
            self.shared.used_flags.store(1, Relaxed);
        }
    }

    /// Asks for a notification of the next chain. Whether the device may wait for it.
    pub(crate) fn enable_notifications(&self) -> bool {
        if self.event_idx {
            self.shared.avail_event.store(self.taken, Relaxed);
        } else {
            self.shared.used_flags.store(0, Relaxed);
        }
        fence(SeqCst);
        self.shared.avail_idx.load(Relaxed) == self.taken
    }

    /// Uses so many chains by an entry for the last one. Whether the driver wants an interrupt.
    pub(crate) fn complete(&mut self, head: u16, len: u32, count: u16) -> bool {
        let old = self.used;
        let (id, length) = &self.shared.used[self.at(old)];
        id.store(head.into(), Relaxed);
        length.store(len, Relaxed);
        fence(Release);
        self.used = old.wrapping_add(count);
        self.shared.used_idx.store(self.used, Relaxed);
        fence(SeqCst);
        if self.event_idx {
            self.shared.used_event.load(Relaxed).wrapping_sub(old) < count
        } else {
            self.shared.avail_flags.load(Relaxed) & 1 == 0
        }
    }
}
