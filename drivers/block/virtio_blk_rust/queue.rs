// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Request queues (VIRTIO 1.4, 5.2.2): from requests to chains and back.
//!
//! Nothing here allocates: header and status of a request lie in the request, and its memory goes
//! from the bios to the descriptors.

use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
    },
};
use kernel_ext::{
    block::mq::prelude::*,
    virtio::{
        prelude::*,
        Kick, //
    }, //
};

use crate::{
    config::EXTRA_DESCRIPTORS,
    protocol::{
        Header,
        RequestType, //
    },
    ranges::Ranges,
    zoned,
    VirtioBlk, //
};

/// How often a request is given to a device that does not answer it in time.
const TRIES: u32 = 3;

/// A request of the block layer.
pub(crate) type Request = mq::Request<VirtioBlk>;

/// Why a request is not in the queue.
enum Refused {
    /// The device knows nothing like it.
    Unknown(Request),
    /// The queue does not take it.
    Unadded(AddError<Request>),
}

/// A request queue, shared between those who submit and its interrupt.
#[pin_data]
pub(crate) struct RequestQueue {
    #[pin]
    queue: SpinLockIrq<Queue<Request>>,
    /// Out of the lock, as notifying may be a trip to the host.
    notifier: Notifier,
    cut: Cut,
    order: ByteOrder,
    /// What is added to the length of an answer, by bits. Legacy devices are known to get that wrong
    /// (VIRTIO 1.4, 2.7.8.1): all of theirs are long enough.
    more: u32,
    read_only: bool,
    /// Whether a write goes to the device without a look at what is written where: the disk can be
    /// written to, and has no zones.
    plain: bool,
    /// Whether zeroes may lose their place on the medium.
    may_unmap: bool,
}

impl RequestQueue {
    /// Makes `queue` a request queue, for which the memory of requests is cut as `cut` says, and whose
    /// zeroes may lose their place on the medium if `may_unmap`.
    pub(crate) fn new(queue: Queue<Request>, cut: Cut, may_unmap: bool) -> Result<Arc<Self>> {
        let notifier = queue.notifier().clone();
        let read_only = queue.device().has(feature::block::RO);
        let plain = !read_only && !queue.device().has(feature::block::ZONED);
        let order = queue.device().byte_order();
        let more = match queue.device().is_legacy() {
            true => u32::MAX,
            false => 0,
        };
        Arc::pin_init(
            pin_init!(Self {
                queue <- new_spinlock_irq!(queue),
                notifier,
                cut,
                order,
                more,
                read_only,
                plain,
                may_unmap,
            }),
            GFP_KERNEL,
        )
    }

    /// Descriptors of the longest request.
    pub(crate) fn max_chain(&self) -> u16 {
        self.queue.lock().max_chain()
    }

    /// How many requests it can have outstanding, when they are small.
    pub(crate) fn depth(&self) -> u16 {
        self.queue.lock().max_requests(1 + EXTRA_DESCRIPTORS)
    }

    /// The beginning of a request as the device wants it.
    #[inline]
    fn header(&self, kind: RequestType, sector: u64) -> Header {
        Header::new(self.order, kind, sector)
    }

    /// The beginning of a request that is neither to read nor to write without further ado, and how many
    /// descriptors it has besides: `pieces` for its memory. [`None`] if the device is not to get it.
    #[cold]
    fn special(&self, request: &mut Request, pieces: u16) -> Option<(Header, u16)> {
        if self.read_only {
            return None;
        }
        let ranges = match request.op() {
            Op::Discard => RequestType::DISCARD,
            Op::WriteZeroes => RequestType::WRITE_ZEROES,
            Op::SecureErase => RequestType::SECURE_ERASE,
            op => {
                let (kind, sector) = zoned::about_zone(request)?;
                let answer = u16::from(op == Op::ZoneAppend);
                return Some((self.header(kind, sector), pieces.wrapping_add(answer)));
            }
        };
        Ranges::prepare(self.order, request, self.may_unmap);
        Some((self.header(ranges, 0), 1))
    }

    /// Gives requests to the device, which hears of them once if they are the `last`. The first that
    /// it can not take goes back to the block layer, and those after it stay there.
    #[inline(always)]
    pub(crate) fn submit<I: IntoIterator<Item = Request>>(
        &self,
        hctx: &HwContext<VirtioBlk>,
        requests: I,
        last: bool,
    ) -> Result<(), Requeued<VirtioBlk>> {
        let mut queue = self.queue.lock();
        for request in requests {
            if let Err(refused) = self.add::<I>(&mut queue, hctx, request) {
                // What was added before must not wait for a request that is not.
                let kick = queue.publish();
                drop(queue);
                self.notify(kick);
                return self.refuse(refused);
            }
        }
        let kick = last.then(|| queue.publish()).flatten();
        drop(queue);
        self.notify(kick);
        Ok(())
    }

    /// Tells the device of what was published, if it wants to know.
    #[inline]
    fn notify(&self, kick: Option<Kick>) {
        if let Some(kick) = kick {
            self.notifier.notify(kick);
        }
    }

