// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Resetting one queue while the others go on.

use kernel::prelude::*;

use super::{
    life::Phase,
    Device, //
};
use crate::virtio::{
    bringup::{
        self,
        QuietQueue, //
    },
    feature::transport, //
};

impl Device {
    /// Resets one queue of a device at work, and lets the device use it again, empty
    /// (VIRTIO_F_RING_RESET; VIRTIO 1.4, 2.6.1). The queue's handler sees what it sees when the
    /// whole device is restarted. Process context.
    ///
    /// For drivers that want requests back which the device does not answer, while its other queues
    /// go on.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` without the feature, `EINVAL` when there is no such queue, `ENODEV` when the
    /// device does not work; the queue is as it was then. When the device does not do it, it is
    /// restarted, and the error is what it failed with.
    pub fn reset_queue(&self, index: u16) -> Result {
        self.renew_queue(index, None)
    }

    /// Does the same as [`Self::reset_queue`], and makes the queue's ring one of `size` descriptors
    /// (VIRTIO 1.4, 2.6.1.2): as many as it had at first or fewer, a power of two in a split ring, any
    /// number in a packed one. It keeps that size when the device is restarted, and may be given
    /// another one later.
    ///
    /// Nothing is allocated, so that a lack of memory does not get in the way. What the driver knows
    /// of the queue's size ([`Queue::size`], [`Queue::max_chain`] and [`Queue::max_requests`]) has
    /// changed when [`QueueHandler::resume`] is called.
    ///
    /// # Errors
    ///
    /// Those of [`Self::reset_queue`]; `EINVAL` also when the queue can not have that size.
    ///
    /// [`Queue::size`]: crate::virtio::queue::Queue::size
    /// [`Queue::max_chain`]: crate::virtio::queue::Queue::max_chain
    /// [`Queue::max_requests`]: crate::virtio::queue::Queue::max_requests
    /// [`QueueHandler::resume`]: crate::virtio::irq::QueueHandler::resume
    pub fn resize_queue(&self, index: u16, size: u16) -> Result {
        self.renew_queue(index, Some(size))
    }

    /// Resets a queue and enables it again.
    fn renew_queue(&self, index: u16, size: Option<u16>) -> Result {
        if !self.has(transport::RING_RESET) {
            return Err(EOPNOTSUPP);
        }
        let hooks = self.hooks().ok_or(ENODEV)?;
        let queue = hooks.queues.get(usize::from(index)).ok_or(EINVAL)?;
        if size.is_some_and(|size| !queue.can_have(size)) {
            return Err(EINVAL);
        }
        let phase = self.phase.lock();
        if *phase != Phase::Working || self.is_broken() {
            return Err(ENODEV);
        }

        queue.handler().pause();
        queue.fail();
        let renew = |quiet: &QuietQueue| {
            queue
                .handler()
                .with_queue(&mut |queue| queue.set_quiet(quiet));
            queue.handler().reclaim();
            queue.empty();
            queue.restart(size)
        };
        let transport = &*self.transport;
        let vector = || queue.polled || transport.rewire_queue(hooks.plan, index);
        if let Err(failure) = bringup::renew_queue(transport, index, renew, vector) {
            self.err(fmt!("queue {index} does not reset: {}", failure.as_str()));
            drop(phase);
            self.request_restart();
            return Err(failure.into());
        }
        queue.notifier.open();
        drop(phase);
        queue.handler().resume();
        Ok(())
    }
}
