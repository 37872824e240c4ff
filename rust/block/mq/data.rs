// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of a request, straight from its bios.
//!
//! No scatterlist stands between the bios and the hardware's descriptors: what would be written
//! into one and read from it again is handed out one piece at a time.

use core::marker::PhantomData;

use kernel::bindings;

use crate::dma::{
    page_to_phys,
    PhysAddr,
    Segment,
    SegmentMut, //
};

/// The memory of a request, by the way that it goes.
pub enum Data<'a> {
    /// The request has none.
    None,
    /// Read by the device.
    ToDevice(Segments<'a>),
    /// Written by the device.
    FromDevice(SegmentsMut<'a>),
}

/// Pieces of memory that the device reads.
pub struct Segments<'a>(Pieces, PhantomData<&'a mut ()>);

/// Pieces of memory that the device writes.
pub struct SegmentsMut<'a>(Pieces, PhantomData<&'a mut ()>);

impl Data<'_> {
    /// The memory of `bio` and those after it.
    ///
    /// # Safety
    ///
    /// - `bio` must be the first bio of a request that was started, or NULL.
    /// - The request must stay started, and its bios unchanged, during the lifetime of the result.
    /// - `max_len` is not 0.
    /// - The device writes the memory if `write` is not set; nothing else may refer to it then.
    #[inline]
    pub(super) unsafe fn new(bio: *const bindings::bio, max_len: u32, write: bool) -> Self {
        // SAFETY: By the requirements of this function.
        let pieces = unsafe { Pieces::new(bio, max_len) };
        if write {
            Self::ToDevice(Segments(pieces, PhantomData))
        } else {
            Self::FromDevice(SegmentsMut(pieces, PhantomData))
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Segment<'a>> {
        let (phys, len) = self.0.next()?;
        // SAFETY: The bios of a request that was started keep their memory, and `'a` is a borrow of
        // that request. What a `bio_vec` describes is physically contiguous, and memory that
        // devices may use is in the linear map (no driver here takes peer-to-peer memory).
        Some(unsafe { Segment::from_raw(phys, len) })
    }
}

impl<'a> Iterator for SegmentsMut<'a> {
    type Item = SegmentMut<'a>;

    #[inline]
    fn next(&mut self) -> Option<SegmentMut<'a>> {
        let (phys, len) = self.0.next()?;
        // SAFETY: As above. The borrow of the request is unique, each piece is handed out once,
        // and data that is read from a disk may be any bytes.
        Some(unsafe { SegmentMut::from_raw(phys, len) })
    }
}

/// Walks the bios of a request: a port of `rq_for_each_bvec`, with a bound on the length of pieces.
///
/// # Invariants
///
/// `bio` is a bio of a started request, or NULL. If it is not NULL, `size` bytes of it remain, from
/// byte `done` of what `vec` describes on, which is one of its `bio_vec`s if `size` is not 0.
struct Pieces {
    bio: *const bindings::bio,
    vec: *const bindings::bio_vec,
    size: u32,
    done: u32,
    /// Not 0: a bound of zero would hand out pieces without end.
    max_len: u32,
}

impl Pieces {
    /// Begins with `bio`.
    ///
    /// # Safety
    ///
    /// As for [`Data::new`].
    #[inline]
    unsafe fn new(bio: *const bindings::bio, max_len: u32) -> Self {
        let mut this = Self {
            bio: core::ptr::null(),
            vec: core::ptr::null(),
            size: 0,
            done: 0,
            max_len,
        };
        // SAFETY: By the requirements of this function.
        unsafe { this.enter(bio) };
        this
    }

    /// Goes on to `bio`, if it is not NULL.
    ///
    /// # Safety
    ///
    /// `bio` must be a bio of a started request, or NULL.
    #[inline]
    unsafe fn enter(&mut self, bio: *const bindings::bio) {
        self.bio = bio;
        // INVARIANT: The iterator of a bio that was started is at what is to be transferred.
        if !bio.is_null() {
            // SAFETY: By the requirement of this function; the structure is packed, so its fields
            // are copied out.
            let (vecs, iter) = unsafe { ((*bio).bi_io_vec, (*bio).bi_iter) };
            self.vec = vecs.wrapping_add(iter.bi_idx as usize);
            self.size = iter.bi_size;
            self.done = iter.bi_offset;
        }
    }

    /// The next piece.
    #[inline]
    fn next(&mut self) -> Option<(PhysAddr, u32)> {
        while self.size == 0 {
            if self.bio.is_null() {
                return None;
            }
            // SAFETY: By the type invariant, and so is the next bio of the same request.
            unsafe { self.enter((*self.bio).bi_next) };
        }

        // SAFETY: By the type invariant bytes remain, so that there is a `bio_vec`.
        let vec = unsafe { *self.vec };
        // SAFETY: A `bio_vec` of a request describes pages of memory.
        let page = unsafe { page_to_phys(vec.bv_page) };
        // Lengths of bios are the kernel's own and add up: nothing here can wrap.
        let offset = PhysAddr::from(vec.bv_offset).wrapping_add(self.done.into());
        let len = vec.bv_len.wrapping_sub(self.done).min(self.size);
        let phys = page.wrapping_add(offset);
        if len > self.max_len {
            return Some((phys, self.cut()));
        }

        // INVARIANT: Moves on to the next `bio_vec`, if there is one.
        self.done = 0;
        self.vec = self.vec.wrapping_add(1);
        self.size = self.size.wrapping_sub(len);
        Some((phys, len))
    }

    /// Moves on by a piece that is shorter than what is left of the `bio_vec`. Its length.
    #[cold]
    fn cut(&mut self) -> u32 {
        // INVARIANT: More than that remain.
        self.done = self.done.wrapping_add(self.max_len);
        self.size = self.size.wrapping_sub(self.max_len);
        self.max_len
    }
}
