// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Interrupts of a device: from the line or vector to the handler of a queue.
//!
//! With a vector for each queue the kernel calls the queue's handler by its own function pointer;
//! on a shared vector or line all queues are asked in turn.

use kernel::{
    prelude::*,
    str::CString,
    sync::Arc, //
};

use super::device::Device;
use crate::irq;

pub use crate::irq::Return;

/// What a driver does when a queue may have used buffers.
pub trait QueueHandler: Send + Sync + 'static {
    /// Called in hard interrupt context.
    ///
    /// May also be called when the queue has nothing: the line may be shared, and a device may
    /// interrupt as it likes, before DRIVER_OK too. [`Return::None`] when there was nothing.
    fn interrupt(&self) -> Return;

    /// Called in process context when the device is of no use any more: it asked for a reset, is
    /// gone, or this kernel ends. The queue is to be broken by [`Queue::fail`], and what waits for
    /// it woken.
    ///
    /// [`Queue::fail`]: super::queue::Queue::fail
    fn failed(&self);
}

/// What a driver does when the device's configuration may have changed.
pub trait ConfigHandler: Send + Sync + 'static {
    /// Called in process context.
    ///
    /// May be called as soon as the device is started, thus before `probe` is done.
    fn changed(&self) {}

    /// Called once, in process context, when the device asks for a reset (DEVICE_NEEDS_RESET) or is
    /// gone, after [`QueueHandler::failed`] of all queues.
    fn failed(&self) {}
}

/// For drivers of devices without configuration.
impl ConfigHandler for () {}

/// The handler of one queue, its type forgotten.
pub(crate) trait QueueInterrupt: Send + Sync {
    /// Calls the handler.
    fn interrupt(&self) -> Return;

    /// Tells the handler that the device is of no use any more.
    fn failed(&self);

    /// Gives the queue a vector of its own.
    fn register(&self, irq: u32, name: CString) -> Result<irq::Registration>;

    /// Another reference to the same handler.
    fn share(&self) -> Result<KBox<dyn QueueInterrupt>>;
}

/// The handler of one queue.
struct Queue<H: QueueHandler>(Arc<H>);

/// Makes a queue handler a handler of interrupts, without another allocation.
#[repr(transparent)]
struct Direct<H: QueueHandler>(H);

impl<H: QueueHandler> irq::Handler for Direct<H> {
    fn handle(&self) -> Return {
        // The vector is this queue's alone. If the device has nothing to say it still was the
        // device, and no reason for the kernel to complain about the vector.
        self.0.interrupt();
        Return::Handled
    }
}

impl<H: QueueHandler> QueueInterrupt for Queue<H> {
    fn interrupt(&self) -> Return {
        self.0.interrupt()
    }

    fn failed(&self) {
        self.0.failed();
    }

    fn register(&self, irq: u32, name: CString) -> Result<irq::Registration> {
        // SAFETY: `Direct` is a transparent wrapper, so that an `Arc` of one is laid out as an
        // `Arc` of the other, and dropping either drops an `H`.
        let handler = unsafe { Arc::from_raw(self.0.clone().into_raw().cast::<Direct<H>>()) };
        irq::Registration::new(irq, irq::Sharing::Exclusive, name, handler)
    }

    fn share(&self) -> Result<KBox<dyn QueueInterrupt>> {
        erase(self.0.clone())
    }
}

/// Forgets the type of a handler.
pub(crate) fn erase<H: QueueHandler>(handler: Arc<H>) -> Result<KBox<dyn QueueInterrupt>> {
    Ok(KBox::new(Queue(handler), GFP_KERNEL)? as KBox<dyn QueueInterrupt>)
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
pub(crate) struct ConfigInterrupt {
    /// The device.
    device: Arc<Device>,
    /// The driver's part.
    driver: Arc<dyn ConfigHandler>,
}

impl ConfigInterrupt {
    /// A handler that tells `driver` about changes of `device`.
    pub(crate) fn new(device: Arc<Device>, driver: Arc<dyn ConfigHandler>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { device, driver }, GFP_KERNEL)?)
    }

    /// What there is to do about a configuration-change notification, in process context.
    pub(crate) fn changed(&self) {
        // The same notification says that the device needs a reset (VIRTIO 1.4, 2.1.2).
        if self.device.check_needs_reset() {
            self.driver.failed();
        } else if !self.device.is_broken() {
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
