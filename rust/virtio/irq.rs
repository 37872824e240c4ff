// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Interrupts of a device: from the line or vector to the handler of a queue.
//!
//! With a vector for each queue the kernel calls the queue's handler by its own function pointer;
//! on a shared vector or line all queues are asked in turn.

mod line;

use kernel::{
    new_mutex,
    prelude::*,
    str::CString,
    sync::{
        Arc,
        Mutex, //
    }, //
};

use super::{
    device::Device,
    queue::AnyQueue,
    ring::stats::Stats, //
};
use crate::irq;

pub(crate) use self::line::LineInterrupt;
pub use crate::irq::Return;

/// What a driver does with one of its queues: when it may have used buffers, and when the device
/// stops, comes back or goes.
///
/// The order of calls when a device stops for a while is in [`super::device::life`]. The defaults
/// are enough for a driver that does not mind that its requests are dropped then.
pub trait QueueHandler: Send + Sync + 'static {
    /// Called in hard interrupt context.
    ///
    /// May also be called when the queue has nothing: the line may be shared, and a device may
    /// interrupt as it likes, before DRIVER_OK too. [`Return::None`] when there was nothing.
    fn interrupt(&self) -> Return;

    /// Calls `f`, once, with the queue, under the lock that the queue is used under.
    fn with_queue(&self, f: &mut dyn FnMut(&mut dyn AnyQueue));

    /// Called in process context before a reset from which the device is to come back. Threads that
    /// wait for the queue may wait on.
    ///
    /// When this returns, no thread may be about to notify the device. The library breaks the queue
    /// next, so that nothing is added until [`Self::resume`].
    fn pause(&self) {}

    /// Called in process context after [`Self::pause`], once the reset is confirmed: the requests
    /// that the device had can be taken out of the queue by [`Queue::take_unused`], to be added
    /// again after [`Self::resume`] or ended with an error. What is left is dropped.
    ///
    /// [`Queue::take_unused`]: super::queue::Queue::take_unused
    fn reclaim(&self) {}

    /// Called in process context after [`Self::reclaim`], when the device works again. The queue takes
    /// requests; it is empty, unless the device was suspended only and there was no `reclaim`.
    fn resume(&self) {}

    /// Called in process context when the device is of no use any more: it is gone, could not be
    /// restarted, or this kernel ends. The queue is broken already; what waits for it is to be
    /// woken. May be called more than once, and after [`Self::pause`] instead of [`Self::resume`].
    fn failed(&self);
}

/// What a driver does when the device's configuration may have changed.
pub trait ConfigHandler: Send + Sync + 'static {
    /// Called in process context, one call at a time.
    ///
    /// Called when the device says that something changed, and once after `probe` and after each
    /// restart, as the device tells nobody of what changes while it is not at work. Never called
    /// before `probe` has succeeded, during a restart, or after the removal has begun.
    fn changed(&self) {}

    /// Called once, in process context, when the device is of no use any more, after
    /// [`QueueHandler::failed`] of all queues.
    fn failed(&self) {}
}

/// For drivers of devices without configuration.
impl ConfigHandler for () {}

/// The handler of one queue, its type forgotten.
pub(crate) trait QueueInterrupt: Send + Sync {
    /// Calls the handler.
    fn interrupt(&self) -> Return;

    /// The handler.
    fn handler(&self) -> &dyn QueueHandler;

    /// The counters of the queue.
    fn stats(&self) -> &Arc<Stats>;

    /// Gives the queue a vector of its own.
    fn register(&self, irq: u32, name: CString) -> Result<irq::Registration>;

    /// Another reference to the same handler.
    fn share(&self) -> Result<KBox<dyn QueueInterrupt>>;
}

/// The handler of one queue, and the counters of the queue.
struct Queue<H: QueueHandler> {
    handler: Arc<H>,
    stats: Arc<Stats>,
}

impl<H: QueueHandler> irq::Handler for Queue<H> {
    fn handle(&self) -> Return {
        // The vector is this queue's alone. If the device has nothing to say it still was the
        // device, and no reason for the kernel to complain about the vector.
        self.stats.interrupts.count();
        self.handler.interrupt();
        Return::Handled
    }
}

