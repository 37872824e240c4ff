// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Building a chain: what the device reads, then what it writes (VIRTIO 1.4, 2.6.4.2).

use core::marker::PhantomData;

use kernel::prelude::*;

use super::{
    mapping::Mappings,
    memory::{
        PackedRing,
        SplitRing, //
    }, //
};
use crate::{
    dma::{
        Direction,
        PhysAddr,
        Segment,
        SegmentMut, //
    },
    virtio::ring::{
        self,
        ChainError,
        Slot, //
    },
};

/// Segments to read may follow.
pub enum Readable {}

/// Only segments to write may follow.
pub enum Writable {}

/// The chain is complete.
pub enum Complete {}

/// Why a chain could not be built.
pub(super) enum BuildError {
    /// The ring's reason.
    Ring(ChainError),
    /// A segment could not be mapped now.
    Unmappable,
}

/// What a chain is built with. It stays where it is while a [`Chain`] goes through the driver.
pub(super) struct Builder<'q> {
    writer: ring::Chain<'q, SplitRing, PackedRing, KVVec<Slot>>,
    /// Nothing is to be mapped, and there was no error.
    plain: bool,
    mappings: &'q mut Option<Mappings>,
    error: Option<BuildError>,
}

impl<'q> Builder<'q> {
    /// Begins a chain, of which what is mapped is remembered in `mappings`, if it has to be mapped.
    #[inline(always)]
    pub(super) fn new(
        writer: ring::Chain<'q, SplitRing, PackedRing, KVVec<Slot>>,
        mappings: &'q mut Option<Mappings>,
    ) -> Self {
        Self {
            writer,
            plain: mappings.is_none(),
            mappings,
            error: None,
        }
    }

    /// Appends one segment.
    #[inline(always)]
    fn push(&mut self, phys: PhysAddr, len: u32, direction: Direction) {
        let writable = direction == Direction::FromDevice;
        if !self.plain {
            self.map_and_push(phys, len, direction);
        } else if let Err(err) = self.writer.push(phys, len, writable) {
            self.fail(BuildError::Ring(err));
        }
    }

    /// Nothing comes of the chain.
    #[cold]
    fn fail(&mut self, err: BuildError) {
        self.plain = false;
        self.error = Some(err);
    }

    /// Appends one segment for a device that needs it mapped, if there was no error before.
    #[inline(never)]
    fn map_and_push(&mut self, phys: PhysAddr, len: u32, direction: Direction) {
        let (Some(mappings), None) = (&mut *self.mappings, &self.error) else {
            return;
        };
        let writable = direction == Direction::FromDevice;
        let writer = &mut self.writer;
        // SAFETY: The segment's memory belongs to the token, which the queue keeps until the
        // mapping is ended.
        let pushed = unsafe {
            mappings.map(phys, len, direction, |addr| {
                writer.push(addr, len, writable)
            })
        };
        if let Err(err) = pushed {
            self.fail(err.map_or(BuildError::Unmappable, BuildError::Ring));
        }
    }

    /// Adds the chain to the ring, and returns its head.
    ///
    /// # Errors
    ///
    /// The first one. What was mapped is unmapped.
    #[inline(always)]
    pub(super) fn commit(&mut self) -> Result<u16, BuildError> {
        if self.plain {
            self.writer.commit().map_err(BuildError::Ring)
        } else {
            self.commit_mapped()
        }
    }

    /// The same for a device that needs segments mapped, and after an error.
    #[inline(never)]
    fn commit_mapped(&mut self) -> Result<u16, BuildError> {
        let committed = match self.error.take() {
            None => self.writer.commit().map_err(BuildError::Ring),
            Some(err) => Err(err),
        };
        if let Some(mappings) = self.mappings {
            match committed {
                Ok(head) => mappings.commit(head),
                Err(_) => mappings.abandon(),
            }
        }
        committed
    }
}

/// A chain under construction.
///
/// `'a` is the borrow of the token whose memory it describes. The order that the specification asks
/// for is in the types: after the first [`write`](Self::write) there is no [`Chain::read`].
///
/// Errors are kept and reported by [`Queue::add`](super::Queue::add), so that a driver can write
/// the chain down in one expression.
pub struct Chain<'q, 'a, State = Readable> {
    pub(super) builder: &'q mut Builder<'q>,
    pub(super) state: PhantomData<(&'a mut (), State)>,
}

impl<'q, 'a, State> Chain<'q, 'a, State> {
    /// The same chain in another state.
    #[inline]
    fn into_state<Next>(self) -> Chain<'q, 'a, Next> {
        Chain {
            builder: self.builder,
            state: PhantomData,
        }
    }

    /// Appends a segment that the device writes.
    #[inline]
    pub fn write(self, segment: SegmentMut<'a>) -> Chain<'q, 'a, Writable> {
        self.builder
            .push(segment.phys(), segment.len(), Direction::FromDevice);
        self.into_state()
    }

    /// Appends segments that the device writes.
    #[inline(always)]
    pub fn write_all(
        self,
        segments: impl IntoIterator<Item = SegmentMut<'a>>,
    ) -> Chain<'q, 'a, Writable> {
        for segment in segments {
            self.builder
                .push(segment.phys(), segment.len(), Direction::FromDevice);
        }
        self.into_state()
    }

    /// The chain is complete.
    #[inline]
    pub fn end(self) -> Chain<'q, 'a, Complete> {
        self.into_state()
    }
}

impl<'a> Chain<'_, 'a, Readable> {
    /// Appends a segment that the device reads.
    #[inline]
    pub fn read(self, segment: Segment<'a>) -> Self {
        self.builder
            .push(segment.phys(), segment.len(), Direction::ToDevice);
        self
    }

    /// Appends segments that the device reads.
    #[inline(always)]
    pub fn read_all(self, segments: impl IntoIterator<Item = Segment<'a>>) -> Self {
        for segment in segments {
            self.builder
                .push(segment.phys(), segment.len(), Direction::ToDevice);
        }
        self
    }
}
