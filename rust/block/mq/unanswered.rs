// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Requests that the hardware does not answer, and how long they have waited.

use core::{
    marker::PhantomData,
    ptr::NonNull,
    sync::atomic::{
        AtomicU32,
        AtomicUsize,
        Ordering, //
    },
};

use kernel::{
    bindings,
    prelude::*,
    time::{
        Jiffies,
        Msecs, //
    }, //
};

use super::{
    hctx::HwContext,
    operations::Operations, //
};

/// What is kept with each request: what of it is looked at while the hardware has it, which is why
/// these are atomics, and the driver's data.
///
/// They are written by plain stores, one of them for each request.
#[repr(C)]
pub(super) struct Slot<T> {
    /// When its time began.
    since: AtomicUsize,
    /// How often its time was over.
    expired: AtomicU32,
    /// The driver's data.
    pub(super) data: T,
}

/// The flag of a request that was dispatched before. It goes when the request has ended.
const WAS_DISPATCHED: bindings::req_flags_t = 1 << bindings::rqf_flags___RQF_DONTPREP;

/// The time.
#[inline]
fn now() -> Jiffies {
    // SAFETY: It is always there, and changes at any time.
    unsafe { (&raw const bindings::jiffies).read_volatile() }
}

/// A period in jiffies.
pub(super) const fn jiffies(period: Msecs) -> c_uint {
    // CAST: No type is made smaller, but at the end: a period has less jiffies than milliseconds.
    (period as u64 * bindings::CONFIG_HZ as u64 / 1000) as c_uint
}

/// The slot of a request.
#[inline]
pub(super) fn slot_of<T>(rq: *mut bindings::request) -> *mut Slot<T> {
    // The memory of a request goes on for as long as the tag set was told.
    rq.wrapping_add(1).cast()
}

/// Makes what is kept with a request, but for the driver's data.
///
/// # Safety
///
/// `rq` must be a request with room for a slot for a `T`, which nobody uses.
pub(super) unsafe fn init<T>(rq: *mut bindings::request) {
    let slot = slot_of::<T>(rq);
    // SAFETY: By the requirement of this function.
    unsafe {
        (&raw mut (*slot).since).write(AtomicUsize::new(0));
        (&raw mut (*slot).expired).write(AtomicU32::new(0));
    }
}

/// Begins the time of a request that is about to be dispatched. It is looked at each `interval`
/// jiffies, or more often if it has less time.
///
/// # Safety
///
/// `rq` must be a request with a slot for a `T`, that was not started.
#[inline]
pub(super) unsafe fn begin<T>(rq: *mut bindings::request, interval: c_uint) {
    // SAFETY: By the requirement of this function. No reference is made to what may be in use.
    unsafe {
        let slot = slot_of::<T>(rq);
        if (*rq).rq_flags & WAS_DISPATCHED == 0 {
            // Now, as others change flags of requests that are started.
            (*rq).rq_flags |= WAS_DISPATCHED;
            (*slot).expired.store(0, Ordering::Relaxed);
        }
        (*slot).since.store(now(), Ordering::Relaxed);
        (*rq).timeout = interval.min((*(*rq).q).rq_timeout);
    }
}

/// How often the time of a request was over since it was made.
///
/// # Safety
///
/// `rq` must be a request with a slot for a `T`.
pub(super) unsafe fn times_expired<T>(rq: *mut bindings::request) -> u32 {
    // SAFETY: By the requirement of this function.
    unsafe { (*slot_of::<T>(rq)).expired.load(Ordering::Relaxed) }
}

/// A request that was not ended for some time. Nothing is known of it but that it is there: it may
/// just be ending.
///
/// # Invariants
///
/// `rq` is a request of a queue with the operations of `O` that was dispatched. It may be ended and
/// dispatched again, but its memory stays its own.
pub struct Unanswered<'a, O: Operations> {
    rq: NonNull<bindings::request>,
    _operations: PhantomData<&'a O>,
}

impl<'a, O: Operations> Unanswered<'a, O> {
    /// Wraps a request that the block layer asks about.
    ///
    /// # Safety
    ///
    /// The type invariants must hold for `rq` during `'a`.
    pub(super) unsafe fn from_raw(rq: *mut bindings::request) -> Option<Self> {
        // INVARIANT: By the requirement of this function.
        Some(Self {
            rq: NonNull::new(rq)?,
            _operations: PhantomData,
        })
    }

    /// Its hardware queue.
    pub fn hctx(&self) -> &'a HwContext<O> {
        // SAFETY: By the type invariant; its hardware queue stays while timeouts are handled.
        unsafe { HwContext::from_raw((*self.rq.as_ptr()).mq_hctx) }
    }

    /// Whether the hardware still has it, and for all the time that the disk's `io_timeout` gives a
    /// request. If so, that is counted (see [`Request::times_expired`]), and its time begins anew.
    ///
    /// [`Request::times_expired`]: super::Request::times_expired
    pub fn expire(&self) -> bool {
        let rq = self.rq.as_ptr();
        let slot = slot_of::<O::RequestData>(rq);
        // SAFETY: By the type invariant. Both may change at any time.
        let (state, limit) = unsafe {
            (
                (&raw const (*rq).state).read_volatile(),
                (&raw const (*(*rq).q).rq_timeout).read_volatile(),
            )
        };
        // SAFETY: By the type invariant; no reference is made to the driver's data.
        let (since, expired) = unsafe { (&(*slot).since, &(*slot).expired) };

        let now = now();
        let waited = now.wrapping_sub(since.load(Ordering::Relaxed));
        // CAST: To a type that is not smaller.
        if state != bindings::mq_rq_state_MQ_RQ_IN_FLIGHT || waited < limit as usize {
            return false;
        }
        since.store(now, Ordering::Relaxed);
        // One thread at a time handles the timeouts of a queue.
        let times = expired.load(Ordering::Relaxed).saturating_add(1);
        expired.store(times, Ordering::Relaxed);
        true
    }
}
