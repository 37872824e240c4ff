// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Hardware queues, as the block layer sees them.

use core::marker::PhantomData;

use kernel::{
    bindings,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};

use super::operations::Operations;

/// A hardware queue of a disk (`struct blk_mq_hw_ctx`).
///
/// # Invariants
///
/// It was initialised by [`Operations::init_hctx`], and its request queue has data.
#[repr(transparent)]
pub struct HwContext<O: Operations>(Opaque<bindings::blk_mq_hw_ctx>, PhantomData<O>);

impl<O: Operations> HwContext<O> {
    /// A reference to a hardware queue.
    ///
    /// # Safety
    ///
    /// The type invariant must hold for `hctx` during `'a`.
    #[inline]
    pub(super) unsafe fn from_raw<'a>(hctx: *mut bindings::blk_mq_hw_ctx) -> &'a Self {
        // CAST: The type is a transparent wrapper.
        // SAFETY: By the requirement of this function.
        unsafe { &*hctx.cast() }
    }

    /// The C structure.
    #[inline]
    pub(super) fn as_raw(&self) -> *mut bindings::blk_mq_hw_ctx {
        self.0.get()
    }

    /// The driver's data of the hardware queue.
    #[inline]
    pub fn data(&self) -> <O::HwData as ForeignOwnable>::Borrowed<'_> {
        // SAFETY: By the type invariant `init_hctx_callback` has set it, and it is taken back only
        // after the hardware queue has come to its end.
        unsafe { O::HwData::borrow((*self.0.get()).driver_data) }
    }

    /// The driver's data of the request queue.
    #[inline]
    pub fn queue_data(&self) -> <O::QueueData as ForeignOwnable>::Borrowed<'_> {
        // SAFETY: By the type invariant; the data goes after the last hardware queue has gone.
        unsafe { O::QueueData::borrow((*(*self.0.get()).queue).queuedata) }
    }

    /// Dispatches no more requests to the queue until [`Self::start_stopped`].
    pub fn stop(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::blk_mq_stop_hw_queue(self.0.get()) };
    }

    /// Whether the queue is stopped: a port of `blk_mq_hctx_stopped`.
    #[inline]
    pub(super) fn is_stopped(&self) -> bool {
        // SAFETY: By the type invariant. Others may change other bits at any time.
        let state = unsafe { (&raw const (*self.0.get()).__bindgen_anon_1.state).read_volatile() };
        state & (1 << bindings::BLK_MQ_S_STOPPED) != 0
    }

    /// Goes on to dispatch requests, if the queue was stopped; not by this thread. May be called
    /// from any context.
    pub fn start_stopped(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::blk_mq_start_stopped_hw_queue(self.0.get(), true) };
    }
}
