// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What becomes of a device between its start and its end.
//!
//! A device stops for a while when the machine sleeps, when its function is reset, when an error on
//! the bus is dealt with, and when it has to be reset because it asks for that or breaks the rules
//! of a queue. All of these take the same way, one at a time for each device:
//!
//! ```text
//!            probe
//!              |
//!           Working <--------------------------------------+
//!              | Driver::quiesce                           | ConfigHandler::changed
//!              | QueueHandler::pause of each queue,        | Driver::resume
//!              |   which is broken then                    | QueueHandler::resume of each queue
//!              | reset, confirmed                          | DRIVER_OK
//!           Paused                                         | features, queues and vectors as before
//!              | QueueHandler::reclaim of each queue,      | reset
//!              |   which is empty then                     |
//!              +--------- the device is wanted again ------+
//!              |
//!              |  from any state: the device is gone, does not reset, can not be brought up as it
//!              |  was, asks for resets too often, or this kernel ends
//!              v
//!           Failed: QueueHandler::failed of each queue, ConfigHandler::failed; no way back
//! ```
//!
//! When the machine sleeps, a device with VIRTIO_F_SUSPEND is asked to suspend itself instead of being
//! reset (VIRTIO 1.4, 3.4). It keeps its queues and goes on with them, without `reclaim`, unless it
//! lost its power: then it is brought up like any other.
//!
//! The removal of the driver ends each of these. It waits for what goes on, all of which has bounds.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Full,
            Relaxed,
            Release, //
        },
        Arc, //
    },
};

use super::{
    hooks::Hooks,
    Device, //
};
use crate::virtio::{
    bringup::{
        self,
        Failure,
        Progress,
        Quiet, //
    },
    driver::Bound,
    feature::transport,
    status::Status, //
};

/// Why a device is stopped for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The machine is going to sleep. The device works, and may keep what it has and go on with it
    /// afterwards; or be reset all the same.
    Sleep,
    /// The machine is going to be copied to disk, or from disk. The device works.
    Hibernation,
    /// Its function is being reset, or dealt with after an error on the bus. The device may not
    /// answer.
    Reset,
    /// The device asked for a reset or broke the rules. It does not answer.
    Failure,
}

/// What state a device is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is being brought up for the first time, by its driver.
    Setup,
    /// It works, as far as is known.
    Working,
    /// It is about to be reset, and is to come back.
    Stopping,
    /// It has suspended itself, with what it had, and is to resume.
    Suspended,
    /// It was reset, and is to come back.
    Paused,
    /// It was reset, or is gone, for good.
    Ended,
}

