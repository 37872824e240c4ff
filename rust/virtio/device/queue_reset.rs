// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Resetting one queue while the others go on.

use kernel::prelude::*;

use super::{
    hooks::{
        Hooks,
        QueueHooks, //
    },
    life::Phase,
    Device, //
};
use crate::virtio::{
    bringup::{
        self,
        Failure, //
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
    /// `EOPNOTSUPP` without the feature, `ENODEV` when the device does not work; the queue is as it
    /// was then. When the device does not do it, it is restarted, and the error is what it failed
    /// with.
    pub fn reset_queue(&self, index: u16) -> Result {
        if !self.has(transport::RING_RESET) {
            return Err(EOPNOTSUPP);
        }
        let hooks = self.hooks().ok_or(ENODEV)?;
        let queue = hooks.queues.get(usize::from(index)).ok_or(EINVAL)?;
        let phase = self.phase.lock();
        if *phase != Phase::Working || self.is_broken() {
            return Err(ENODEV);
        }

        queue.handler().pause();
        queue.fail();
        let result = self.reset_queue_now(&hooks, queue, index);
        if let Err(failure) = result {
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

    /// The part of [`Self::reset_queue`] that may fail.
    fn reset_queue_now(
        &self,
        hooks: &Hooks,
        queue: &QueueHooks,
        index: u16,
    ) -> Result<(), Failure> {
        let transport = &*self.transport;
        bringup::reset_queue(transport, index)?;
        queue.handler().with_queue(&mut |queue| queue.set_quiet());
        queue.handler().reclaim();
        queue.empty();

        let (size, ring) = queue.restart()?;
        let vector = || transport.rewire_queue(hooks.plan, index);
        bringup::enable_queue(transport, index, size, ring, vector)
    }
}
