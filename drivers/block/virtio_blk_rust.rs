// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Virtio block driver (VIRTIO 1.4, 5.2).
//!
//! Limitations: a disk with zones keeps their size and model until it is bound again.

#[path = "virtio_blk_rust/attributes.rs"]
mod attributes;
#[path = "virtio_blk_rust/config.rs"]
mod config;
#[path = "virtio_blk_rust/protocol.rs"]
mod protocol;
#[path = "virtio_blk_rust/queue.rs"]
mod queue;
#[path = "virtio_blk_rust/ranges.rs"]
mod ranges;
#[path = "virtio_blk_rust/zoned.rs"]
mod zoned;

use kernel::{
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    time::Msecs, //
};
use kernel_ext::{
    block::mq::prelude::*,
    module_virtio_driver,
    uint_module_param,
    virtio::prelude::*, //
};

use self::{
    config::{
        Configuration,
        Watcher, //
    },
    protocol::Command,
    queue::{
        Request,
        RequestQueue, //
    },
};

/// A device and its request queues.
type Controller = Watchdog<RequestQueue>;

uint_module_param! {
    /// Bound on the number of request queues of a device.
    static NUM_REQUEST_QUEUES: "num_request_queues" = 0, 0o644,
        "Limit the number of request queues of each device to use (0: no limit)";
}

uint_module_param! {
    /// Request queues without interrupts.
    static POLL_QUEUES: "poll_queues" = 0, 0o644,
        "Request queues of each device for those who poll (0: none)";
}

uint_module_param! {
    /// Requests that a queue takes.
    static QUEUE_DEPTH: "queue_depth" = 0, 0o444,
        "Requests that each queue takes at a time (0: as many as fit)";
}

uint_module_param! {
    /// What a disk's `io_timeout` is at first, so that the probe has it, too.
    static IO_TIMEOUT: "io_timeout" = 0, 0o644,
        "Milliseconds after which a device is reset that does not answer a request (0: 30000)";
}

/// The driver of one device. After what [`Drop`] does, its fields are dropped in this order: the
/// disk, which ends all use of the rest, then the device and its queues.
struct VirtioBlk {
    disk: GenDisk<Self>,
    watcher: Arc<Watcher>,
    controller: Arc<Controller>,
}

impl Driver for VirtioBlk {
    const ID: DeviceId = DeviceId::BLOCK;
    const FEATURES: FeatureSet = FeatureSet::of(&[
        feature::block::SIZE_MAX,
        feature::block::SEG_MAX,
        feature::block::GEOMETRY,
        feature::block::RO,
        feature::block::BLK_SIZE,
        feature::block::FLUSH,
        feature::block::TOPOLOGY,
        feature::block::CONFIG_WCE,
        feature::block::MQ,
        feature::block::DISCARD,
        feature::block::WRITE_ZEROES,
        feature::block::LIFETIME,
        feature::block::SECURE_ERASE,
        feature::block::ZONED,
    ]);

