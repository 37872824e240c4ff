// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The device and its queues: how it changes, fails and goes.
//!
//! Nothing waits for a device that is known not to work. It is known when it is removed, when it
//! asks for a reset, or at the latest when a request has not been answered for
//! [`TIMEOUT`](crate::TIMEOUT) and the device is looked at. The device is reset then, and its
//! requests end with errors. A device that is merely slow is waited for, but during removal it has
//! to answer something from time to time.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
};
use kernel_ext::{
    block::{
        mq::Disk,
        Size, //
    },
    virtio::{
        prelude::*,
        QueueVectors, //
    },
};

use crate::{
    limits,
    queue::RequestQueue,
    VirtioBlk, //
};

/// How long a device that is being removed may answer nothing at all, while it is to finish what it
/// has: as long as the block layer has most hardware wait.
const REMOVAL_TIMEOUT: Delta = Delta::from_secs(30);

/// A device and its request queues.
#[pin_data]
pub(crate) struct Controller {
    // Dropped before the queues: it has to be reset first.
    live: Live,
    queues: KVec<Arc<RequestQueue>>,
    /// Held while the device is failed.
    #[pin]
    removal: Mutex<Option<Progress>>,
}

/// When a device that is being removed last answered.
struct Progress {
    rounds: u64,
    since: Instant<Monotonic>,
}

impl Controller {
    /// Puts the parts together.
    pub(crate) fn new(live: Live, queues: KVec<Arc<RequestQueue>>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                live,
                queues,
                removal <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    /// The device.
    pub(crate) fn device(&self) -> &Device {
        self.live.device()
    }

    /// How the queues interrupt.
    pub(crate) fn queue_vectors(&self) -> QueueVectors {
        self.live.queue_vectors()
    }

    /// A queue.
    pub(crate) fn queue(&self, index: u32) -> Option<&Arc<RequestQueue>> {
        self.queues.get(usize::try_from(index).ok()?)
    }

    /// A number that changes as long as the device answers.
    fn rounds(&self) -> u64 {
        self.queues
            .iter()
            .fold(0, |sum, queue| sum.wrapping_add(queue.rounds()))
    }

    /// Whether the device can be known not to answer any more.
    fn is_unusable(&self) -> bool {
        self.live.is_broken()
            || self.queues.iter().any(|queue| queue.is_broken())
            || self.live.is_gone()
    }

    /// Looks whether the device still works. If it does not, its requests have ended.
    ///
    /// # Errors
    ///
    /// `EIO` when it does not.
    pub(crate) fn check(&self) -> Result {
        let mut removal = self.removal.lock();

        let mut unusable = self.is_unusable();
        if let Some(progress) = &mut *removal {
            let rounds = self.rounds();
            if rounds != progress.rounds {
                *progress = Progress::now(rounds);
            } else if progress.since.elapsed() >= REMOVAL_TIMEOUT {
                dev_err!(
                    self.device().parent(),
                    "{}: device does not finish its requests; failing it\n",
                    self.device().name()
                );
                unusable = true;
            }
        }

        if unusable {
            self.fail()?;
            return Err(EIO);
        }
        Ok(())
    }

    /// From here on the device is given up when it answers nothing for long.
    ///
    /// # Errors
    ///
    /// `EIO` when it does not work already; its requests have ended then.
    pub(crate) fn begin_removal(&self) -> Result {
        *self.removal.lock() = Some(Progress::now(self.rounds()));
        self.check()
    }

    /// Resets the device for good, and ends its requests. The caller holds the lock.
    fn fail(&self) -> Result {
        for queue in &self.queues {
            queue.fail();
        }
        self.live.reset()?;
        for queue in &self.queues {
            queue.end_all();
        }
        Ok(())
    }
}

impl Progress {
    /// The device has just answered.
    fn now(rounds: u64) -> Self {
        Self {
            rounds,
            since: Instant::now(),
        }
    }
}

/// Hears of changes, as soon as there is a disk and as long as it is not being removed.
#[pin_data]
pub(crate) struct Watcher {
    #[pin]
    attached: Mutex<Option<Attached>>,
}

/// What there is to watch.
struct Attached {
    disk: ARef<Disk<VirtioBlk>>,
    controller: Arc<Controller>,
}

impl Watcher {
    /// A watcher of no disk.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                attached <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    /// There is a disk.
    pub(crate) fn attach(&self, disk: &Disk<VirtioBlk>, controller: &Arc<Controller>) {
        let size = Size::of_sectors(disk.capacity(), disk.logical_block_size());
        let device = controller.device();
        dev_info!(
            device.parent(),
            "{}: [{}] {}\n",
            device.name(),
            disk.name(),
            size
        );

        *self.attached.lock() = Some(Attached {
            disk: disk.into(),
            controller: controller.clone(),
        });
        // What happened before nobody has heard of.
        self.changed();
    }

    /// There is none any more.
    pub(crate) fn detach(&self) {
        *self.attached.lock() = None;
    }
}

impl ConfigHandler for Watcher {
    fn changed(&self) {
        let attached = self.attached.lock();
        let Some(Attached { disk, controller }) = &*attached else {
            return;
        };
        let device = controller.device();

        let before = disk.capacity();
        match limits::capacity(device) {
            Ok(sectors) => disk.set_capacity_and_notify(sectors),
            Err(err) => {
                dev_err!(
                    device.parent(),
                    "{}: capacity cannot be read: {:?}\n",
                    device.name(),
                    err
                );
                return;
            }
        }
        let after = disk.capacity();
        if after != before {
            dev_info!(
                device.parent(),
                "{}: [{}] new size: {}\n",
                device.name(),
                disk.name(),
                Size::of_sectors(after, disk.logical_block_size())
            );
        }
    }

    fn failed(&self) {
        if let Some(attached) = &*self.attached.lock() {
            // Said in the log already, and `check` has ended what there was.
            let _ = attached.controller.check();
        }
    }
}
