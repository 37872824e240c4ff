// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Tag sets: the hardware queues of a driver and the requests that they can take.

use core::marker::PhantomData;

use kernel::{
    bindings,
    device,
    error::to_result,
    prelude::*,
    sync::Arc,
    time::{
        msecs_to_jiffies,
        Msecs, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

use super::{
    operations::{
        Operations,
        OperationsVTable, //
    },
    unanswered::Slot, //
};

/// What a tag set is to be like.
#[derive(Clone, Copy, Debug)]
pub struct TagSetOptions {
    /// Number of hardware queues.
    pub nr_hw_queues: u32,
    /// How many of them, the last ones, have no interrupts and are only looked at by
    /// [`Operations::poll`]. Requests whose submitter polls go there, and no others.
    pub nr_poll_queues: u32,
    /// Requests that each hardware queue can take.
    pub queue_depth: u32,
    /// How long the hardware may have a request, 0 for the block layer's default, 30 s. It is the
    /// `io_timeout` of the disk, which the user may change.
    pub timeout: Msecs,
}

/// The requests of a driver.
///
/// # Invariants
///
/// `inner` is a tag set with the operations of `O`, whose `driver_data` is of `O::TagSetData`. It has
/// `nr_poll_queues` queues that are polled, and more than that in all.
#[pin_data(PinnedDrop)]
pub struct TagSet<O: Operations> {
    #[pin]
    inner: Opaque<bindings::blk_mq_tag_set>,
    nr_poll_queues: u32,
    _operations: PhantomData<O>,
}

// SAFETY: The set belongs to no thread, and its data is `Send`.
unsafe impl<O: Operations> Send for TagSet<O> {}
// SAFETY: The block layer serialises what needs it, and the data is `Sync`.
unsafe impl<O: Operations> Sync for TagSet<O> {}

impl<O: Operations> TagSet<O> {
    /// Allocates requests and maps queues.
    ///
    /// # Errors
    ///
    /// `EINVAL` when there are no queues, none that is not polled or no depth, `ENOMEM`, what
    /// [`Operations::init_request`] returns.
    pub fn new(options: TagSetOptions, data: O::TagSetData) -> Result<Arc<Self>> {
        let cmd_size = c_uint::try_from(size_of::<Slot<O::RequestData>>())?;
        if options.nr_poll_queues >= options.nr_hw_queues
            || (options.nr_poll_queues > 0 && !O::HAS_POLL)
        {
            return Err(EINVAL);
        }
        // One for all requests, or one for each kind.
        let nr_maps = match options.nr_poll_queues {
            0 => 1,
            _ => bindings::hctx_type_HCTX_MAX_TYPES,
        };
        let timeout = c_uint::try_from(msecs_to_jiffies(options.timeout)).unwrap_or(c_uint::MAX);

        Arc::pin_init(
            try_pin_init!(Self {
                // First, as it is looked at while the other is made.
                nr_poll_queues: options.nr_poll_queues,
                inner <- Opaque::try_ffi_init(|slot: *mut bindings::blk_mq_tag_set| {
                    let driver_data = data.into_foreign();
                    let set = bindings::blk_mq_tag_set {
                        ops: &OperationsVTable::<O>::VTABLE,
                        nr_hw_queues: options.nr_hw_queues,
                        queue_depth: options.queue_depth,
                        numa_node: bindings::NUMA_NO_NODE,
                        nr_maps,
                        cmd_size,
                        timeout,
                        driver_data,
                        ..pin_init::zeroed()
                    };
                    // SAFETY: `slot` is valid for writes.
                    unsafe { slot.write(set) };

                    // INVARIANT: The set is complete.
                    // SAFETY: It is initialised as far as the caller has to, and pinned.
                    to_result(unsafe { bindings::blk_mq_alloc_tag_set(slot) }).inspect_err(|_| {
                        // SAFETY: Made just now, and nobody uses it any more.
                        drop(unsafe { O::TagSetData::from_foreign(driver_data) });
                    })
                }),
                _operations: PhantomData,
            }? Error),
            GFP_KERNEL,
        )
    }

    /// Assigns processors to hardware queues: those with interrupts as the driver says, the others in
    /// turn.
    ///
    /// # Safety
    ///
    /// `set` must be the `inner` of a tag set, whose `driver_data` and `nr_poll_queues` are
    /// initialised, and nobody else use its maps.
    pub(super) unsafe fn map_queues(set: *mut bindings::blk_mq_tag_set) {
        let this: *const Self = kernel::container_of!(Opaque::cast_from(set), Self, inner);
        // SAFETY: By the requirement of this function.
        let (polled, data, set) = unsafe {
            let data = O::TagSetData::borrow((*set).driver_data);
            ((*this).nr_poll_queues, data, &mut *set)
        };
        let interrupting = set.nr_hw_queues.saturating_sub(polled);
        let [default, read, poll] = &mut set.map;

        default.nr_queues = interrupting;
        default.queue_offset = 0;
        O::map_queues(data, QueueMap(default));
        if set.nr_maps > bindings::hctx_type_HCTX_TYPE_POLL {
            // Reads take the way of all others.
            read.nr_queues = 0;
            read.queue_offset = interrupting;
            poll.nr_queues = polled;
            poll.queue_offset = interrupting;
            // SAFETY: The map is valid, with a number of queues set.
            unsafe { bindings::blk_mq_map_queues(poll) };
        }
    }

    /// The C structure.
    pub(super) fn as_raw(&self) -> *mut bindings::blk_mq_tag_set {
        self.inner.get()
    }
}

#[pinned_drop]
impl<O: Operations> PinnedDrop for TagSet<O> {
    fn drop(self: Pin<&mut Self>) {
        let set = self.inner.get();
        // SAFETY: By the type invariant; disks hold a reference to their tag set, so there are
        // none.
        unsafe { bindings::blk_mq_free_tag_set(set) };
        // SAFETY: By the type invariant, and nobody uses it any more.
        drop(unsafe { O::TagSetData::from_foreign((*set).driver_data) });
    }
}

/// Which processors use which hardware queue.
pub struct QueueMap<'a>(&'a mut bindings::blk_mq_queue_map);

impl QueueMap<'_> {
    /// Gives each processor the queue that interrupts it: queue `i` has interrupt vector
    /// `first + i` of `dev`. Spreads processors over queues if they have no vectors of their own, and
    /// where the kernel did not assign vectors to processors.
    pub fn follow_vectors(self, dev: &device::Device, first: Option<u32>) {
        // SAFETY: The map is valid, with a number of queues set, and `dev` a device on its bus.
        unsafe {
            match first {
                Some(first) => {
                    bindings::blk_mq_map_hw_queues(self.0, crate::dma::raw_device(dev), first)
                }
                None => bindings::blk_mq_map_queues(self.0),
            }
        }
    }
}
