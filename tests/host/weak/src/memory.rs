// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the memory of rings of both forms has.

use crate::{
    Barrier,
    Kind, //
};
use loom::sync::atomic::{
    fence,
    Ordering::{
        Acquire,
        Release,
        SeqCst, //
    }, //
};
use loom::sync::Arc;
use pure::{
    entries::{
        Entries,
        WriteEntry, //
    },
    ring::{
        self,
        descriptor::Descriptor,
        stats::Stats, //
    }, //
};

/// The driver's handle of memory, of which `S` is what it shares with the device.
#[derive(Debug)]
pub struct Memory<S> {
    /// What it shares with the device.
    pub(crate) shared: Arc<S>,
    /// Entries of the ring.
    pub(crate) size: u16,
    /// The barrier that is left out.
    omitted: Option<Barrier>,
    /// Counters.
    stats: Stats,
}

impl<S> Memory<S> {
    /// A handle of this memory.
    pub(crate) fn new(shared: Arc<S>, kind: Kind) -> Self {
        Self {
            shared,
            size: kind.size,
            omitted: kind.omitted,
            stats: Stats::default(),
        }
    }
}

impl<S> ring::Memory for Memory<S> {
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

    fn clear(&self) {
        // It is: no ring was in it before.
    }

    fn table_len(&self) -> u16 {
        0
    }

    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_> {
        Entries::new(self, head, len, linked)
    }

    fn wmb(&self) {
        if self.omitted != Some(Barrier::Wmb) {
            fence(Release);
        }
    }

    fn rmb(&self) {
        if self.omitted != Some(Barrier::Rmb) {
            fence(Acquire);
        }
    }

    fn mb(&self) {
        if self.omitted != Some(Barrier::Mb) {
            fence(SeqCst);
        }
    }
}

impl<S> WriteEntry for Memory<S> {
    fn write_entry(&self, _: u16, _: u16, _: Descriptor) {}

    fn table_addr(&self, _: u16) -> u64 {
        0
    }
}
