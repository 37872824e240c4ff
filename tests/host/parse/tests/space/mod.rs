// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Configuration spaces to be parsed.

use pure::transport::pci::capability::ConfigSpace;
use std::cell::RefCell;

/// A configuration space that counts how often each byte is read.
pub struct Space {
    /// Its bytes.
    pub bytes: [u8; 256],
    /// How often each was read.
    pub reads: RefCell<[u32; 256]>,
}

impl Space {
    /// A configuration space with these bytes.
    pub fn new(bytes: [u8; 256]) -> Self {
        Self {
            bytes,
            reads: RefCell::new([0; 256]),
        }
    }

    /// Reads `N` bytes.
    fn read<const N: usize>(&self, offset: u16) -> [u8; N] {
        let offset = usize::from(offset);
        assert_eq!(offset % N, 0, "not aligned");
        assert!(offset + N <= 256, "outside the configuration space");
        for count in &mut self.reads.borrow_mut()[offset..][..N] {
            *count += 1;
        }
        std::array::from_fn(|at| self.bytes[offset + at])
    }
}

impl ConfigSpace for Space {
    fn read8(&self, offset: u16) -> u8 {
        self.read::<1>(offset)[0]
    }

    fn read16(&self, offset: u16) -> u16 {
        u16::from_le_bytes(self.read(offset))
    }

    fn read32(&self, offset: u16) -> u32 {
        u32::from_le_bytes(self.read(offset))
    }
}

/// A capability to lay out.
#[derive(Clone, Debug)]
pub struct Cap {
    /// Its id.
    pub id: u8,
    /// How long it says it is.
    pub len: u8,
    /// The type of its structure.
    pub kind: u8,
    /// The BAR.
    pub bar: u8,
    /// The number of a region of shared memory.
    pub shm: u8,
    /// Offset, length, and what follows them.
    pub words: Vec<u32>,
}

/// A capability of a structure.
pub fn cap(kind: u8, bar: u8, offset: u32, length: u32) -> Cap {
    Cap {
        id: 9,
        len: 16,
        kind,
        bar,
        shm: 0,
        words: vec![offset, length],
    }
}

/// The capability of a notification structure.
pub fn notify(bar: u8, offset: u32, length: u32, multiplier: u32) -> Cap {
    let mut cap = cap(2, bar, offset, length);
    cap.len = 20;
    cap.words.push(multiplier);
    cap
}

/// The capability of a region of shared memory.
pub fn shared(shm: u8, bar: u8, offset: u64, length: u64) -> Cap {
    let mut cap = cap(8, bar, offset as u32, length as u32);
    cap.len = 24;
    cap.shm = shm;
    cap.words
        .extend([(offset >> 32) as u32, (length >> 32) as u32]);
    cap
}

/// A configuration space with these capabilities, one after the other from 0x40 on.
pub fn space(caps: &[Cap]) -> Space {
    let mut bytes = [0; 256];
    bytes[6] = 0x10;
    let mut link = 0x34;
    let mut at = 0x40;
    for cap in caps {
        bytes[link] = at as u8;
        let header = [cap.id, 0, cap.len, cap.kind, cap.bar, cap.shm, 0, 0];
        let words = cap.words.iter().flat_map(|word| word.to_le_bytes());
        let size = 8 + 4 * cap.words.len();
        for (byte, value) in bytes[at..].iter_mut().zip(header.into_iter().chain(words)) {
            *byte = value;
        }
        link = at + 1;
        at += size;
    }
    assert!(at <= 256, "too many capabilities");
    Space::new(bytes)
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.bytes.chunks(16)).finish()
    }
}
