// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Requests.

use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull, //
};

use kernel::{
    bindings,
    prelude::*, //
};

use super::{
    data::Data,
    hctx::HwContext,
    limits::Cut,
    operations::Operations,
    status::Status,
    unanswered::{
        self,
        Slot, //
    }, //
};
use crate::block::SECTOR_SIZE;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Read sectors.
    Read,
    /// Write sectors.
    Write,
    /// Make what was written before persistent.
    Flush,
    /// Forget what sectors hold.
    Discard,
    /// Forget what sectors hold, for good.
    SecureErase,
    /// Fill sectors with zeroes.
    WriteZeroes,
    /// Write sectors at the end of a zone.
    ZoneAppend,
    /// Open a zone.
    ZoneOpen,
    /// Close a zone.
    ZoneClose,
    /// Fill a zone.
    ZoneFinish,
    /// Empty a zone.
    ZoneReset,
    /// Empty all zones.
    ZoneResetAll,
    /// Of the driver's own making, with memory that the device writes if with any.
    DriverIn,
    /// Of the driver's own making, with memory that the device reads if with any.
    DriverOut,
    /// Something that is not known here.
    Other,
}

impl Op {
    /// The operation in the flags of a request.
    #[inline]
    fn from_flags(flags: bindings::blk_opf_t) -> Self {
        match flags & op_mask() {
            bindings::req_op_REQ_OP_READ => Self::Read,
            bindings::req_op_REQ_OP_WRITE => Self::Write,
            bindings::req_op_REQ_OP_FLUSH => Self::Flush,
            bindings::req_op_REQ_OP_DISCARD => Self::Discard,
            bindings::req_op_REQ_OP_SECURE_ERASE => Self::SecureErase,
            bindings::req_op_REQ_OP_WRITE_ZEROES => Self::WriteZeroes,
            bindings::req_op_REQ_OP_ZONE_APPEND => Self::ZoneAppend,
            bindings::req_op_REQ_OP_ZONE_OPEN => Self::ZoneOpen,
            bindings::req_op_REQ_OP_ZONE_CLOSE => Self::ZoneClose,
            bindings::req_op_REQ_OP_ZONE_FINISH => Self::ZoneFinish,
            bindings::req_op_REQ_OP_ZONE_RESET => Self::ZoneReset,
            bindings::req_op_REQ_OP_ZONE_RESET_ALL => Self::ZoneResetAll,
            bindings::req_op_REQ_OP_DRV_IN => Self::DriverIn,
            bindings::req_op_REQ_OP_DRV_OUT => Self::DriverOut,
            _ => Self::Other,
        }
    }
}

/// The bits of a request's flags that are its operation.
#[inline]
const fn op_mask() -> bindings::blk_opf_t {
    (1 << bindings::REQ_OP_BITS) - 1
}

/// Whether the operation in `flags` transfers data to the device: a port of `op_is_write`.
#[inline]
fn is_write(flags: bindings::blk_opf_t) -> bool {
    flags & 1 != 0
}

/// Sectors that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectorRange {
    /// The first one.
    pub sector: u64,
    /// How many.
    pub sectors: u32,
}

impl SectorRange {
    /// The range of so many bytes.
    fn new(sector: u64, bytes: u32) -> Self {
        Self {
            sector,
            sectors: bytes / SECTOR_SIZE,
        }
    }
}

/// A request that was started and belongs to the driver.
///
/// Dropping it ends it with an I/O error.
///
/// # Invariants
///
/// - `rq` is a request of a queue with the operations of `O`, and was started.
/// - Nobody else will end it, and its memory stays as it is until it is ended.
/// - The driver's part of it was initialised by [`Operations::init_request`] and is pinned.
#[repr(transparent)]
pub struct Request<O: Operations> {
    rq: NonNull<bindings::request>,
    _operations: PhantomData<O>,
}

// SAFETY: Requests belong to no thread, and the driver's data of it is `Send`.
unsafe impl<O: Operations> Send for Request<O> {}
// SAFETY: Shared access gives no more than shared access to the driver's data, which is `Sync`.
unsafe impl<O: Operations> Sync for Request<O> {}

