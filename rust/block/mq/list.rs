// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Lists of requests.

use core::marker::PhantomData;

use kernel::bindings;

use super::{
    batch::{
        self,
        Batch, //
    },
    hctx::HwContext,
    operations::Operations,
    request::Request, //
};

/// Puts a request at the end of a list: a port of `rq_list_add_tail`.
///
/// # Safety
///
/// `list` must be a list of requests, and `rq` a request that is in none.
#[inline]
pub(super) unsafe fn append(list: &mut bindings::rq_list, rq: *mut bindings::request) {
    // SAFETY: By the requirements of this function.
    unsafe {
        (*rq).__bindgen_anon_1.rq_next = core::ptr::null_mut();
        if list.head.is_null() {
            list.head = rq;
        } else {
            (*list.tail).__bindgen_anon_1.rq_next = rq;
        }
    }
    list.tail = rq;
}

/// A list of requests that belong to the driver, first in, first out. Takes no memory of its own.
///
/// For handlers of interrupts: to collect what the hardware is done with under a lock, and to
/// complete it after the lock is released. Dropping the list ends what is in it with I/O errors.
///
/// # Invariants
///
/// `head` is NULL or a request that belongs to the list, as are all that are linked to it by
/// `rq_next`, which is the driver's to use while a request belongs to it. If `head` is not NULL,
/// `tail` is the last of them, whose `rq_next` is NULL.
pub struct RequestList<O: Operations> {
    head: *mut bindings::request,
    tail: *mut bindings::request,
    _requests: PhantomData<Request<O>>,
}

// SAFETY: It is nothing but requests, which are `Send`.
unsafe impl<O: Operations> Send for RequestList<O> {}

impl<O: Operations> RequestList<O> {
    /// An empty list.
    #[inline]
    pub const fn new() -> Self {
        Self {
            head: core::ptr::null_mut(),
            tail: core::ptr::null_mut(),
            _requests: PhantomData,
        }
    }

    /// Whether there is nothing in the list.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    /// Puts a request at the end.
    #[inline]
    pub fn push(&mut self, request: Request<O>) {
        let rq = request.into_raw();
        // INVARIANT: `rq` is the last now.
        // SAFETY: `rq` belongs to the driver, and by the type invariant so does `tail`.
        unsafe {
            (*rq).__bindgen_anon_1.rq_next = core::ptr::null_mut();
            if self.head.is_null() {
                self.head = rq;
            } else {
                (*self.tail).__bindgen_anon_1.rq_next = rq;
            }
        }
        self.tail = rq;
    }

    /// The request at the beginning.
    #[inline]
    pub fn first(&self) -> Option<&Request<O>> {
        // CAST: A `Request` is a transparent wrapper of a pointer that is not NULL, which `head` is
        // unless it is NULL.
        // SAFETY: By the type invariant; the request belongs to the list, which is borrowed.
        (!self.head.is_null()).then(|| unsafe { &*(&raw const self.head).cast::<Request<O>>() })
    }

    /// Takes the request at the beginning.
    #[inline]
    pub fn pop(&mut self) -> Option<Request<O>> {
        let rq = self.head;
        if rq.is_null() {
            return None;
        }
        // SAFETY: By the type invariant.
        self.head = unsafe { (*rq).__bindgen_anon_1.rq_next };
        // SAFETY: By the type invariant, and it does not belong to the list any more.
        Some(unsafe { Request::from_raw(rq) })
    }

    /// Completes all requests: see [`Request::complete`]. Those that end here end together.
    #[inline]
    pub fn complete(mut self) {
        batch::complete_all(core::iter::from_fn(|| self.pop()));
    }

    /// Completes all requests, some of which end with the batch.
    #[inline]
    pub fn complete_in(mut self, batch: &mut Batch<'_, O>) {
        while let Some(request) = self.pop() {
            batch.complete(request);
        }
    }
}

impl<O: Operations> Default for RequestList<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O: Operations> Drop for RequestList<O> {
    #[inline]
    fn drop(&mut self) {
        while let Some(request) = self.pop() {
            drop(request);
        }
    }
}

/// Requests that the block layer dispatches together, all to one hardware queue.
///
/// An iterator, which starts each request as it is taken. Those that are not taken stay with the block
/// layer.
///
/// # Invariants
///
/// `list` has requests of queues with the operations of `O`, none of them started, all with memory for
/// the driver's part. Those of `hctx` come first.
pub struct Dispatch<'a, O: Operations> {
    list: &'a mut bindings::rq_list,
    hctx: &'a HwContext<O>,
}

impl<'a, O: Operations> Dispatch<'a, O> {
    /// What is at the beginning of a list and for a hardware queue.
    ///
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline]
    pub(super) unsafe fn new(list: &'a mut bindings::rq_list, hctx: &'a HwContext<O>) -> Self {
        // INVARIANT: By the requirement of this function.
        Self { list, hctx }
    }

    /// Whether there is nothing for the hardware queue.
    #[inline]
    pub fn is_empty(&self) -> bool {
        let rq = self.list.head;
        // SAFETY: By the type invariant, if there is one.
        rq.is_null() || unsafe { (*rq).mq_hctx } != self.hctx.as_raw()
    }

    /// Takes the first request as it is, not started.
    #[inline]
    fn take_raw(&mut self) -> Option<*mut bindings::request> {
        if self.is_empty() {
            return None;
        }
        let rq = self.list.head;
        // SAFETY: By the type invariant, and there is one.
        self.list.head = unsafe { (*rq).__bindgen_anon_1.rq_next };
        if self.list.head.is_null() {
            self.list.tail = core::ptr::null_mut();
        }
        Some(rq)
    }

    /// Moves the rest to the end of `left`.
    #[inline]
    pub(super) fn leave(mut self, left: &mut bindings::rq_list) {
        while let Some(rq) = self.take_raw() {
            // SAFETY: `rq` is in no list any more, and `left` is a list of such.
            unsafe { append(left, rq) };
        }
    }
}

impl<O: Operations> Iterator for Dispatch<'_, O> {
    type Item = Request<O>;

    #[inline]
    fn next(&mut self) -> Option<Request<O>> {
        let rq = self.take_raw()?;
        // SAFETY: By the type invariant, and it is in no list any more.
        Some(unsafe { Request::start(rq) })
    }
}