impl Device {
    /// In one word, how the device fares.
    pub(crate) fn life(&self) -> &'static str {
        if self.is_broken() {
            return "failed";
        }
        match *self.phase.lock() {
            Phase::Setup => "setup",
            Phase::Working => "working",
            Phase::Stopping => "stopping",
            Phase::Suspended => "suspended",
            Phase::Paused => "paused",
            Phase::Ended => "ended",
        }
    }

    /// Whether the device is stopped, or being stopped, and is to come back: that its queues are
    /// broken and nothing is answered is no reason to give it up. Process context.
    pub fn is_paused(&self) -> bool {
        matches!(
            *self.phase.lock(),
            Phase::Stopping | Phase::Suspended | Phase::Paused
        )
    }

    /// Whether the device works, as far as is known.
    pub(crate) fn is_working(&self) -> bool {
        *self.phase.lock() == Phase::Working
    }

    /// Looks whether the device is gone, asks for a reset (VIRTIO 1.4, 2.1.2) or has lost its state,
    /// and has it restarted or failed then. True if so. Process context.
    ///
    /// For drivers whose device does not answer.
    pub fn check(&self) -> bool {
        let phase = self.phase.lock();
        let needs_reset = match self.transport.status() {
            None => true,
            // A device that works and has no DRIVER_OK was reset behind the driver's back, or is
            // gone: there are machines that read zeroes where nobody answers.
            Some(status) => {
                status.contains(Status::DEVICE_NEEDS_RESET)
                    || (*phase == Phase::Working && !status.contains(Status::DRIVER_OK))
            }
        };
        drop(phase);
        if needs_reset && !self.request_restart() {
            self.fail("device is gone or needs a reset");
        }
        needs_reset
    }

    /// Has the device restarted soon, in process context. False if it can not be, or has failed. May
    /// be called from any context.
    pub fn request_restart(&self) -> bool {
        if self.is_broken() {
            return false;
        }
        self.restart.store(true, Relaxed);
        let bound = self.bound.lock();
        let Some(bound) = &*bound else {
            return false;
        };
        bound.clone().schedule();
        true
    }

    /// Has the device restarted soon, as [`Self::request_restart`] does, and logs why unless that is
    /// about to happen already.
    pub(crate) fn restart_for(&self, why: &str) {
        if !self.restart.load(Relaxed) {
            self.warn(fmt!("{why}"));
        }
        self.request_restart();
    }

    /// From here on `bound` can restart the device, and the driver hears of changes.
    pub(crate) fn attach(&self, bound: &Arc<Bound>) {
        *self.bound.lock() = Some(bound.clone());
        if let Some(hooks) = self.hooks() {
            hooks.config.open();
        }
        if self.restart.load(Relaxed) {
            self.request_restart();
        }
    }

    /// Whether the device can be restarted: its probe is over, and its removal has not begun.
    pub(crate) fn is_attached(&self) -> bool {
        self.bound.lock().is_some()
    }

    /// The device is not restarted any more, and its driver does not hear of changes.
    pub(crate) fn detach(&self) {
        let bound = self.bound.lock().take();
        drop(bound);
        if let Some(hooks) = self.hooks() {
            hooks.config.close();
        }
    }

    /// Whether a restart was asked for and not made. It is not any more.
    pub(crate) fn take_restart(&self) -> bool {
        self.restart.xchg(false, Full)
    }

    /// Declares the device of no use any more: breaks its queues, and sends those away who wait for
    /// them. Only the first call does something. Process context.
    pub(crate) fn fail(&self, why: &str) {
        if self.broken.xchg(true, Full) {
            return;
        }
        self.err(fmt!("{why}; failing it"));
        let Some(hooks) = self.hooks() else {
            return;
        };
        for queue in &hooks.queues {
            queue.fail();
            queue.handler().failed();
        }
        hooks.config.failed();
    }

    /// Stops the device for a while. The lock of its life is held.
    ///
    /// # Errors
    ///
    /// When the device does not reset, in which case it has failed; `ENODEV` when it was not at
    /// work.
    pub(crate) fn stop(&self, why: Pause, quiesce: impl FnOnce()) -> Result {
        let hooks = self.hooks().ok_or(ENODEV)?;
        let mut phase = self.phase.lock();
        if *phase != Phase::Working {
            return Err(ENODEV);
        }
        if self.is_broken() {
            drop(phase);
            // It failed without a reset. Nobody minds if that fails, too, and is said in the log.
            let _ = self.end();
            return Err(ENODEV);
        }
        *phase = Phase::Stopping;
        drop(phase);

        hooks.config.close();
        quiesce();
        for queue in &hooks.queues {
            queue.handler().pause();
            queue.notifier.close();
        }
        if why == Pause::Sleep && self.suspend() {
            return Ok(());
        }
        self.halt(&hooks, why)
    }

    /// Has the device suspend itself (VIRTIO 1.4, 3.4). Returns whether it did.
    fn suspend(&self) -> bool {
        if !self.has(transport::SUSPEND) {
            return false;
        }
        let mut phase = self.phase.lock();
        if *phase != Phase::Stopping {
            return false;
        }
        match Progress::live().suspend(&*self.transport) {
            Ok(()) => {
                *phase = Phase::Suspended;
                true
            }
            Err(failure) => {
                self.warn(fmt!("device does not suspend: {}", failure.as_str()));
                false
            }
        }
    }

    /// Has a suspended device resume. Returns whether it did; if not, it is to be reset.
    fn unsuspend(&self, hooks: &Hooks) -> bool {
        let mut phase = self.phase.lock();
        if *phase != Phase::Suspended {
            return false;
        }
        match Progress::live().unsuspend(&*self.transport) {
            Ok(()) => {
                *phase = Phase::Working;
                for queue in &hooks.queues {
                    queue.notifier.open();
                }
                true
            }
            Err(_) => {
                // It has lost its power, for one.
                *phase = Phase::Stopping;
                false
            }
        }
    }

    /// Resets the device, of which nobody makes use any more, and takes back what it had.
    ///
    /// # Errors
    ///
    /// Those of [`Self::stop`].
    fn halt(&self, hooks: &Hooks, why: Pause) -> Result {
        for queue in &hooks.queues {
            queue.fail();
        }
        let mut phase = self.phase.lock();
        if *phase != Phase::Stopping {
            // The driver has given it up meanwhile.
            return Err(ENODEV);
        }
        let reset = bringup::reset(&*self.transport);
        // Nobody else is about to reset it or to give it power: it would be waited for in vain once
        // more.
        let lost = match (why, &reset) {
            (Pause::Failure, Err(failure)) => Some(*failure),
            _ => None,
        };
        let result = self.confirm(reset);
        *phase = if result.is_ok() && lost.is_none() {
            Phase::Paused
        } else {
            Phase::Ended
        };
        drop(phase);

        if result.is_ok() {
            for queue in &hooks.queues {
                queue.handler().reclaim();
                queue.empty();
            }
        }
        if let Some(failure) = lost {
            self.fail(failure.as_str());
            return Err(failure.into());
        }
        if result.is_err() {
            self.fail("device does not reset");
        }
        result
    }

    /// Starts the device again that [`Self::stop`] stopped. The lock of its life is held.
    ///
    /// # Errors
    ///
    /// Any, in which case the device has failed; `ENODEV` when it was not stopped.
    pub(crate) fn restart(&self, resume: impl FnOnce()) -> Result {
        let hooks = self.hooks().ok_or(ENODEV)?;
        if !self.unsuspend(&hooks) {
            self.start_again(&hooks)?;
        }
        for queue in &hooks.queues {
            queue.handler().resume();
        }
        resume();
        hooks.config.open();
        Ok(())
    }

    /// The part of [`Self::restart`] for devices that have to be brought up.
    fn start_again(&self, hooks: &Hooks) -> Result {
        if *self.phase.lock() == Phase::Stopping {
            // It was suspended, and is not any more.
            self.halt(hooks, Pause::Sleep)?;
        }
        let mut phase = self.phase.lock();
        if *phase != Phase::Paused {
            return Err(ENODEV);
        }
        let result = self.bring_up_again(hooks);
        *phase = if result.is_ok() {
            Phase::Working
        } else {
            Phase::Ended
        };
        drop(phase);

        if let Err(failure) = result {
            self.fail(failure.as_str());
            return Err(failure.into());
        }
        self.restarts
            .store(self.restarts().wrapping_add(1), Relaxed);
        Ok(())
    }

    /// Resets the device and makes it work as it did before. If that fails it is reset.
    fn bring_up_again(&self, hooks: &Hooks) -> Result<(), Failure> {
        let transport = &*self.transport;
        let quiet = match bringup::reset(transport) {
            Ok(quiet) => quiet,
            Err(failure) => {
                // It was quiet before: there is no memory that it could write to.
                transport.stop_dma();
                return Err(failure);
            }
        };
        // What asked for a restart before is being dealt with.
        self.take_restart();
        transport.start_dma();

        let count = u16::try_from(hooks.queues.len()).map_err(|_| Failure::Memory)?;
        let result = bringup::restart(
            quiet,
            transport,
            self.features,
            count,
            |index| {
                let queue = hooks.queues.get(usize::from(index));
                queue.ok_or(Failure::Memory)?.restart(None)
            },
            || transport.rewire(hooks.plan, count.wrapping_sub(hooks.polled), hooks.polled),
            || self.active.store(true, Release),
        );
        if let Err(abandoned) = result {
            // Said in the log, and the device fails either way.
            let _ = self.confirm(abandoned.quiet);
            return Err(abandoned.why);
        }
        for queue in &hooks.queues {
            queue.notifier.open();
        }
        Ok(())
    }

    /// Keeps the device from memory for good, because this kernel ends.
    pub(crate) fn shutdown(&self) {
        self.detach();
        if let Some(hooks) = self.hooks() {
            self.broken.store(true, Relaxed);
            for queue in &hooks.queues {
                queue.fail();
                queue.handler().failed();
            }
        }
        // Said in the log, and the device is off the bus either way.
        let _ = self.end();
        self.transport.stop_dma();
    }

    /// Resets the device for good, and waits for it to be done. One that has had its last reset is
    /// not waited for again.
    ///
    /// # Errors
    ///
    /// Those of [`Self::confirm`].
    pub(super) fn end(&self) -> Result {
        let mut phase = self.phase.lock();
        if let Some(hooks) = self.hooks() {
            for queue in &hooks.queues {
                queue.notifier.close();
            }
        }
        if *phase == Phase::Ended && self.is_quiescent() {
            return Ok(());
        }
        *phase = Phase::Ended;
        self.confirm(bringup::reset(&*self.transport))
    }

    /// Draws the conclusion from a reset: the device makes no use of memory any more.
    ///
    /// A device that is gone counts as reset. As one that only looks gone could still write to
    /// memory, it is also kept off the bus, like one that does not finish. That is as good as far as
    /// memory is concerned: requests that wait for it can end.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` when the device did not finish and is not seen to be off the bus. What it could
    /// still write to is never freed then.
    fn confirm(&self, reset: Result<Quiet, Failure>) -> Result {
        match reset {
            Ok(_) => {}
            Err(Failure::Gone) => {
                self.transport.stop_dma();
            }
            Err(failure) => {
                let off = self.transport.stop_dma();
                let then = match off {
                    true => "keeping it off the bus",
                    false => "leaving its memory to it",
                };
                self.err(fmt!("{}; {then}", failure.as_str()));
                if !off {
                    return Err(failure.into());
                }
            }
        }
        self.active.store(false, Release);
        Ok(())
    }
}
