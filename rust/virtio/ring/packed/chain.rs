// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Writing a list of descriptors.

use super::{
    super::{
        chains::Ready,
        descriptor::Descriptor,
        writer::{
            Direct,
            Target, //
        },
        Base,
        ChainError,
        Slot,
        Table,
        Violation, //
    },
    flags,
    position::Position,
    PackedMemory, //
};
use core::ops::DerefMut;

/// Chains that were added, and that the device cannot see.
pub(super) struct Unpublished {
    /// Entries of the ring.
    size: u16,
    /// Where the next chain goes.
    pub(super) next: Position,
    /// How many there are.
    pub(super) count: u16,
    /// The flags that make the first of them available, and the others with it.
    pub(super) withheld: u16,
}

impl Unpublished {
    /// None, in a ring that is new and has `size` entries.
    pub(super) fn new(size: u16) -> Self {
        Self {
            size,
            next: Position::START,
            count: 0,
            withheld: 0,
        }
    }
}

/// A packed ring, and a list of descriptors for it.
///
/// No flags are written before the chain is complete: what is left in the ring by one that was
/// dropped does not become available when others are put in its place.
pub struct Draft<'a, M, S> {
    /// The shared memory.
    pub(super) memory: &'a M,
    /// Chains and free descriptors.
    pub(super) base: &'a mut Base<S>,
    /// Where the chain goes.
    pub(super) unpublished: &'a mut Unpublished,
}

impl<M: PackedMemory, S: DerefMut<Target = [Slot]>> Draft<'_, M, S> {
    /// Writes the flags of all segments but the first.
    fn write_flags(&self, chain: &Direct) {
        let first = self.unpublished.next;
        let mut at = first.offset();
        let mut available = first.available();
        for entry in 1..chain.pushed {
            // No more than 2^15.
            at = at.wrapping_add(1);
            if at == self.unpublished.size {
                // The other round begins.
                at = 0;
                available ^= flags::AVAIL | flags::USED;
            }
            let mut flags = available;
            if entry >= chain.readable {
                flags |= flags::WRITE;
            }
            if entry.wrapping_add(1) != chain.pushed {
                flags |= flags::NEXT;
            }
            self.memory.write_flags(at, flags);
        }
    }

    /// Adds a chain, all of which is written but the flags of the first descriptor.
    #[inline(always)]
    fn add(&mut self, chain: Ready, flags: u16) -> Result<(), ChainError> {
        let taken = chain.taken;
        if let Err(error) = self.base.chains.add(chain) {
            self.base.break_with(Violation::Internal);
            return Err(error);
        }
        let Unpublished {
            size,
            next,
            count,
            withheld,
        } = &mut *self.unpublished;
        let flags = next.available() | flags;
        if *count == 0 {
            *withheld = flags;
        } else {
            // The device sees this one after the one that is withheld, and no sooner.
            self.memory.write_flags(next.offset(), flags);
        }
        // No more than the size.
        *count = count.wrapping_add(1);
        *next = next.advance(taken, *size);
        Ok(())
    }
}

impl<T: Table, M: PackedMemory, S: DerefMut<Target = [Slot]>> Target<T> for Draft<'_, M, S> {
    fn push(&mut self, chain: &Direct, addr: u64, len: u32, _: bool) -> Result<u16, ChainError> {
        let Some(next) = self.base.chains.next(chain.rest()) else {
            self.base.break_with(Violation::Internal);
            return Err(ChainError::Broken);
        };
        let at = self
            .unpublished
            .next
            .advance(chain.pushed, self.unpublished.size);
        // The id matters in the last one only (VIRTIO 1.4, 2.8.6), which any could be.
        self.memory.write_desc(at.offset(), addr, len, chain.head);
        Ok(next)
    }

    fn commit(&mut self, chain: &Direct, writable: u32) -> Result<(), ChainError> {
        self.write_flags(chain);
        let write = if chain.readable == 0 { flags::WRITE } else { 0 };
        let rest = if chain.pushed == 1 { 0 } else { flags::NEXT };
        let ready = Ready {
            head: chain.head,
            direct: Some((chain.last, chain.rest())),
            taken: chain.pushed,
            writable,
        };
        self.add(ready, write | rest)
    }

    #[inline(always)]
    fn commit_table(&mut self, head: u16, table: &mut T, writable: u32) -> Result<(), ChainError> {
        // No overflow: 2^15 entries at most.
        let len = u32::from(table.len()).wrapping_mul(Descriptor::SIZE);
        let at = self.unpublished.next.offset();
        self.memory.write_desc(at, table.addr(), len, head);
        let ready = Ready {
            head,
            direct: None,
            taken: 1,
            writable,
        };
        self.add(ready, flags::INDIRECT)
    }
}