impl<O: Operations> Request<O> {
    /// Takes a request from the block layer.
    ///
    /// # Safety
    ///
    /// The type invariants must hold for `rq`, and the caller gives it away.
    #[inline]
    pub(super) unsafe fn from_raw(rq: *mut bindings::request) -> Self {
        const_assert!(align_of::<Slot<O::RequestData>>() <= align_of::<bindings::request>());

        // INVARIANT: By the requirements of this function.
        Self {
            // SAFETY: Requests are not at NULL.
            rq: unsafe { NonNull::new_unchecked(rq) },
            _operations: PhantomData,
        }
    }

    /// Starts a request, which belongs to the driver then.
    ///
    /// # Safety
    ///
    /// `rq` must be a request of a queue with the operations of `O`, whose driver's part is
    /// initialised. It was not started yet, or was handed back since, and the block layer gives it
    /// away.
    #[inline]
    pub(super) unsafe fn start(rq: *mut bindings::request) -> Self {
        // SAFETY: By the requirements of this function.
        unsafe {
            unanswered::begin::<O::RequestData>(
                rq,
                const { unanswered::jiffies(O::CHECK_INTERVAL) },
            );
            bindings::blk_mq_start_request(rq);
        }
        // SAFETY: It is started and ours.
        unsafe { Self::from_raw(rq) }
    }

    /// Gives up the request without ending it.
    #[inline]
    pub(super) fn into_raw(self) -> *mut bindings::request {
        ManuallyDrop::new(self).rq.as_ptr()
    }

    /// The driver's part of a request: a port of `blk_mq_rq_to_pdu`.
    #[inline]
    pub(super) fn data_of(rq: *mut bindings::request) -> *mut O::RequestData {
        let slot = unanswered::slot_of::<O::RequestData>(rq);
        slot.wrapping_byte_add(core::mem::offset_of!(Slot<O::RequestData>, data))
            .cast()
    }

    /// The flags, of which the operation is a part.
    #[inline]
    fn flags(&self) -> bindings::blk_opf_t {
        // SAFETY: By the type invariant. No reference to the whole is made here or below: the
        // timer of the block layer has fields of its own.
        unsafe { (*self.rq.as_ptr()).cmd_flags }
    }

    /// The first bio, if there is one.
    #[inline]
    fn bio(&self) -> *const bindings::bio {
        // SAFETY: By the type invariant.
        unsafe { (*self.rq.as_ptr()).bio }
    }

    /// What the request asks for.
    #[inline]
    pub fn op(&self) -> Op {
        Op::from_flags(self.flags())
    }

    /// The sector where it begins.
    #[inline]
    pub fn sector(&self) -> u64 {
        // SAFETY: By the type invariant.
        unsafe { (*self.rq.as_ptr()).__sector }
    }

    /// Bytes of its memory, or of what it is about.
    #[inline]
    pub fn bytes(&self) -> u32 {
        // SAFETY: By the type invariant.
        unsafe { (*self.rq.as_ptr()).__data_len }
    }

    /// The I/O priority of who asked.
    #[inline]
    pub fn ioprio(&self) -> u16 {
        let bio = self.bio();
        if bio.is_null() {
            return 0;
        }
        // SAFETY: The bios of a started request stay.
        unsafe { (*bio).bi_ioprio }
    }

