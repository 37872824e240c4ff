// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Request queues (VIRTIO 1.4, 5.2.2): from requests to chains and back.
//!
//! Nothing here allocates: header and status of a request lie in the request, and its memory goes
//! from the bios to the descriptors.

use kernel::{
    new_spinlock_irq, pr_warn_once,
    prelude::*,
    sync::{
        Arc,
        SpinLockIrq, //
    },
};
use kernel_ext::{
    block::mq::{
        self,
        prelude::*, //
    },
    dma::InPlace,
    virtio::{
        feature::block,
        prelude::*,
        AddErrorReason,
        Notifier,
        Watched, //
    },
};

use crate::{
    config::EXTRA_DESCRIPTORS,
    protocol::{
        Header,
        RequestType,
        Status, //
    },
    VirtioBlk, //
};

/// A request of the block layer.
pub(crate) type Request = mq::Request<VirtioBlk>;

/// What a request has of its own (VIRTIO 1.4, 5.2.6).
#[pin_data]
pub(crate) struct Command {
    #[pin]
    header: InPlace<Header>,
    #[pin]
    status: InPlace<Status>,
    /// Bytes that the device says it wrote, the status among them.
    written: u32,
}

impl Command {
    /// A command for any request.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            header <- InPlace::new(Header::new(RequestType::IN, 0)),
            status <- InPlace::new(Status::UNANSWERED),
            written: 0,
        }? Error)
    }

    /// Sets what the request asks for.
    #[inline]
    pub(crate) fn prepare(self: Pin<&mut Self>, header: Header) {
        self.project().header.write(header);
    }

    /// Bytes that the device says it wrote.
    pub(crate) fn written(&self) -> u32 {
        self.written
    }
}

/// A request queue, shared between those who submit and its interrupt.
#[pin_data]
pub(crate) struct RequestQueue {
    #[pin]
    state: SpinLockIrq<State>,
    /// Out of the lock, as notifying may be a trip to the host.
    notifier: Notifier,
    device: Arc<Device>,
    size: u16,
    cut: Cut,
    read_only: bool,
}

/// What the lock protects.
struct State {
    queue: Queue<Request>,
    /// The block layer was told that the ring is full. Set and cleared under the lock that the
    /// ring is filled and emptied under, so that no completion comes in between.
    stopped: bool,
    /// Interrupts that found something.
    rounds: u64,
}

impl RequestQueue {
    /// Makes `queue` a request queue, for which the memory of requests is cut as `cut` says.
    pub(crate) fn new(queue: Queue<Request>, cut: Cut) -> Result<Arc<Self>> {
        let notifier = queue.notifier().clone();
        let size = queue.size();
        let device = queue.device().clone();
        let read_only = device.has(block::RO);
        Arc::pin_init(
            pin_init!(Self {
                state <- new_spinlock_irq!(State {
                    queue,
                    stopped: false,
                    rounds: 0,
                }),
                notifier,
                device,
                size,
                cut,
                read_only,
            }),
            GFP_KERNEL,
        )
    }

    /// Descriptors of the ring.
    pub(crate) fn size(&self) -> u16 {
        self.size
    }

    /// Gives a request to the device, or back to the block layer.
    #[inline]
    pub(crate) fn submit(
        &self,
        hctx: &HwContext<VirtioBlk>,
        mut request: Request,
        last: bool,
    ) -> Result<(), Requeued<VirtioBlk>> {
        let header = match request.op() {
            Op::Read => Some(Header::new(RequestType::IN, request.sector())),
            // Those who do not ask whether the disk can be written to are not to reach the device.
            Op::Write if !self.read_only => Some(Header::new(RequestType::OUT, request.sector())),
            Op::Flush => Some(Header::new(RequestType::FLUSH, 0)),
            // Whoever made it has written the header.
            Op::DriverIn => None,
            _ => {
                request.end(mq::Status::NotSupported);
                if last {
                    self.commit();
                }
                return Ok(());
            }
        };
        let command = request.data_mut().project();
        if let Some(header) = header {
            command.header.write(header);
        }
        command.status.write(Status::UNANSWERED);

        // 16 bits each at most: no overflow.
        let descriptors = request
            .max_pieces(self.cut)
            .wrapping_add(EXTRA_DESCRIPTORS.into());

        let mut state = self.state.lock();
        let added = state.queue.add(descriptors, request, |request, chain| {
            let (command, data) = request.parts(self.cut);
            let command = command.project();
            let chain = chain.read(command.header.segment());
            // One place for each kind of segment, as what appends it is inlined there.
            let chain = match data {
                Data::None => chain.write_all([]),
                Data::ToDevice(segments) => chain.read_all(segments).write_all([]),
                Data::FromDevice(segments) => chain.write_all(segments),
            };
            chain.write(command.status.segment_mut()).end()
        });

        let refused = added.err();
        let full = matches!(&refused, Some(err) if err.reason == AddErrorReason::Full);
        if full {
            state.stopped = true;
            hctx.stop();
        }
        // What was added before must not wait for a request that is not.
        let kick = (last || refused.is_some())
            .then(|| state.queue.publish())
            .flatten();
        drop(state);

        if let Some(kick) = kick {
            self.notifier.notify(kick);
        }
        match refused {
            None => Ok(()),
            Some(err) => self.refuse(err.reason, err.token),
        }
    }

