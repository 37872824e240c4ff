// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of a packed ring, and a device.

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
use pure::ring::packed::{
    event,
    flags,
    PackedMemory, //
};

/// What is in a descriptor.
#[derive(Debug)]
struct Desc {
    /// Its address, which stands for all that only the driver writes.
    addr: AtomicU64,
    /// Its length.
    len: AtomicU32,
    /// Its id.
    id: AtomicU16,
    /// Its flags.
    flags: AtomicU16,
}

/// What driver and device share.
#[derive(Debug)]
pub struct Shared {
    /// The ring.
    desc: Vec<Desc>,
    /// The descriptor of the driver's event suppression.
    driver_event: AtomicU16,
    /// Its flags.
    driver_flags: AtomicU16,
    /// The device's event suppression: its descriptor in the low half, its flags in the high one.
    device: AtomicU32,
}

/// The driver's handle of the memory.
pub type Memory = memory::Memory<Shared>;

impl Memory {
    /// A descriptor.
    fn desc(&self, offset: u16) -> &Desc {
        &self.shared.desc[usize::from(offset)]
    }
}

impl PackedMemory for Memory {
    fn write_desc(&self, offset: u16, addr: u64, len: u32, id: u16) {
        let desc = self.desc(offset);
        desc.addr.store(addr, Relaxed);
        desc.len.store(len, Relaxed);
        desc.id.store(id, Relaxed);
    }

    fn write_flags(&self, offset: u16, flags: u16) {
        self.desc(offset).flags.store(flags, Relaxed);
    }

    fn write_driver_event(&self, event: u16) {
        self.shared.driver_event.store(event, Relaxed);
    }

    fn write_driver_flags(&self, flags: u16) {
        self.shared.driver_flags.store(flags, Relaxed);
    }

    fn read_flags(&self, offset: u16) -> u16 {
        self.desc(offset).flags.load(Relaxed)
    }

    fn read_used(&self, offset: u16) -> (u16, u32) {
        let desc = self.desc(offset);
        (desc.id.load(Relaxed), desc.len.load(Relaxed))
    }

    fn read_device_event(&self) -> (u16, u16) {
        let both = self.shared.device.load(Relaxed);
        ((both & 0xffff) as u16, (both >> 16) as u16)
    }
}

/// The device's side, with all the barriers that it needs. Positions are counted on and on.
#[derive(Debug)]
pub(crate) struct Device {
    /// What it shares with the driver.
    shared: Arc<Shared>,
    /// Whether the event index was negotiated.
    event_idx: bool,
    /// Entries of the ring.
    size: u16,
    /// Chains taken.
    taken: u16,
    /// Descriptors taken.
    next: u16,
    /// Descriptors used or skipped.
    used: u16,
}

/// Memory, without one of the driver's barriers if so wanted, and the device at its other end.
pub(crate) fn new(kind: Kind) -> (Memory, Device) {
    let shared = Arc::new(Shared {
        desc: cells(kind.size, || Desc {
            addr: AtomicU64::new(0),
            len: AtomicU32::new(0),
            id: AtomicU16::new(0),
            flags: AtomicU16::new(0),
        }),
        driver_event: AtomicU16::new(0),
        driver_flags: AtomicU16::new(0),
        device: AtomicU32::new(0),
    });
    let device = Device {
        shared: shared.clone(),
        event_idx: kind.event_idx,
        size: kind.size,
        taken: 0,
        next: 0,
        used: 0,
    };
    (Memory::new(shared, kind), device)
}

impl Device {
    /// The descriptor at a position.
    fn desc(&self, position: u16) -> &Desc {
        &self.shared.desc[usize::from(position % self.size)]
    }

    /// The wrap counter at a position.
    fn wrap(&self, position: u16) -> bool {
        position / self.size % 2 == 0
    }

    /// A position as it is told.
    fn told(&self, position: u16) -> u16 {
        (position % self.size) | (u16::from(self.wrap(position)) << 15)
    }

    /// Whether flags say that the descriptor at a position is available.
    fn is_available(&self, flags: u16, position: u16) -> bool {
        let wrap = self.wrap(position);
        (flags & flags::AVAIL != 0) == wrap && (flags & flags::USED != 0) != wrap
    }

    /// Takes a chain: id and tag.
    pub(crate) fn take(&mut self) -> Option<(u16, u64)> {
        let mut flags = self.desc(self.next).flags.load(Relaxed);
        if !self.is_available(flags, self.next) {
            return None;
        }
        fence(Acquire);
        let tag = self.desc(self.next).addr.load(Relaxed);
        while flags & flags::NEXT != 0 {
            self.next += 1;
            let desc = self.desc(self.next);
            flags = desc.flags.load(Relaxed);
            assert!(self.is_available(flags, self.next), "a stale descriptor");
            assert_eq!(desc.addr.load(Relaxed), tag, "a stale descriptor");
        }
        let id = self.desc(self.next).id.load(Relaxed);
        self.next += 1;
        self.taken += 1;
        Some((id, tag))
    }

    /// Chains taken.
    pub(crate) fn taken(&self) -> u16 {
        self.taken
    }

    /// Asks for no notifications.
    pub(crate) fn disable_notifications(&self) {
        let flags = u32::from(event::DISABLE);
        self.shared.device.store(flags << 16, Relaxed);
    }

    /// Asks for a notification of the next chain. Whether the device may wait for it.
    pub(crate) fn enable_notifications(&self) -> bool {
        let wish = if self.event_idx {
            u32::from(event::DESC) << 16 | u32::from(self.told(self.next))
        } else {
            u32::from(event::ENABLE) << 16
        };
        self.shared.device.store(wish, Relaxed);
        fence(SeqCst);
        let flags = self.desc(self.next).flags.load(Relaxed);
        !self.is_available(flags, self.next)
    }

    /// Uses so many chains of one descriptor each, by a used descriptor for the last one. Whether
    /// the driver wants an interrupt.
    pub(crate) fn complete(&mut self, id: u16, len: u32, count: u16) -> bool {
        let old = self.used;
        let desc = self.desc(old);
        desc.id.store(id, Relaxed);
        desc.len.store(len, Relaxed);
        fence(Release);
        let used = if self.wrap(old) {
            flags::AVAIL | flags::USED
        } else {
            0
        };
        desc.flags.store(used | flags::WRITE, Relaxed);
        self.used += count;
        fence(SeqCst);
        match self.shared.driver_flags.load(Relaxed) {
            event::ENABLE => true,
            event::DISABLE => false,
            _ => {
                fence(Acquire);
                let event = self.shared.driver_event.load(Relaxed);
                (old..self.used).any(|position| self.told(position) == event)
            }
        }
    }
}
