// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices that stop working while others wait for them.
//!
//! Nothing should wait for a device that is known not to work. It is known when the device is gone,
//! asks for a reset or breaks the rules of a ring; a [`Watchdog`] looks when its driver has it look:
//! when a request is not answered for some time, and when the device is removed. The device is
//! restarted then (see [`super::device::life`]). If it can not be, because it has failed for good or
//! is being removed, it is reset, and the queues end what they have.
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

/// A queue that a watchdog looks after.
pub trait Watched: QueueHandler {
    /// A number that changes as long as the device answers.
    fn rounds(&self) -> u64;

    /// Ends what the device will never answer: it has failed, and has been reset. Process context.
    fn end_all(&self);
}

/// Whether the device broke the rules of the ring.
fn is_broken(queue: &dyn QueueHandler) -> bool {
    let mut broken = false;
    queue.with_queue(&mut |queue| broken = queue.is_broken());
    broken
}

/// A device at work and its queues.
#[pin_data]
pub struct Watchdog<Q: Watched> {
    // Dropped before the queues: it has to be reset first.
    live: Live,
    queues: KVec<Arc<Q>>,
    /// Held while the device is failed.
    #[pin]
    removal: Mutex<Option<Progress>>,
}

/// When a device that is being removed last answered.
struct Progress {
    rounds: u64,
    since: Instant<Monotonic>,
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

impl<Q: Watched> Watchdog<Q> {
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

    /// A number that changes as long as the device answers.
    fn rounds(&self) -> u64 {
        self.queues
            .iter()
            .fold(0, |sum, queue| sum.wrapping_add(queue.rounds()))
    }

    /// Looks whether the device still works. One that does not is restarted, if it can be;
    /// otherwise its requests are ended, and true is returned. Process context.
    pub fn check(&self) -> bool {
        let mut removal = self.removal.lock();

        self.live.check();
        if let Some(progress) = &mut *removal {
            let rounds = self.rounds();
            if rounds != progress.rounds {
                *progress = Progress::now(rounds);
            } else if progress.since.elapsed() >= REMOVAL_TIMEOUT {
                self.live.fail("device does not finish its requests");
            }
            if self.queues.iter().any(|queue| is_broken(&**queue)) {
                self.live.fail("device broke the rules of a queue");
            }
        }
        // While it does not let go of their memory, requests can not end.
        if !self.live.is_broken() || self.live.reset().is_err() {
            return false;
        }
        for queue in &self.queues {
            queue.end_all();
        }
        true
    }

    /// From here on the device is not restarted, but given up when it does not work or answers
    /// nothing for long. Returns whether it has been: see [`Self::check`].
    pub fn begin_removal(&self) -> bool {
        *self.removal.lock() = Some(Progress::now(self.rounds()));
        self.check()
    }
}