    /// Shows the device what was added.
    pub(crate) fn commit(&self) {
        let kick = self.state.lock().queue.publish();
        if let Some(kick) = kick {
            self.notifier.notify(kick);
        }
    }

    /// What becomes of a request that the queue did not take.
    #[cold]
    fn refuse(&self, reason: AddErrorReason, request: Request) -> Result<(), Requeued<VirtioBlk>> {
        match reason {
            AddErrorReason::Full => Err(request.requeue(Refusal::DeviceBusy)),
            AddErrorReason::Unmappable => Err(request.requeue(Refusal::OutOfResources)),
            // Nobody has to know that the device is restarted.
            AddErrorReason::Broken if self.device.request_restart() => {
                Err(request.requeue(Refusal::OutOfResources))
            }
            AddErrorReason::TooLong | AddErrorReason::Broken => {
                request.end(mq::Status::IoError);
                Ok(())
            }
        }
    }

    /// A request that the device will never answer, once its reset is confirmed.
    fn take_unused(&self) -> Option<Request> {
        let mut state = self.state.lock();
        let request = state.queue.take_unused()?;
        if core::mem::take(&mut state.stopped) {
            request.hctx().start_stopped();
        }
        Some(request)
    }
}

impl QueueHandler for RequestQueue {
    fn interrupt(&self) -> irq::Return {
        // Completed after the lock is released: others can submit meanwhile, and as long as nothing
        // is completed there is no more to come than the ring holds.
        let mut done = RequestList::new();

        let mut state = self.state.lock();
        loop {
            state.queue.disable_interrupts();
            while let Some(completion) = state.queue.pop() {
                let (mut request, written) = completion.into_parts();
                *request.data_mut().project().written = written;
                done.push(request);
            }
            if state.queue.enable_interrupts() {
                break;
            }
        }
        if let Some(request) = done.first() {
            state.rounds = state.rounds.wrapping_add(1);
            if core::mem::take(&mut state.stopped) {
                request.hctx().start_stopped();
            }
        }
        drop(state);

        if done.is_empty() {
            return irq::Return::None;
        }
        done.complete();
        irq::Return::Handled
    }

    fn with_queue(&self, f: &mut dyn FnMut(&mut dyn AnyQueue)) {
        f(&mut self.state.lock().queue);
    }

    fn reclaim(&self) {
        // Nobody has to know that the device stopped.
        while let Some(request) = self.take_unused() {
            request.put_back();
        }
    }

    fn failed(&self) {}
}

impl Watched for RequestQueue {
    fn rounds(&self) -> u64 {
        self.state.lock().rounds
    }

    fn end_all(&self) {
        while let Some(request) = self.take_unused() {
            request.end(mq::Status::IoError);
        }
    }
}

/// How a request went that the device is done with.
#[inline]
pub(crate) fn outcome(request: &Request) -> mq::Status {
    let command = request.data();
    let status = mq::Status::from(command.status.read());

    // A device that says it read, but not everything, would show what was in memory before. Some
    // forget to count the status, but that one cannot be forged: see `Status::UNANSWERED`.
    if status == mq::Status::Ok && request.op() == Op::Read && command.written < request.bytes() {
        return short_read(request);
    }
    status
}

/// The device wrote less than it should have.
#[cold]
fn short_read(request: &Request) -> mq::Status {
    pr_warn_once!(
        "device claims success of a read of {} bytes, but wrote {}; such reads fail\n",
        request.bytes(),
        request.data().written
    );
    mq::Status::IoError
}
