// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a driver does, and how the block layer calls it.

use core::marker::PhantomData;

use kernel::{
    bindings,
    error::from_result,
    prelude::*,
    time::Msecs,
    types::ForeignOwnable, //
};

use super::{
    attribute::AttributeEntry,
    batch::Batch,
    disk::{
        Disk,
        Geometry, //
    },
    hctx::HwContext,
    list::Dispatch,
    request::{
        Request,
        Requeued, //
    },
    status::Status,
    tag_set::{
        QueueMap,
        TagSet, //
    },
    unanswered::{
        self,
        Unanswered, //
    },
    zoned::ZoneReport, //
};

/// A borrow of data that the block layer keeps for the driver.
pub type Borrowed<'a, T> = <T as ForeignOwnable>::Borrowed<'a>;

/// What is to become of a request that the hardware has not answered for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Goes on to wait, until it is asked about again.
    Wait,
    /// The driver has ended the request, or is about to.
    Done,
}

/// A driver of block devices.
///
/// Each disk has hardware queues, to which the block layer dispatches requests; one callback of a
/// hardware queue may run at the same time on several processors.
#[vtable]
pub trait Operations: Sized + 'static {
    /// Data of the [`TagSet`](super::TagSet).
    type TagSetData: ForeignOwnable + Send + Sync;
    /// Data of a hardware queue.
    type HwData: ForeignOwnable + Send + Sync;
    /// Data of a disk until it is removed.
    type QueueData: ForeignOwnable + Send + Sync;
    /// Data of a disk until its last user has closed it, which may be long after removal.
    type DiskData: Send + Sync + 'static;
    /// Data of a request. It stays from one use of the request to the next.
    type RequestData: Send + Sync;

    /// How often [`timeout`](Self::timeout) is asked about a request that is not answered: more often
    /// if its [`io_timeout`](super::TagSetOptions::timeout) is less.
    const CHECK_INTERVAL: Msecs = Msecs::MAX;

    /// Attributes of a disk in sysfs.
    const ATTRIBUTES: &'static [AttributeEntry<Self>] = &[];

    /// Makes the data of hardware queue number `index`.
    ///
    /// # Errors
    ///
    /// Any; the disk is not made.
    fn init_hctx(set: Borrowed<'_, Self::TagSetData>, index: u32) -> Result<Self::HwData>;

    /// Makes the data of a request: of each that there can be, when the tag set is made.
    fn init_request(set: Borrowed<'_, Self::TagSetData>) -> impl PinInit<Self::RequestData, Error>;

    /// Takes a request to the hardware.
    ///
    /// If it is not the `last` one, the hardware may be told of it later, at the latest by
    /// [`commit_rqs`](Self::commit_rqs), which follows if the last one does not come. Must not sleep.
    ///
    /// # Errors
    ///
    /// What [`Request::requeue`] makes of the request if it cannot be queued now.
    fn queue_rq(
        hctx: &HwContext<Self>,
        request: Request<Self>,
        last: bool,
    ) -> Result<(), Requeued<Self>>;

    /// Takes requests to the hardware that are dispatched together to one hardware queue, which is told
    /// of all of them.
    ///
    /// What is not taken from `requests` is dispatched again, one by one. Must not sleep.
    ///
    /// # Errors
    ///
    /// As for [`queue_rq`](Self::queue_rq), for the request that was taken last.
    fn queue_rqs(
        hctx: &HwContext<Self>,
        requests: &mut Dispatch<'_, Self>,
    ) -> Result<(), Requeued<Self>>;

    /// Tells the hardware of what was queued before.
    fn commit_rqs(hctx: &HwContext<Self>) {
        let _ = hctx;
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Evaluates a request that the hardware is done with, which ends with the status that is
    /// returned. Must not sleep.
    fn complete(request: &mut Request<Self>) -> Status;

    /// Looks for requests that the hardware is done with in a queue that is polled, completes them by
    /// way of `batch`, and returns whether there were any. Must not sleep.
    fn poll(hctx: &HwContext<Self>, batch: &mut Batch<'_, Self>) -> bool {
        let _ = (hctx, batch);
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Decides what becomes of a request that was not ended for
    /// [`CHECK_INTERVAL`](Self::CHECK_INTERVAL).
    ///
    /// Called in process context, for one request after the other; may sleep, but not wait for
    /// requests.
    fn timeout(request: &Unanswered<'_, Self>) -> Timeout {
        let _ = request;
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Assigns processors to hardware queues that interrupt.
    fn map_queues(set: Borrowed<'_, Self::TagSetData>, map: QueueMap<'_>) {
        let _ = (set, map);
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// Reports zones, for disks with [zones](super::Limits::set_zoned): one after the other, as long as
    /// [`ZoneReport::next_zone`] says that one is missing.
    ///
    /// Called in process context; may sleep, and send requests of its own.
    ///
    /// # Errors
    ///
    /// Any; those of [`ZoneReport::add`].
    fn report_zones(disk: &Disk<Self>, report: &mut ZoneReport<'_, Self>) -> Result {
        let _ = (disk, report);
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }

    /// The geometry of a disk of this many sectors, for those who still ask.
    fn geometry(data: &Self::DiskData, sectors: u64) -> Geometry {
        let _ = (data, sectors);
        build_error!(kernel::error::VTABLE_DEFAULT_ERROR)
    }
}

/// The C operations of `O`.
pub(super) struct OperationsVTable<O: Operations>(PhantomData<O>);

impl<O: Operations> OperationsVTable<O> {
    /// The table.
    pub(super) const VTABLE: bindings::blk_mq_ops = bindings::blk_mq_ops {
        queue_rq: Some(Self::queue_rq_callback),
        queue_rqs: Some(Self::queue_rqs_callback),
        commit_rqs: if O::HAS_COMMIT_RQS {
            Some(Self::commit_rqs_callback)
        } else {
            None
        },
        complete: Some(Self::complete_callback),
        poll: if O::HAS_POLL {
            Some(Self::poll_callback)
        } else {
            None
        },
        timeout: if O::HAS_TIMEOUT {
            Some(Self::timeout_callback)
        } else {
            None
        },
        map_queues: if O::HAS_MAP_QUEUES {
            Some(Self::map_queues_callback)
        } else {
            None
        },
        init_hctx: Some(Self::init_hctx_callback),
        exit_hctx: Some(Self::exit_hctx_callback),
        init_request: Some(Self::init_request_callback),
        exit_request: Some(Self::exit_request_callback),
        ..pin_init::zeroed()
    };

    /// Dispatches a request.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only: `hctx` must be initialised, and `bd` have a request
    /// that the block layer gives away unless told otherwise.
    unsafe extern "C" fn queue_rq_callback(
        hctx: *mut bindings::blk_mq_hw_ctx,
        bd: *const bindings::blk_mq_queue_data,
    ) -> bindings::blk_status_t {
        // SAFETY: By the requirements of this function; `init_request_callback` has run.
        let (rq, hctx, last) = unsafe { ((*bd).rq, HwContext::from_raw(hctx), (*bd).last) };
        // SAFETY: As above.
        let request = unsafe { Request::start(rq) };

        match O::queue_rq(hctx, request, last) {
            Ok(()) => Status::Ok.as_raw(),
            Err(requeued) => requeued.into_status(rq),
        }
    }

    /// Dispatches the requests of a list, which may be of more than one hardware queue.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only: `list` must have requests of one request queue that are
    /// not started, and that the block layer gives away, but for those that are in it at the end.
    unsafe extern "C" fn queue_rqs_callback(list: *mut bindings::rq_list) {
        // SAFETY: By the requirements of this function.
        let list = unsafe { &mut *list };
        let mut left = bindings::rq_list::default();

        while !list.head.is_null() {
            // SAFETY: By the requirements of this function; a request that is to be dispatched has a
            // hardware queue, which stays while it has requests.
            let hctx = unsafe { HwContext::from_raw((*list.head).mq_hctx) };
            // SAFETY: By the requirements of this function; `init_request_callback` has run for each.
            let mut requests = unsafe { Dispatch::<O>::new(list, hctx) };
            // The block layer does not look, but knows what to do with them.
            if !hctx.is_stopped() {
                if let Err(requeued) = O::queue_rqs(hctx, &mut requests) {
                    requeued.put_back();
                }
            }
            requests.leave(&mut left);
        }
        *list = left;
    }

    /// Tells the hardware.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only, with an initialised `hctx`.
    unsafe extern "C" fn commit_rqs_callback(hctx: *mut bindings::blk_mq_hw_ctx) {
        // SAFETY: By the requirement of this function.
        O::commit_rqs(unsafe { HwContext::from_raw(hctx) });
    }

    /// Takes up a request that was completed.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only, once for each request that is completed.
    unsafe extern "C" fn complete_callback(rq: *mut bindings::request) {
        // SAFETY: Whoever completed it has given it up, so that it is not owned by anyone.
        let mut request = unsafe { Request::from_raw(rq) };
        let status = O::complete(&mut request);
        request.end(status);
    }

    /// Looks for requests that the hardware is done with.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only, with an initialised `hctx` and a batch, or NULL.
    unsafe extern "C" fn poll_callback(
        hctx: *mut bindings::blk_mq_hw_ctx,
        batch: *mut bindings::io_comp_batch,
    ) -> c_int {
        // SAFETY: By the requirements of this function.
        let (hctx, mut batch) = unsafe { (HwContext::from_raw(hctx), Batch::from_raw(batch)) };
        O::poll(hctx, &mut batch).into()
    }

    /// Asks what becomes of a request.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only, with a request that was dispatched.
    unsafe extern "C" fn timeout_callback(
        rq: *mut bindings::request,
    ) -> bindings::blk_eh_timer_return {
        // SAFETY: The block layer holds a reference to the request.
        let request = unsafe { Unanswered::from_raw(rq) };

        match request.map(|request| O::timeout(&request)) {
            Some(Timeout::Wait) => bindings::blk_eh_timer_return_BLK_EH_RESET_TIMER,
            Some(Timeout::Done) | None => bindings::blk_eh_timer_return_BLK_EH_DONE,
        }
    }

    /// Assigns processors to hardware queues.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only, with a tag set of [`TagSet`](super::TagSet).
    unsafe extern "C" fn map_queues_callback(set: *mut bindings::blk_mq_tag_set) {
        // SAFETY: The data was set before the block layer got to know the tag set, whose maps it lends
        // for the duration of the call.
        unsafe { TagSet::<O>::map_queues(set) };
    }

    /// Makes the data of a hardware queue.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only, with the data of the tag set.
    unsafe extern "C" fn init_hctx_callback(
        hctx: *mut bindings::blk_mq_hw_ctx,
        data: *mut c_void,
        index: c_uint,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the requirements of this function.
            let set = unsafe { O::TagSetData::borrow(data) };
            let data = O::init_hctx(set, index)?;
            // SAFETY: `hctx` is being initialised, and the field is the driver's.
            unsafe { (*hctx).driver_data = data.into_foreign() };
            Ok(0)
        })
    }

    /// Drops the data of a hardware queue.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only, once after [`Self::init_hctx_callback`] succeeded.
    unsafe extern "C" fn exit_hctx_callback(hctx: *mut bindings::blk_mq_hw_ctx, _index: c_uint) {
        // SAFETY: By the requirement of this function; nothing is dispatched to it any more.
        drop(unsafe { O::HwData::from_foreign((*hctx).driver_data) });
    }

    /// Makes the data of a request.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only, with room for the data after the request.
    unsafe extern "C" fn init_request_callback(
        set: *mut bindings::blk_mq_tag_set,
        rq: *mut bindings::request,
        _hctx_index: c_uint,
        _numa_node: c_int,
    ) -> c_int {
        from_result(|| {
            // SAFETY: The data was set before the block layer got to know the tag set.
            let set = unsafe { O::TagSetData::borrow((*set).driver_data) };
            // SAFETY: By the requirement of this function.
            unsafe { unanswered::init::<O::RequestData>(rq) };
            let slot = Request::<O>::data_of(rq);
            // SAFETY: By the requirement of this function; requests stay where they are.
            unsafe { pin_init::raw_try_init(slot, O::init_request(set)) }?;
            Ok(0)
        })
    }

    /// Drops the data of a request.
    ///
    /// # Safety
    ///
    /// To be called by the block layer only, once after [`Self::init_request_callback`] succeeded.
    unsafe extern "C" fn exit_request_callback(
        _set: *mut bindings::blk_mq_tag_set,
        rq: *mut bindings::request,
        _hctx_index: c_uint,
    ) {
        // SAFETY: By the requirement of this function; the request is not in use.
        unsafe { core::ptr::drop_in_place(Request::<O>::data_of(rq)) };
    }
}