impl<H: QueueHandler> QueueInterrupt for Queue<H> {
    fn interrupt(&self) -> Return {
        let found = self.handler.interrupt();
        if found != Return::None {
            self.stats.interrupts.count();
        }
        found
    }

    fn handler(&self) -> &dyn QueueHandler {
        &*self.handler
    }

    fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    fn register(&self, irq: u32, name: CString) -> Result<irq::Registration> {
        let handler = Arc::new(
            Self {
                handler: self.handler.clone(),
                stats: self.stats.clone(),
            },
            GFP_KERNEL,
        )?;
        irq::Registration::new(irq, irq::Sharing::Exclusive, name, handler)
    }

    fn share(&self) -> Result<KBox<dyn QueueInterrupt>> {
        erase(self.handler.clone(), self.stats.clone())
    }
}

/// Forgets the type of the handler of a queue, for which `stats` counts.
///
/// # Errors
///
/// `ENOMEM`.
pub(crate) fn erase<H: QueueHandler>(
    handler: Arc<H>,
    stats: Arc<Stats>,
) -> Result<KBox<dyn QueueInterrupt>> {
    Ok(KBox::new(Queue { handler, stats }, GFP_KERNEL)? as KBox<dyn QueueInterrupt>)
}

/// The handler of a vector that all queues share.
pub(crate) struct SharedInterrupt {
    /// The queues' handlers.
    queues: KVec<KBox<dyn QueueInterrupt>>,
}

impl SharedInterrupt {
    /// A handler that asks all `queues`.
    pub(crate) fn new(queues: &[(CString, KBox<dyn QueueInterrupt>)]) -> Result<Arc<Self>> {
        let mut shared = KVec::with_capacity(queues.len(), GFP_KERNEL)?;
        for (_, handler) in queues {
            shared.push(handler.share()?, GFP_KERNEL)?;
        }
        Ok(Arc::new(Self { queues: shared }, GFP_KERNEL)?)
    }

    /// Asks all queues.
    pub(crate) fn interrupt(&self) -> Return {
        let mut found = Return::None;
        for queue in &self.queues {
            if queue.interrupt() == Return::Handled {
                found = Return::Handled;
            }
        }
        found
    }
}

impl irq::Handler for SharedInterrupt {
    fn handle(&self) -> Return {
        self.interrupt()
    }
}

/// The handler of configuration changes.
#[pin_data]
pub(crate) struct ConfigInterrupt {
    /// The device.
    device: Arc<Device>,
    /// The driver's part.
    driver: Arc<dyn ConfigHandler>,
    /// Whether the driver is to hear of changes. Held while it does.
    #[pin]
    open: Mutex<bool>,
}

impl ConfigInterrupt {
    /// A handler that tells `driver` about changes of `device`, once it is opened.
    pub(crate) fn new(device: Arc<Device>, driver: Arc<dyn ConfigHandler>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                device,
                driver,
                open <- new_mutex!(false),
            }),
            GFP_KERNEL,
        )
    }

    /// The driver is to hear of changes from here on; what changed before it hears of now.
    pub(crate) fn open(&self) {
        let mut open = self.open.lock();
        *open = true;
        self.driver.changed();
    }

    /// The driver does not hear of changes any more, once this returns.
    pub(crate) fn close(&self) {
        *self.open.lock() = false;
    }

    /// Tells the driver that the device is of no use any more.
    pub(crate) fn failed(&self) {
        self.driver.failed();
    }

    /// What there is to do about a configuration-change notification, in process context.
    pub(crate) fn changed(&self) {
        // The same notification says that the device needs a reset (VIRTIO 1.4, 2.1.2). If it does,
        // the configuration is looked at after that.
        if self.device.check() {
            return;
        }
        let open = self.open.lock();
        if *open {
            self.driver.changed();
        }
    }
}

impl irq::Handler for ConfigInterrupt {
    fn handle(&self) -> Return {
        Return::WakeThread
    }
}

impl irq::ThreadedHandler for ConfigInterrupt {
    fn handle_threaded(&self) {
        self.changed();
    }
}
