// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A buffer that the driver made available: a list of elements.

use crate::Violation;

/// The list goes on (2.7.5, 2.8.6).
pub(crate) const NEXT: u16 = 1;
/// The device writes the element (2.7.5, 2.8.3).
pub(crate) const WRITE: u16 = 2;
/// The element is a table of descriptors (2.7.5.3, 2.8.7).
pub(crate) const INDIRECT: u16 = 4;

/// Bytes of a descriptor.
pub(crate) const DESC_SIZE: u32 = 16;

/// A descriptor as it is in memory, of either form: in a split one the last two fields are the other
/// way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Desc {
    /// Bus address of the element.
    pub(crate) addr: u64,
    /// Its bytes.
    pub(crate) len: u32,
    /// `next` of a split ring's, `id` of a packed one's.
    pub(crate) link: u16,
    /// Flags.
    pub(crate) flags: u16,
}

/// A part of a buffer, contiguous in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Bus address.
    pub addr: u64,
    /// Bytes.
    pub len: u32,
    /// Whether the device writes it, or reads it.
    pub writable: bool,
}

/// A buffer that the driver made available and the device has not used.
///
/// It is not `Clone`: it is given back to the queue that it came from, once.
#[derive(Debug, PartialEq, Eq)]
pub struct Chain {
    /// What the device calls it when it has used it: the head of a split chain, the id of a packed
    /// one.
    pub id: u16,
    /// Its elements, in order.
    pub elements: Vec<Element>,
    /// Bytes that the device may read.
    pub readable: u64,
    /// Bytes that the device may write.
    pub writable: u64,
    /// Whether its elements, or the last of them, are in an indirect table.
    pub indirect: bool,
    /// The first position of its descriptors, in a ring of which they are taken in order.
    pub(crate) position: u64,
    /// Its descriptors in the table or ring: for a split chain index and contents, for a packed one
    /// none, as the ring remembers them.
    pub(crate) held: Vec<(u16, Desc)>,
    /// How many descriptors of the table or ring there are.
    pub(crate) descriptors: u16,
    /// The indirect table: its address, and what was in it.
    pub(crate) table: Option<(u64, Vec<Desc>)>,
}

impl Chain {
    /// A buffer without elements.
    pub(crate) fn new(position: u64) -> Self {
        Self {
            id: 0,
            elements: Vec::new(),
            readable: 0,
            writable: 0,
            indirect: false,
            position,
            held: Vec::new(),
            descriptors: 0,
            table: None,
        }
    }

    /// Descriptors that it takes in the table or ring.
    pub fn descriptors(&self) -> u16 {
        self.descriptors
    }

    /// Adds an element, for a queue of `size` entries.
    pub(crate) fn push(&mut self, desc: Desc, size: u16) -> Result<(), Violation> {
        let at = u16::try_from(self.elements.len()).map_err(|_| Violation::TooLong)?;
        if at >= size {
            return Err(Violation::TooLong);
        }
        if desc.len == 0 {
            return Err(Violation::Empty(at));
        }
        let writable = desc.flags & WRITE != 0;
        if writable {
            self.writable += u64::from(desc.len);
        } else if self.writable != 0 {
            return Err(Violation::Order(at));
        } else {
            self.readable += u64::from(desc.len);
        }
        if self.readable + self.writable > 1 << 32 {
            return Err(Violation::Bytes);
        }
        self.elements.push(Element {
            addr: desc.addr,
            len: desc.len,
            writable,
        });
        Ok(())
    }
}
