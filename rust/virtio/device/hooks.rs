// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a device tells when it stops, comes back or goes.

use kernel::{
    prelude::*,
    str::CString,
    sync::Arc, //
};

use super::Device;
use crate::virtio::{
    bringup::{
        Failure,
        RingAddresses, //
    },
    irq::{
        ConfigInterrupt,
        QueueHandler,
        QueueInterrupt, //
    },
    notify::Notifier,
    queue::AnyQueue,
    ring::stats::Stats,
    transport::Plan, //
};

/// What the device has to know of a queue that it gave out.
pub(super) struct QueueHooks {
    /// Name of the queue.
    pub(super) name: CString,
    pub(super) notifier: Notifier,
    pub(super) handler: KBox<dyn QueueInterrupt>,
    /// The driver looks at the queue by itself: it has no interrupts.
    pub(super) polled: bool,
}

impl QueueHooks {
    /// The driver's part.
    pub(super) fn handler(&self) -> &dyn QueueHandler {
        self.handler.handler()
    }

    /// Has the queue take and give nothing any more.
    pub(super) fn fail(&self) {
        self.notifier.close();
        self.handler().with_queue(&mut |queue| queue.fail());
    }

    /// Whether the ring can be made one of `size` descriptors.
    pub(super) fn can_have(&self, size: u16) -> bool {
        let mut can = false;
        self.handler()
            .with_queue(&mut |queue| can = queue.can_have(size));
        can
    }

    /// Drops the requests that the driver did not take back.
    pub(super) fn empty(&self) {
        let mut left = true;
        while left {
            // One at a time: the lock is not to be held for long.
            left = false;
            self.handler()
                .with_queue(&mut |queue| left = queue.drop_unused());
        }
    }

    /// Makes the queue as new, with a ring of another size if there is one, and says how large it is
    /// and where.
    pub(super) fn restart(&self, size: Option<u16>) -> Result<(u16, RingAddresses), Failure> {
        let mut place = Err(Failure::Memory);
        self.handler().with_queue(&mut |queue| {
            let size = size.unwrap_or(queue.size());
            place = queue
                .restart(size)
                .map(|ring| (size, ring))
                .map_err(|_| Failure::Memory);
        });
        place
    }
}

/// What is to be told of a device that works: its queues, by index, and who hears of changes.
pub(super) struct Hooks {
    pub(super) queues: KVec<QueueHooks>,
    pub(super) config: Arc<ConfigInterrupt>,
    /// How the device interrupts.
    pub(super) plan: Plan,
    /// How many of the queues, the last ones, have no interrupts.
    pub(super) polled: u16,
}

impl Device {
    /// The hooks, while the device is started.
    pub(super) fn hooks(&self) -> Option<Arc<Hooks>> {
        self.hooks.lock().clone()
    }

    /// The counters of the queues, by index.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `ENODEV` when the device is not started.
    pub(crate) fn queue_stats(&self) -> Result<KVec<Arc<Stats>>> {
        let hooks = self.hooks().ok_or(ENODEV)?;
        let mut stats = KVec::with_capacity(hooks.queues.len(), GFP_KERNEL)?;
        for queue in &hooks.queues {
            stats.push(queue.handler.stats().clone(), GFP_KERNEL)?;
        }
        Ok(stats)
    }

    /// Calls `f` with a queue, if there is one of that index and the device is started.
    pub(crate) fn with_queue(&self, index: usize, f: &mut dyn FnMut(&mut dyn AnyQueue)) {
        if let Some(queue) = self
            .hooks()
            .as_ref()
            .and_then(|hooks| hooks.queues.get(index))
        {
            queue.handler().with_queue(f);
        }
    }
}
