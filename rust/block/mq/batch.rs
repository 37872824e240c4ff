// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Requests that end together.
//!
//! What ends alone gives back its tag alone, and one reference to the request queue; of those that
//! end together, the block layer gives back all at once.

use core::marker::PhantomData;

use kernel::bindings;

use super::{
    operations::Operations,
    request::Request,
    status::Status, //
};

/// Flags of requests whose end is to be timed.
const TIMED: bindings::req_flags_t = 1 << bindings::rqf_flags___RQF_IO_STAT
    | 1 << bindings::rqf_flags___RQF_STATS
    | 1 << bindings::rqf_flags___RQF_USE_SCHED;

/// The flag of requests that a scheduler has an eye on.
const SCHEDULED: bindings::req_flags_t = 1 << bindings::rqf_flags___RQF_SCHED_TAGS;

/// Requests that are about to end together (`struct io_comp_batch`).
///
/// # Invariants
///
/// `inner` is NULL, or a valid batch. The requests of `O` in it are completed and evaluated, were
/// successful, and belong to it.
pub struct Batch<'a, O: Operations> {
    inner: *mut bindings::io_comp_batch,
    _requests: PhantomData<(&'a mut bindings::io_comp_batch, Request<O>)>,
}

impl<'a, O: Operations> Batch<'a, O> {
    /// A batch of the block layer's, which ends it.
    ///
    /// # Safety
    ///
    /// `inner` must be NULL or a valid batch, and nobody else use it during `'a`.
    #[inline]
    pub(super) unsafe fn from_raw(inner: *mut bindings::io_comp_batch) -> Self {
        // INVARIANT: By the requirement of this function.
        Self {
            inner,
            _requests: PhantomData,
        }
    }

    /// The hardware is done with the request: evaluates it, on a processor that suits, and has it end
    /// with the batch if it can.
    #[inline]
    pub fn complete(&mut self, request: Request<O>) {
        // SAFETY: By the type invariant, and the borrow is unique.
        let batch = unsafe { self.inner.as_mut() }.and_then(|batch| {
            // There may be requests in it that end in another way.
            let end = *batch.complete.get_or_insert(END);
            core::ptr::fn_addr_eq(end, END).then_some(batch)
        });
        complete(request, batch);
    }
}

/// What the block layer ends a batch by.
const END: unsafe extern "C" fn(*mut bindings::io_comp_batch) = bindings::blk_mq_end_request_batch;

/// Completes requests and ends them together.
#[inline(always)]
pub(super) fn complete_all<O: Operations>(requests: impl Iterator<Item = Request<O>>) {
    // The default is made by a call of `memset`.
    let mut batch = bindings::io_comp_batch {
        req_list: bindings::rq_list {
            head: core::ptr::null_mut(),
            tail: core::ptr::null_mut(),
        },
        need_ts: false,
        complete: None,
        poll_ctx: core::ptr::null_mut(),
    };
    for request in requests {
        complete(request, Some(&mut batch));
    }
    if !batch.req_list.head.is_null() {
        // SAFETY: It has requests of ours that are completed and evaluated.
        unsafe { bindings::blk_mq_end_request_batch(&raw mut batch) };
    }
}

/// Completes a request, and has it end with a batch if it can.
// Of the two callers, each spares a part of it.
#[inline(always)]
fn complete<O: Operations>(request: Request<O>, batch: Option<&mut bindings::io_comp_batch>) {
    let rq = request.into_raw();
    // SAFETY: `rq` was started and is given up; if this is true, `complete_callback` takes it up
    // again.
    if unsafe { bindings::blk_mq_complete_request_remote(rq) } {
        return;
    }
    // SAFETY: It is still ours.
    let mut request = unsafe { Request::from_raw(rq) };
    let status = O::complete(&mut request);

    // A port of `blk_mq_add_to_batch`, which leaves out all that somebody waits for in a way of their
    // own.
    // SAFETY: The request is ours.
    let (flags, waited_for) = unsafe { ((*rq).rq_flags, (*rq).end_io.is_some()) };
    match batch {
        Some(batch) if status == Status::Ok && flags & SCHEDULED == 0 && !waited_for => {
            batch.need_ts |= flags & TIMED != 0;
            // SAFETY: The request is ours and in no list; a batch's list is one of requests.
            unsafe { super::list::append(&mut batch.req_list, request.into_raw()) };
        }
        _ => request.end(status),
    }
}
