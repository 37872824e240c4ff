// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices that stop working while others wait for them.
//!
//! Nothing should wait for a device that is known not to work. It is known when the device is gone,
//! asks for a reset or breaks the rules of a ring; a [`Watchdog`] looks when its driver has it look:
//! when a request is not answered for some time, and when the device is removed. The device is
//! restarted then (see [`super::device::life`]). If it can not be, because it has failed for good or
//! is being removed, it is reset, and [`QueueHandler::failed`] ends what the queues have.
//!
//! A device that is merely slow is waited for. While it is being removed it has to answer something
//! from time to time.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
};

use super::{
    device::{
        Device,
        Live, //
    },
    irq::QueueHandler,
    transport::QueueVectors, //
};

/// How long a device that is being removed may answer nothing at all while it is to finish what it
/// has. Removal has to be done in ten seconds, in the course of which drivers look twice.
const REMOVAL_TIMEOUT: Delta = Delta::from_secs(4);

/// A device at work and its queues.
#[pin_data]
pub struct Watchdog<Q: QueueHandler> {
    // Dropped before the queues: it has to be reset first.
    live: Live,
    queues: KVec<Arc<Q>>,
    /// Held while the device is failed.
    #[pin]
    removal: Mutex<Option<Progress>>,
}

/// When a device that is being removed last answered.
struct Progress {
    answered: u64,
    since: Instant<Monotonic>,
}

impl Progress {
    /// The device has just answered.
    fn now(answered: u64) -> Self {
        Self {
            answered,
            since: Instant::now(),
        }
    }
}

impl<Q: QueueHandler> Watchdog<Q> {
    /// A watchdog of a device and its `queues`, by index.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(live: Live, queues: KVec<Arc<Q>>) -> Result<Arc<Self>> {
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
    pub fn device(&self) -> &Device {
        self.live.device()
    }

    /// How the queues interrupt.
    pub fn queue_vectors(&self) -> QueueVectors {
        self.live.queue_vectors()
    }

    /// A queue.
    pub fn queue(&self, index: u32) -> Option<&Arc<Q>> {
        self.queues.get(usize::try_from(index).ok()?)
    }

    /// What has become of the queues: how many requests the device has answered, which wraps, and
    /// whether it broke the rules of a ring.
    fn progress(&self) -> (u64, bool) {
        let (mut answered, mut broken) = (0u64, false);
        for queue in &self.queues {
            queue.with_queue(&mut |queue| {
                answered = answered.wrapping_add(queue.completions());
                broken |= queue.is_broken();
            });
        }
        (answered, broken)
    }

    /// Looks whether the device still works. One that does not is restarted, if it can be;
    /// otherwise its requests are ended, and true is returned. Process context.
    pub fn check(&self) -> bool {
        let mut removal = self.removal.lock();

        self.live.check();
        if let Some(progress) = &mut *removal {
            let (answered, broken) = self.progress();
            if broken {
                self.live.fail("device broke the rules of a queue");
            } else if answered != progress.answered {
                *progress = Progress::now(answered);
            } else if progress.since.elapsed() >= REMOVAL_TIMEOUT {
                self.live.fail("device does not finish its requests");
            }
        } else if !self.live.device().is_attached() && self.progress().1 {
            // The probe may wait for a request, and there is no restart before it is over.
            self.live.fail("device broke the rules of a queue");
        }
        // While it does not let go of their memory, requests can not end.
        if !self.live.is_broken() || self.live.reset().is_err() {
            return false;
        }
        for queue in &self.queues {
            queue.failed();
        }
        true
    }

    /// From here on the device is not restarted, but given up when it does not work or answers
    /// nothing for long. Returns whether it has been: see [`Self::check`].
    pub fn begin_removal(&self) -> bool {
        *self.removal.lock() = Some(Progress::now(self.progress().0));
        self.check()
    }
}