    fn validate(device: &Acknowledged<'_>) -> Result<FeatureSet, &'static str> {
        zoned::validate(device)
    }

    fn probe(device: Negotiated) -> Result<Self> {
        let config = Configuration::read(&device)?;
        let num_queues = config.num_queues(&device, NUM_REQUEST_QUEUES.get())?;
        // One at least is for those who do not poll.
        let num_polled = num_queues
            .saturating_sub(1)
            .min(u16::try_from(POLL_QUEUES.get()).unwrap_or(u16::MAX));
        let num_default = num_queues.saturating_sub(num_polled);
        device.info(fmt!(
            "{num_default}/0/{num_polled} default/read/poll queues"
        ));
        let cut = config.cut(&device)?;
        let mut queues = KVec::with_capacity(num_queues.into(), GFP_KERNEL)?;
        let watcher = Watcher::new(device.device())?;

        let mut setup = device.queues(num_queues, true)?;
        for index in 0..num_queues {
            let queue = setup.queue(
                QueueOptions {
                    name: fmt!("req.{index}"),
                    max_size: config::MAX_RING,
                    table_len: config::TABLE_LEN,
                    polled: index >= num_default,
                },
                |queue| RequestQueue::new(queue, cut, config.ranges.may_unmap),
            )?;
            queues.push(queue, GFP_KERNEL)?;
        }
        setup.config_handler(watcher.clone());

        let longest = queues
            .iter()
            .map(|queue| queue.max_chain())
            .min()
            .unwrap_or(0);
        let depth = queues.iter().map(|queue| queue.depth()).min().unwrap_or(0);
        let limits = config.limits(&setup, longest, cut)?;
        let controller = Controller::new(setup.start()?, queues)?;
        let device = controller.device();

        let options = TagSetOptions {
            nr_hw_queues: num_queues.into(),
            nr_poll_queues: num_polled.into(),
            queue_depth: match QUEUE_DEPTH.get() {
                0 => depth.into(),
                depth => depth,
            },
            timeout: IO_TIMEOUT.get(),
        };
        let tag_set = TagSet::new(options, controller.clone())?;
        let mut disk = NewDisk::new(tag_set, &limits, controller.clone(), config.geometry)?;
        disk.set_capacity(config.capacity);
        if device.has(feature::block::RO) {
            disk.set_read_only();
        }
        let disk = disk.add(device.parent(), "vd")?;
        device.info(fmt!("[{}] {}", disk.name(), disk.size()));

        watcher.watch(Some(&disk));
        Ok(Self {
            disk,
            watcher,
            controller,
        })
    }

    fn quiesce(&self, _why: Pause) {
        self.disk.quiesce();
    }

    fn resume(&self) {
        let (device, cache) = (self.controller.device(), self.disk.cache());
        // The reset undid what was chosen, and nobody flushes a cache that writes through.
        if device.has(feature::block::CONFIG_WCE)
            && Configuration::set_cache(device, cache) != Ok(cache)
        {
            device.err(fmt!("cache mode is lost: it was {}", cache.as_str()));
        }
        self.disk.unquiesce();
    }
}

impl Drop for VirtioBlk {
    fn drop(&mut self) {
        self.watcher.watch(None);
        if self.controller.begin_removal() {
            // Nobody need try to write back to a device that does not work.
            self.disk.mark_dead();
        }
    }
}

#[vtable]
impl Operations for VirtioBlk {
    type TagSetData = Arc<Controller>;
    type HwData = Arc<RequestQueue>;
    type QueueData = Arc<Controller>;
    type DiskData = Option<Geometry>;
    type RequestData = Command;

    const CHECK_INTERVAL: Msecs = 3_000;

    const ATTRIBUTES: &'static [AttributeEntry<Self>] = attributes::ALL;

    fn init_hctx(controller: ArcBorrow<'_, Controller>, index: u32) -> Result<Arc<RequestQueue>> {
        controller.queue(index).cloned().ok_or(EINVAL)
    }

    fn init_request(_controller: Borrowed<'_, Arc<Controller>>) -> impl PinInit<Command, Error> {
        Command::new()
    }

    #[inline(always)]
    fn queue_rq(
        hctx: &HwContext<Self>,
        request: Request,
        last: bool,
    ) -> Result<(), Requeued<Self>> {
        hctx.data().submit(hctx, Some(request), last)
    }

    fn queue_rqs(
        hctx: &HwContext<Self>,
        requests: &mut Dispatch<'_, Self>,
    ) -> Result<(), Requeued<Self>> {
        hctx.data().submit(hctx, requests, true)
    }

    fn commit_rqs(hctx: &HwContext<Self>) {
        hctx.data().commit();
    }

    #[inline(always)]
    fn complete(request: &mut Request) -> mq::Status {
        match request.op() {
            Op::Read => request.data().outcome(request.bytes()),
            Op::ZoneAppend => zoned::appended(request),
            _ => request.data().outcome(0),
        }
    }

    fn poll(hctx: &HwContext<Self>, batch: &mut Batch<'_, Self>) -> bool {
        hctx.data().poll(batch)
    }

    fn timeout(request: &Unanswered<'_, Self>) -> Timeout {
        let hctx = request.hctx();
        // An interrupt may have been lost.
        hctx.data().interrupt();
        match hctx.queue_data().check(request.expire()) {
            false => Timeout::Wait,
            true => Timeout::Done,
        }
    }

    fn map_queues(controller: ArcBorrow<'_, Controller>, map: QueueMap<'_>) {
        let vectors = controller.queue_vectors();
        map.follow_vectors(controller.device().parent(), vectors.first());
    }

    fn report_zones(disk: &Disk<Self>, report: &mut ZoneReport<'_, Self>) -> Result {
        zoned::report(disk, report)
    }

    fn geometry(device: &Option<Geometry>, sectors: u64) -> Geometry {
        device.unwrap_or_else(|| Geometry::of_sectors(sectors))
    }
}

module_virtio_driver! {
    type: VirtioBlk,
    name: "virtio_blk_rust",
    authors: ["The virtio-rust authors"],
    description: "Virtio block driver",
    license: "GPL",
}
