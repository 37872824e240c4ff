// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices that stop working while others wait for them.
//!
//! Nothing should wait for a device that is known not to work. It is known when the device is gone,
//! asks for a reset or breaks the rules of a ring; a [`Watchdog`] looks when its driver has it look:
//! when a request is not answered for some time, and when the device is removed. It then resets the
//! device, and has the queues end what they have.
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
/// has: as long as the kernel has most hardware wait.
const REMOVAL_TIMEOUT: Delta = Delta::from_secs(30);

/// A queue that a watchdog looks after.
pub trait Watched: QueueHandler {
    /// A number that changes as long as the device answers.
    fn rounds(&self) -> u64;

    /// Ends what the device will never answer: it has been reset, after
    /// [`failed`](QueueHandler::failed). Process context.
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

    /// Looks whether the device still works. If it does not, its requests have ended on return.
    /// Process context.
    ///
    /// # Errors
    ///
    /// `EIO` when it does not; `ETIMEDOUT` when it does not, and its requests could not be ended
    /// since it does not let go of their memory.
    pub fn check(&self) -> Result {
        let mut removal = self.removal.lock();

        let mut unusable = self.live.is_broken()
            || self.queues.iter().any(|queue| is_broken(&**queue))
            || self.live.is_gone();
        if let Some(progress) = &mut *removal {
            let rounds = self.rounds();
            if rounds != progress.rounds {
                *progress = Progress::now(rounds);
            } else if progress.since.elapsed() >= REMOVAL_TIMEOUT {
                self.device()
                    .err(fmt!("device does not finish its requests; failing it"));
                unusable = true;
            }
        }
        if !unusable {
            return Ok(());
        }

        for queue in &self.queues {
            queue.with_queue(&mut |queue| queue.fail());
            queue.failed();
        }
        self.live.reset()?;
        for queue in &self.queues {
            queue.end_all();
        }
        Err(EIO)
    }

    /// From here on the device is given up when it answers nothing for long.
    ///
    /// # Errors
    ///
    /// Those of [`Self::check`], if it does not work already.
    pub fn begin_removal(&self) -> Result {
        *self.removal.lock() = Some(Progress::now(self.rounds()));
        self.check()
    }
}
