// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Requests of the driver's own making.

use core::ptr::NonNull;

use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*, //
};

use super::{
    disk::Disk,
    operations::Operations,
    request::Request,
    status, //
};

/// What is transferred with a request of the driver's own.
pub enum Transfer<'a> {
    /// Nothing.
    None,
    /// What the device writes. May go through another buffer, which is zeroed: bytes that the
    /// device does not write are 0 or as they were.
    FromDevice(&'a mut [u8]),
}

/// A request of the driver's own making, on its way through the block layer to
/// [`Operations::queue_rq`] as [`Op::DriverIn`](super::Op::DriverIn).
///
/// # Invariants
///
/// `rq` was allocated from the queue of `disk` and is not under way.
pub struct DriverRequest<'a, O: Operations> {
    rq: NonNull<bindings::request>,
    disk: &'a Disk<O>,
}

impl<'a, O: Operations> DriverRequest<'a, O> {
    /// Allocates a request. Sleeps until there is one. Does not wait for a disk that is
    /// [getting another size](Disk::resize_zoned).
    ///
    /// # Errors
    ///
    /// `ENODEV` when the disk is dead.
    pub fn new(disk: &'a Disk<O>) -> Result<Self> {
        // SAFETY: The disk keeps its queue.
        let rq = from_err_ptr(unsafe {
            bindings::blk_mq_alloc_request(
                disk.queue(),
                bindings::req_op_REQ_OP_DRV_IN,
                bindings::BLK_MQ_REQ_PM,
            )
        })?;

        // INVARIANT: Allocated just now.
        Ok(Self {
            rq: NonNull::new(rq).ok_or(ENOMEM)?,
            disk,
        })
    }

    /// The driver's data of the request.
    pub fn data(&self) -> &O::RequestData {
        // SAFETY: By the type invariant nobody else uses the request; its data is initialised.
        unsafe { &*Request::<O>::data_of(self.rq.as_ptr()) }
    }

    /// The driver's data of the request.
    pub fn data_mut(&mut self) -> Pin<&mut O::RequestData> {
        // SAFETY: As above; the borrow is unique, and the data pinned.
        unsafe { Pin::new_unchecked(&mut *Request::<O>::data_of(self.rq.as_ptr())) }
    }

    /// Sends the request and waits until it has ended.
    ///
    /// # Errors
    ///
    /// What the status of the request stands for; `ENOMEM`, `EINVAL` when the transfer is too long.
    pub fn execute(&mut self, transfer: Transfer<'_>) -> Result {
        let rq = self.rq.as_ptr();

        if let Transfer::FromDevice(buf) = transfer {
            // SAFETY: By the type invariant; `buf` stays until the request has ended, below.
            to_result(unsafe {
                bindings::blk_rq_map_kern(
                    rq,
                    buf.as_mut_ptr().cast(),
                    c_uint::try_from(buf.len())?,
                    bindings::GFP_KERNEL,
                )
            })?;
        }

        // SAFETY: By the type invariant. This returns when the request has ended, and with it what
        // `blk_rq_map_kern` has made.
        status::result(unsafe { bindings::blk_execute_rq(rq, false) })
    }

    /// The disk that the request is for.
    pub fn disk(&self) -> &'a Disk<O> {
        self.disk
    }
}

impl<O: Operations> Drop for DriverRequest<'_, O> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::blk_mq_free_request(self.rq.as_ptr()) };
    }
}
