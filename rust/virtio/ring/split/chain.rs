// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Writing a chain of descriptors.

use super::{
    super::{
        chains::{
            index,
            Ready, //
        },
        writer::{
            Direct,
            Target, //
        },
        Base,
        Table, //
    },
    ChainError,
    Descriptor,
    Slot,
    SplitMemory,
    Violation, //
};
use core::ops::DerefMut;

/// A split ring, and a chain for it.
pub struct Draft<'a, M, S> {
    /// The shared memory.
    pub(super) memory: &'a M,
    /// Chains and free descriptors.
    pub(super) base: &'a mut Base<S>,
}

impl<M: SplitMemory, S: DerefMut<Target = [Slot]>> Draft<'_, M, S> {
    /// Adds a chain whose descriptors are written.
    #[inline(always)]
    fn add(&mut self, chain: Ready) -> Result<(), ChainError> {
        let head = chain.head;
        let number = index(self.base.chains.added());
        if let Err(error) = self.base.chains.add(chain) {
            self.base.break_with(Violation::Internal);
            return Err(error);
        }
        self.memory.write_avail_ring(number, head);
        Ok(())
    }
}

impl<T: Table, M: SplitMemory, S: DerefMut<Target = [Slot]>> Target<T> for Draft<'_, M, S> {
    fn push(
        &mut self,
        chain: &Direct,
        addr: u64,
        len: u32,
        writable: bool,
    ) -> Result<u16, ChainError> {
        let at = chain.rest();
        let Some(next) = self.base.chains.next(at) else {
            self.base.break_with(Violation::Internal);
            return Err(ChainError::Broken);
        };
        let write = if writable { Descriptor::WRITE } else { 0 };
        let desc = if chain.is_last() {
            Descriptor {
                addr,
                len,
                flags: write,
                next: 0,
            }
        } else {
            Descriptor {
                addr,
                len,
                flags: write | Descriptor::NEXT,
                next,
            }
        };
        self.memory.write_desc(at, desc);
        Ok(next)
    }

    fn commit(&mut self, chain: &Direct, writable: u32) -> Result<(), ChainError> {
        if !chain.is_full() {
            // Another one was announced than the last.
            let flags = if writable == 0 { 0 } else { Descriptor::WRITE };
            self.memory.write_desc_flags(chain.last, flags);
        }
        self.add(Ready {
            head: chain.head,
            direct: Some((chain.last, chain.rest())),
            taken: chain.pushed,
            writable,
        })
    }

    #[inline(always)]
    fn commit_table(&mut self, head: u16, table: &mut T, writable: u32) -> Result<(), ChainError> {
        let desc = Descriptor {
            addr: table.addr(),
            // No overflow: 2^15 entries at most.
            len: u32::from(table.len()).wrapping_mul(Descriptor::SIZE),
            flags: Descriptor::INDIRECT,
            next: 0,
        };
        table.end(writable != 0);
        self.memory.write_desc(head, desc);
        self.add(Ready {
            head,
            direct: None,
            taken: 1,
            writable,
        })
    }
}
