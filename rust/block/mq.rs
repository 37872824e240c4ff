// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Multi-queue block devices (blk-mq), for drivers of real hardware.
//!
//! What `kernel::block::mq` lacks: data of hardware queues and of requests, the request's operation,
//! sector and memory, errors, requeueing, timeouts, requests of the driver's own, queue limits,
//! attributes, a parent device, an owner, and an end.
//!
//! # Ownership of requests
//!
//! A [`Request`] is a request that was started and belongs to the driver. The block layer hands it
//! to [`Operations::queue_rq`]; the driver gives it back by one of
//!
//! - [`Request::end`]: done, with a status; also what dropping it comes to, with an I/O error;
//! - [`Request::complete`]: the hardware is done; [`Operations::complete`] gets the request where
//!   the block layer wants it, which is the processor that submitted it or one near;
//! - [`Request::put_back`]: the hardware was reset and will never be done with it;
//! - [`Request::requeue`], only in [`Operations::queue_rq`]: it cannot be taken now.
//!
//! A driver that talks to a queue of its own moves the [`Request`] in there, and with it the memory
//! that the hardware may use: [`Request::parts`] shows that memory to a device for as long as the
//! request is borrowed.
//!
//! # Data
//!
//! | data                          | belongs to          | from                               | until                |
//! | ----------------------------- | ------------------- | ---------------------------------- | -------------------- |
//! | [`Operations::TagSetData`]    | [`TagSet`]          | [`TagSet::new`]                    | it is dropped        |
//! | [`Operations::RequestData`]   | each request        | [`Operations::init_request`]       | [`TagSet`]'s end     |
//! | [`Operations::HwData`]        | each hardware queue | [`Operations::init_hctx`]          | [`GenDisk`]'s end    |
//! | [`Operations::QueueData`]     | the request queue   | [`NewDisk::new`]                   | [`GenDisk`]'s end    |
//! | [`Operations::DiskData`]      | the disk            | [`NewDisk::new`]                   | its last user closes |
//!
//! # Hardware that stops for a while
//!
//! [`Disk::quiesce`] keeps requests from the driver, who then resets the hardware and puts back what
//! that had; [`Disk::unquiesce`] has all of it dispatched. Nobody above hears of it.
//!
//! # Hardware that does not answer
//!
//! [`Operations::timeout`] is asked about each request that the hardware has had for some time, and by
//! [`Unanswered::expire`] knows when that was as long as the user wants to wait. The driver resets the
//! hardware and puts back what that had; [`Request::times_expired`] bounds how often.
//!
//! # Removal
//!
//! Dropping a [`GenDisk`] removes the disk: file systems on it write back what they have, new I/O
//! fails, and the call returns when all requests have ended; after that no callback runs any more
//! but those of open file handles, which see [`Operations::DiskData`] only. The hardware must
//! therefore work until then, or the driver must have seen to it that requests end without it:
//! [`Disk::mark_dead`] keeps file systems from trying.
//!
//! C headers: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h),
//! [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

mod attribute;
mod batch;
mod data;
mod disk;
mod driver_request;
mod hctx;
mod limits;
mod list;
mod operations;
mod request;
mod resize;
mod status;
mod tag_set;
mod unanswered;
mod zoned;

use kernel::bindings;

pub use self::{
    attribute::{
        AttributeEntry,
        Output, //
    },
    batch::Batch,
    data::{
        Data,
        Segments,
        SegmentsMut, //
    },
    disk::{
        Disk,
        GenDisk,
        Geometry,
        NewDisk, //
    },
    driver_request::{
        DriverRequest,
        Transfer, //
    },
    hctx::HwContext,
    limits::{
        Cut,
        Limits,
        Topology,
        MAX_BLOCK_SIZE, //
    },
    list::{
        Dispatch,
        RequestList, //
    },
    operations::{
        Borrowed,
        Operations,
        Timeout, //
    },
    request::{
        Op,
        Request,
        Requeued,
        SectorRange, //
    },
    status::Status,
    tag_set::{
        QueueMap,
        TagSet,
        TagSetOptions, //
    },
    unanswered::Unanswered,
    zoned::{
        Zone,
        ZoneKind,
        ZoneLimits,
        ZoneReport,
        ZoneState, //
    },
};

/// What every driver needs, less names that it may want for what its hardware calls so.
pub mod prelude {
    pub use crate::block::{
        mq,
        Cache,
        SECTOR_SIZE, //
    };

    pub use super::{
        AttributeEntry,
        Batch,
        Borrowed,
        Cut,
        Data,
        Disk,
        Dispatch,
        DriverRequest,
        GenDisk,
        Geometry,
        HwContext,
        Limits,
        NewDisk,
        Op,
        Operations,
        Output,
        QueueMap,
        RequestList,
        Requeued,
        SectorRange,
        TagSet,
        TagSetOptions,
        Timeout,
        Topology,
        Transfer,
        Unanswered,
        Zone,
        ZoneKind,
        ZoneLimits,
        ZoneReport,
        ZoneState, //
    };
}

/// How many hardware queues make sense for hardware that has `max`: no more than there are
/// processors, nor than the user's `limit`, unless that is 0.
pub fn num_hw_queues(max: u16, limit: u32) -> u16 {
    let max = match u16::try_from(limit) {
        Ok(0) | Err(_) => max,
        Ok(limit) => max.min(limit),
    };
    // SAFETY: The function has no preconditions.
    let queues = unsafe { bindings::blk_mq_num_possible_queues(max.into()) };
    u16::try_from(queues).unwrap_or(max).min(max)
}