    /// The ranges of sectors that a request without data is about: no more than
    /// [`Limits::set_discard`](super::Limits::set_discard) allows for one that discards, and one for
    /// all others.
    pub fn ranges(&self) -> impl Iterator<Item = SectorRange> + '_ {
        // SAFETY: By the type invariant; a request keeps its queue.
        let max = unsafe { (*(*self.rq.as_ptr()).q).limits.max_discard_segments };
        // Where a request may have several ranges, each bio is one; otherwise they follow each other.
        let (mut whole, mut bio) = if self.op() == Op::Discard && max > 1 {
            (None, self.bio())
        } else {
            let whole = SectorRange::new(self.sector(), self.bytes());
            (Some(whole), core::ptr::null())
        };
        core::iter::from_fn(move || {
            if bio.is_null() {
                return whole.take();
            }
            // SAFETY: The bios of a started request stay; the iterator borrows it. The structure is
            // packed, so that it is copied out.
            let iter = unsafe { (*bio).bi_iter };
            // SAFETY: As above.
            bio = unsafe { (*bio).bi_next };
            Some(SectorRange::new(iter.bi_sector, iter.bi_size))
        })
    }

    /// Whether it begins and ends where what is written to zones has to: see
    /// [`ZoneLimits::write_granularity`](super::ZoneLimits::write_granularity).
    pub fn is_granular(&self) -> bool {
        // SAFETY: By the type invariant; a request keeps its queue.
        let unit = unsafe { (*(*self.rq.as_ptr()).q).limits.zone_write_granularity };
        let start = self.sector().wrapping_mul(SECTOR_SIZE.into());
        (start | u64::from(self.bytes())) & u64::from(unit.wrapping_sub(1)) == 0
    }

    /// Whether it is about a zone that is written in order.
    pub fn is_ordered(&self) -> bool {
        #[cfg(CONFIG_BLK_DEV_ZONED)]
        {
            // SAFETY: By the type invariant; a request keeps its disk, and a disk its first block device.
            unsafe {
                let disk = (*(*self.rq.as_ptr()).q).disk;
                bindings::bdev_zone_is_seq((*disk).part0, self.sector())
            }
        }
        #[cfg(not(CONFIG_BLK_DEV_ZONED))]
        false
    }

    /// Sets where a request that appended to a zone has written. It is the driver's to tell before it
    /// ends the request.
    ///
    /// # Errors
    ///
    /// `EIO` when that is not inside of the zone.
    pub fn set_appended(&mut self, sector: u64) -> Result {
        // SAFETY: By the type invariant; a request keeps its queue.
        let zone = unsafe { (*(*self.rq.as_ptr()).q).limits.chunk_sectors };
        let offset = sector.checked_sub(self.sector()).ok_or(EIO)?;
        let end = offset.checked_add(u64::from(self.bytes() / SECTOR_SIZE));
        if end.is_none_or(|end| end > u64::from(zone)) {
            return Err(EIO);
        }
        // SAFETY: As above; nobody else looks at it before the request is ended.
        unsafe { (*self.rq.as_ptr()).__sector = sector };
        Ok(())
    }

    /// Whether sectors that are filled with zeroes may lose their place on the medium.
    pub fn may_unmap(&self) -> bool {
        self.flags() & crate::bindings::REQ_NOUNMAP == 0
    }

    /// How many pieces its memory has at most when it is cut as `cut` says.
    #[inline]
    pub fn max_pieces(&self, cut: Cut) -> u16 {
        // SAFETY: By the type invariant.
        cut.pieces(unsafe { (*self.rq.as_ptr()).nr_phys_segments })
    }

    /// The hardware queue that the request was dispatched to.
    #[inline]
    pub fn hctx(&self) -> &HwContext<O> {
        // SAFETY: A request that was started has a hardware queue, which stays while it has
        // requests.
        unsafe { HwContext::from_raw((*self.rq.as_ptr()).mq_hctx) }
    }

    /// How often the hardware did not answer it in time, since it was made: see
    /// [`Unanswered::expire`](super::Unanswered::expire).
    pub fn times_expired(&self) -> u32 {
        // SAFETY: By the type invariant.
        unsafe { unanswered::times_expired::<O::RequestData>(self.rq.as_ptr()) }
    }

    /// The driver's data of the request.
    #[inline]
    pub fn data(&self) -> &O::RequestData {
        // SAFETY: By the type invariant.
        unsafe { &*Self::data_of(self.rq.as_ptr()) }
    }

    /// The driver's data of the request.
    #[inline]
    pub fn data_mut(&mut self) -> Pin<&mut O::RequestData> {
        // SAFETY: By the type invariant; the borrow is unique, and the data pinned.
        unsafe { Pin::new_unchecked(&mut *Self::data_of(self.rq.as_ptr())) }
    }

    /// Whether there is memory to transfer: a port of `bio_has_data`. Ranges that are discarded are
    /// described elsewhere.
    #[cold]
    #[inline(never)]
    fn has_memory(&self) -> bool {
        let is_elsewhere = matches!(self.op(), Op::Discard | Op::SecureErase | Op::WriteZeroes);
        !is_elsewhere && !self.bio().is_null() && self.bytes() != 0
    }

    /// The driver's data of the request and, at the same time, its memory, cut as `cut` says.
    #[inline]
    pub fn parts(&mut self, cut: Cut) -> (Pin<&mut O::RequestData>, Data<'_>) {
        let flags = self.flags();
        let bio = self.bio();
        let has_memory = match flags & op_mask() {
            bindings::req_op_REQ_OP_READ | bindings::req_op_REQ_OP_WRITE => !bio.is_null(),
            _ => self.has_memory(),
        };
        let memory = if has_memory {
            // SAFETY: By the type invariant, and a cut is of pieces with a length; the result borrows
            // the request for writing, and is the only way to its memory, which is no part of the
            // driver's data.
            unsafe { Data::new(bio, cut.max_len(), is_write(flags)) }
        } else {
            Data::None
        };
        (self.data_mut(), memory)
    }

    /// Ends the request. May be called from any context.
    #[inline]
    pub fn end(self, status: Status) {
        // SAFETY: By the type invariant the request is started, and it is given up.
        unsafe { bindings::blk_mq_end_request(self.into_raw(), status.as_raw()) };
    }

    /// The hardware is done with the request: has [`Operations::complete`] called, right now or on
    /// a processor that suits better.
    #[inline]
    pub fn complete(self) {
        // SAFETY: As in `end`; `complete_callback` takes it up again.
        unsafe { bindings::blk_mq_complete_request(self.into_raw()) };
    }

    /// The hardware will never be done with the request: puts it back to those that are to be
    /// dispatched, where it stays for as long as the disk is [quiesced](super::Disk::quiesce). May
    /// be called from any context.
    pub fn put_back(self) {
        // SAFETY: As in `end`; the block layer dispatches it once more.
        unsafe { bindings::blk_mq_requeue_request(self.into_raw(), true) };
    }

    /// Makes the request one that is to be handed back, by returning the result from
    /// [`Operations::queue_rq`]: something is short that may be back later. The block layer tries
    /// again by itself (`BLK_STS_RESOURCE`).
    ///
    /// That a device is busy (`BLK_STS_DEV_RESOURCE`) can not be said: the block layer would wait for
    /// a completion, which may have come before the request is back, and requests that end in a batch
    /// do not make it look.
    #[inline]
    pub fn requeue(self) -> Requeued<O> {
        Requeued { request: self }
    }
}

impl<O: Operations> Drop for Request<O> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, and this is the last that is done with it.
        unsafe { bindings::blk_mq_end_request(self.rq.as_ptr(), Status::IoError.as_raw()) };
    }
}

/// A request on its way back to the block layer. Dropping it instead ends it with an I/O error.
#[must_use = "to be returned from `queue_rq`"]
pub struct Requeued<O: Operations> {
    request: Request<O>,
}

impl<O: Operations> Requeued<O> {
    /// Puts the request back: see [`Request::put_back`].
    #[cold]
    pub(super) fn put_back(self) {
        self.request.put_back();
    }

    /// Gives up the request, which has to be `rq`, and returns what the block layer is to be told.
    #[cold]
    pub(super) fn into_status(self, rq: *mut bindings::request) -> bindings::blk_status_t {
        let Self { request } = self;

        if request.rq.as_ptr() != rq {
            // The driver keeps `rq` and hands back an older one, which the block layer does not
            // expect any more: that one is ended (when it is dropped here).
            return Status::Ok.as_raw();
        }
        request.into_raw();
        Status::Resource.as_raw()
    }
}
