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
//! A device that is merely slow is waited for, but not for ever: its driver says for how long each
//! request may wait. One that leaves a request unanswered is restarted; one that answers nothing at all
//! is given up after some restarts (see [`super::patience`]), and at once while there is no restart,
//! which is during the probe. While it is being removed it has to answer something from time to
//! time.

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
    patience::Patience,
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
    state: Mutex<State>,
}

/// What the lock protects.
struct State {
    patience: Patience,
    /// While the device is being removed.
    removal: Option<Progress>,
}

impl State {
    /// What a watchdog begins with. There is one such function, not one for each type of queue: see
    /// `Device::new`.
    #[inline(never)]
    fn initial() -> impl PinInit<Mutex<Self>> {
        new_mutex!(Self {
            patience: Patience::new(),
            removal: None,
        })
    }
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
                state <- State::initial(),
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

    /// Looks whether the device still works, which it does not if a request is `overdue`. One that
    /// does not is restarted, if it can be; otherwise its requests are ended, and true is returned.
    /// Process context.
    pub fn check(&self, overdue: bool) -> bool {
        self.look(&mut self.state.lock(), overdue)
    }

    /// The part of [`Self::check`] under the lock.
    fn look(&self, state: &mut State, overdue: bool) -> bool {
        let known = self.live.check();
        let (answered, broken) = self.progress();
        if let Some(progress) = &mut state.removal {
            if broken {
                self.live.fail("device broke the rules of a queue");
            } else if overdue {
                self.live.fail("device does not answer a request");
            } else if answered != progress.answered {
                *progress = Progress::now(answered);
            } else if progress.since.elapsed() >= REMOVAL_TIMEOUT {
                self.live.fail("device does not finish its requests");
            }
        } else if !self.live.device().is_attached() {
            // The probe may wait for a request, and there is no restart before it is over.
            if broken {
                self.live.fail("device broke the rules of a queue");
            } else if overdue {
                self.live.fail("device does not answer a request");
            }
        } else if overdue && !known {
            if state.patience.lasts(answered, self.live.restarts()) {
                self.live.restart_for("device does not answer a request");
            } else {
                self.live.fail("device answers nothing");
            }
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
        let mut state = self.state.lock();
        state.removal = Some(Progress::now(self.progress().0));
        self.look(&mut state, false)
    }
}
