// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Lists of requests.

use core::marker::PhantomData;

use kernel::bindings;

use super::{
    operations::Operations,
    request::Request, //
};

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

    /// Completes all requests: see [`Request::complete`].
    #[inline]
    pub fn complete(mut self) {
        while let Some(request) = self.pop() {
            request.complete();
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