    /// Adds a request, which comes by way of `I`, to the queue, unless it is refused.
    // One for each way, as what is called from one place only is inlined there.
    #[allow(clippy::extra_unused_type_parameters)]
    #[inline(always)]
    fn add<I>(
        &self,
        queue: &mut Queue<Request>,
        hctx: &HwContext<VirtioBlk>,
        mut request: Request,
    ) -> Result<(), Refused> {
        let pieces = request.max_pieces(self.cut);
        // Those who do not ask whether the disk can be written to are not to reach the device.
        let (header, pieces) = match request.op() {
            Op::Read => (Some(self.header(RequestType::IN, request.sector())), pieces),
            Op::Write if self.plain => (
                Some(self.header(RequestType::OUT, request.sector())),
                pieces,
            ),
            Op::Flush => (Some(self.header(RequestType::FLUSH, 0)), 0),
            // Whoever made it has written the header.
            Op::DriverIn => (None, pieces),
            _ => match self.special(&mut request, pieces) {
                Some((header, pieces)) => (Some(header), pieces),
                None => return Err(Refused::Unknown(request)),
            },
        };
        request.data_mut().prepare(header);

        // No more than the longest chain.
        let descriptors = pieces.wrapping_add(EXTRA_DESCRIPTORS);
        let added = queue.add(descriptors, request, |request, chain| {
            let op = request.op();
            let (command, data) = request.parts(self.cut);
            let command = command.project();
            let chain = chain.read(command.header.segment());
            // One place for each kind of segment, as what appends it is inlined there.
            let chain = match data {
                Data::None => chain.read_all(command.ranges.take()).write_all([]),
                Data::ToDevice(segments) => {
                    let is_append = op == Op::ZoneAppend;
                    let appended = is_append.then(|| command.append_sector.segment_mut());
                    chain.read_all(segments).write_all(appended)
                }
                Data::FromDevice(segments) => chain.write_all(segments),
            };
            chain.write(command.status.segment_mut()).end()
        });
        added.map_err(|err| {
            if err.reason == AddErrorReason::Full {
                // Under the lock that the ring is emptied under, so that no completion comes in
                // between.
                hctx.stop();
            }
            Refused::Unadded(err)
        })
    }

    /// Shows the device what was added.
    pub(crate) fn commit(&self) {
        let kick = self.queue.lock().publish();
        self.notify(kick);
    }

    /// Takes out what the device is done with.
    ///
    /// It is completed after the lock is released: others can submit meanwhile, and as long as nothing
    /// is completed there is no more to come than the ring holds.
    #[inline(always)]
    fn take_done(&self) -> RequestList<VirtioBlk> {
        let mut done = RequestList::new();

        let mut queue = self.queue.lock();
        queue.pop_all(|mut request, written| {
            *request.data_mut().project().written = written | self.more;
            done.push(request);
        });
        if let Some(first) = done.first() {
            first.hctx().start_stopped();
        }
        done
    }

    /// Completes what the device is done with, for somebody who polls. Whether there was something.
    pub(crate) fn poll(&self, batch: &mut Batch<'_, VirtioBlk>) -> bool {
        let done = self.take_done();
        let found = !done.is_empty();
        done.complete_in(batch);
        found
    }

    /// What becomes of a request that was not added.
    #[cold]
    fn refuse(&self, refused: Refused) -> Result<(), Requeued<VirtioBlk>> {
        let AddError { reason, token } = match refused {
            Refused::Unknown(request) => {
                request.end(mq::Status::NotSupported);
                return Ok(());
            }
            Refused::Unadded(err) => err,
        };
        match reason {
            AddErrorReason::Full | AddErrorReason::Unmappable => Err(token.requeue()),
            // Nobody has to know that the device is restarted.
            AddErrorReason::Broken if self.queue.lock().device().request_restart() => {
                Err(token.requeue())
            }
            AddErrorReason::TooLong | AddErrorReason::Broken => {
                token.end(mq::Status::IoError);
                Ok(())
            }
        }
    }

    /// A request that the device will never answer, once its reset is confirmed.
    fn take_unused(&self) -> Option<Request> {
        let request = self.queue.lock().take_unused()?;
        request.hctx().start_stopped();
        Some(request)
    }
}

impl QueueHandler for RequestQueue {
    #[inline(always)]
    fn interrupt(&self) -> irq::Return {
        let done = self.take_done();
        if done.is_empty() {
            return irq::Return::None;
        }
        done.complete();
        irq::Return::Handled
    }

    fn with_queue(&self, f: &mut dyn FnMut(&mut dyn AnyQueue)) {
        f(&mut *self.queue.lock());
    }

    fn reclaim(&self) {
        while let Some(request) = self.take_unused() {
            if request.times_expired() >= TRIES {
                request.end(mq::Status::Timeout);
            } else {
                // Nobody has to know that the device stopped.
                request.put_back();
            }
        }
    }

    fn failed(&self) {
        while let Some(request) = self.take_unused() {
            request.end(mq::Status::IoError);
        }
    }
}
