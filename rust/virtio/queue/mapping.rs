// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What is mapped for the device, kept where the device can not write.
//!
//! With ACCESS_PLATFORM each segment of a chain is mapped when the chain is built and unmapped when
//! it comes back. The addresses to unmap are remembered here, in private memory laid out with the
//! queue; a device that rewrites its descriptors changes nothing.

use kernel::prelude::*;

use crate::{
    dma::{
        BusAddr,
        Direction,
        PhysAddr,
        Space, //
    },
    virtio::ring::Place, //
};

/// No record.
const END: u32 = u32::MAX;

/// One mapped segment.
#[derive(Clone, Copy)]
struct Record {
    addr: BusAddr,
    len: u32,
    /// The record of the segment mapped before it in the same chain, or [`END`].
    previous: u32,
    direction: Direction,
}

/// The records of all chains of a queue: one for each descriptor and each entry of each table.
pub(super) struct Mappings {
    space: Space,
    records: KVVec<Record>,
    /// The last record of each outstanding chain, by head.
    last: KVVec<u32>,
    /// The last record of the chain that is being built.
    open: u32,
    table_len: u16,
}

impl Mappings {
    /// Room for the records of a ring of `size` entries with tables of `table_len`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(space: Space, size: u16, table_len: u16) -> Result<Self> {
        let blank = Record {
            addr: 0,
            len: 0,
            previous: END,
            direction: Direction::ToDevice,
        };
        let count = usize::from(size) * (usize::from(table_len) + 1);
        Ok(Self {
            space,
            records: KVVec::from_elem(blank, count, GFP_KERNEL)?,
            last: KVVec::from_elem(END, size.into(), GFP_KERNEL)?,
            open: END,
            table_len,
        })
    }

    /// The record for what was put at `place`.
    fn index(&self, place: Place) -> usize {
        match place {
            Place::Direct(index) => index.into(),
            Place::Table { head, entry } => {
                self.last.len()
                    + usize::from(head) * usize::from(self.table_len)
                    + usize::from(entry)
            }
        }
    }

    /// Maps a segment of the chain that is being built, which `put` has put somewhere by its bus
    /// address.
    ///
    /// # Safety
    ///
    /// Nothing but the device may use the memory of the segment until the mapping is ended: by
    /// [`Self::abandon`], or by [`Self::unmap`] after [`Self::commit`].
    ///
    /// # Errors
    ///
    /// [`None`] when it can not be mapped now; otherwise those of `put`. Nothing is mapped then.
    pub(super) unsafe fn map<E>(
        &mut self,
        phys: PhysAddr,
        len: u32,
        direction: Direction,
        put: impl FnOnce(BusAddr) -> Result<Place, E>,
    ) -> Result<(), Option<E>> {
        // SAFETY: By the requirement of this function.
        let addr = unsafe { self.space.map(phys, len, direction) }.map_err(|_| None)?;
        let place = put(addr).map_err(|err| {
            // SAFETY: Mapped just now, and not remembered.
            unsafe { self.space.unmap(addr, len, direction) };
            Some(err)
        })?;
        let index = self.index(place);
        if let Some(record) = self.records.get_mut(index) {
            *record = Record {
                addr,
                len,
                previous: self.open,
                direction,
            };
            // CAST: There are at most 2^15 * 2^16 records.
            self.open = index as u32;
        }
        Ok(())
    }

    /// The chain that was being built goes to the device under `head`.
    pub(super) fn commit(&mut self, head: u16) {
        if let Some(last) = self.last.get_mut(usize::from(head)) {
            *last = core::mem::replace(&mut self.open, END);
        }
    }

    /// The chain under `head` came back: unmaps its segments.
    pub(super) fn unmap(&mut self, head: u16) {
        if let Some(last) = self.last.get_mut(usize::from(head)) {
            let last = core::mem::replace(last, END);
            self.unmap_from(last);
        }
    }

    /// The chain that was being built is given up: unmaps its segments.
    pub(super) fn abandon(&mut self) {
        let last = core::mem::replace(&mut self.open, END);
        self.unmap_from(last);
    }

    /// Unmaps the segments from record `index` back to the first of the chain.
    fn unmap_from(&self, mut index: u32) {
        while let Some(record) = self.records.get(index as usize) {
            // SAFETY: `record` was made by `map`, and is visited once:
            // the chain's way in was replaced by `END`.
            unsafe { self.space.unmap(record.addr, record.len, record.direction) };
            index = record.previous;
        }
    }
}
