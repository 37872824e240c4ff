// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A ring's memory, written by hand.

use device::{
    Addresses,
    Arena,
    Features,
    Memory,
    Queue,
    Violation, //
};

/// The list goes on.
pub const NEXT: u16 = 1;
/// The device writes it.
pub const WRITE: u16 = 2;
/// It is a table.
pub const INDIRECT: u16 = 4;
/// Available, in the first round of a packed ring.
pub const AVAIL: u16 = 1 << 7;
/// Used; in the second round of a packed ring: available.
pub const USED: u16 = 1 << 15;

/// Entries of the rings here.
pub const SIZE: u16 = 4;
/// Where a table may be.
pub const TABLE: u64 = 0x1_0800;

/// No features.
pub const NONE: Features = Features {
    indirect: false,
    event_idx: false,
    in_order: false,
};
/// Indirect tables.
pub const TABLES: Features = Features {
    indirect: true,
    ..NONE
};
/// The event index.
pub const EVENT: Features = Features {
    event_idx: true,
    ..NONE
};
/// Use in order.
pub const ORDER: Features = Features {
    in_order: true,
    ..NONE
};

/// Where the parts are.
pub const AT: Addresses = Addresses {
    desc: 0x1_0000,
    driver: 0x1_0400,
    device: 0x1_0600,
};

/// A queue, and its memory.
pub struct Rig {
    /// The memory.
    pub memory: Arena,
    /// The device.
    pub queue: Queue<Arena>,
}

impl Rig {
    /// A queue that was just enabled.
    pub fn new(packed: bool, features: Features) -> Self {
        let memory = Arena::new(0x1_0000, 0x1000);
        let queue = Queue::new(memory.clone(), packed, SIZE, AT, features);
        let queue = queue.expect("the layout is valid");
        Self { memory, queue }
    }

    /// Writes a descriptor: the third field of four 16 bits wide and the last one as they are in
    /// memory.
    pub fn raw(&self, at: u64, addr: u64, len: u32, third: u16, fourth: u16) {
        self.memory.write64(at, addr).unwrap();
        self.memory.write32(at + 8, len).unwrap();
        self.memory.write16(at + 12, third).unwrap();
        self.memory.write16(at + 14, fourth).unwrap();
    }

    /// Writes a descriptor of a split ring.
    pub fn split(&self, index: u16, len: u32, flags: u16, next: u16) {
        let at = AT.desc + 16 * u64::from(index);
        self.raw(at, 0xb0ff_0000, len, flags, next);
    }

    /// Writes a descriptor of a packed ring.
    pub fn packed(&self, index: u16, len: u32, id: u16, flags: u16) {
        let at = AT.desc + 16 * u64::from(index);
        self.raw(at, 0xb0ff_0000, len, id, flags);
    }

    /// Makes chains with these heads available, of a split ring.
    pub fn avail(&self, heads: &[u16]) {
        let idx = self.memory.read16(AT.driver + 2).unwrap();
        for (position, &head) in (idx..).zip(heads) {
            let at = AT.driver + 4 + 2 * u64::from(position % SIZE);
            self.memory.write16(at, head).unwrap();
        }
        let idx = idx + u16::try_from(heads.len()).unwrap();
        self.memory.write16(AT.driver + 2, idx).unwrap();
    }

    /// Writes the descriptor of a table: to a split ring and a packed one alike, but for the flags.
    pub fn table(&self, packed: bool, len: u32, flags: u16) {
        if packed {
            self.raw(AT.desc, TABLE, len, 0, flags | INDIRECT | AVAIL);
        } else {
            self.raw(AT.desc, TABLE, len, flags | INDIRECT, 0);
        }
    }

    /// What the device says to what it is given.
    pub fn verdict(&mut self) -> Result<u16, Violation> {
        self.queue.poll()
    }
}
