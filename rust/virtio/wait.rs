// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Queues whose requests are waited for, in process context.

use kernel::{
    new_condvar, new_spinlock_irq,
    prelude::*,
    sync::{
        Arc,
        CondVar,
        CondVarTimeoutResult,
        SpinLockIrq, //
    },
    time::{
        msecs_to_jiffies,
        Msecs, //
    },
};

use super::{
    irq::{
        self,
        QueueHandler, //
    },
    queue::{
        AddError,
        AddErrorReason,
        AnyQueue,
        Chain,
        Complete,
        Completion,
        Queue, //
    },
};

/// A queue of which a thread waits for its requests to be done.
///
/// Every wait has a bound, ends when a signal is pending, and ends at once when the queue is
/// stopped or its device turns out to be broken.
#[pin_data]
pub struct WaitQueue<T: Send> {
    #[pin]
    state: SpinLockIrq<State<T>>,
    #[pin]
    done: CondVar,
}

/// What the lock protects.
struct State<T> {
    queue: Queue<T>,
    stopped: bool,
}

impl<T> State<T> {
    /// Whether there is nothing to wait for any more.
    fn is_over(&self) -> bool {
        self.stopped || self.queue.is_broken()
    }
}

impl<T: Send + 'static> WaitQueue<T> {
    /// Makes `queue` one that is waited for; to be given to
    /// [`Setup::queue`](super::device::Setup::queue).
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(queue: Queue<T>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                state <- new_spinlock_irq!(State {
                    queue,
                    stopped: false,
                }),
                done <- new_condvar!(),
            }),
            GFP_KERNEL,
        )
    }

    /// Adds a request and tells the device. See [`Queue::add`].
    ///
    /// # Errors
    ///
    /// Those of [`Queue::add`]; a stopped queue counts as broken.
    pub fn add<F>(&self, segments: usize, token: T, build: F) -> Result<(), AddError<T>>
    where
        F: for<'q, 'a> FnOnce(&'a mut T, Chain<'q, 'a>) -> Chain<'q, 'a, Complete>,
    {
        let mut state = self.state.lock();
        if state.is_over() {
            return Err(AddError {
                reason: AddErrorReason::Broken,
                token,
            });
        }
        state.queue.add(segments, token, build)?;

        let wanted = state.queue.publish();
        let notifier = wanted.then(|| state.queue.notifier().clone());
        drop(state);
        // Out of the lock: notifying may take a trip to the host.
        if let Some(notifier) = notifier {
            notifier.notify();
        }
        Ok(())
    }

    /// The next request that is done. Without a `timeout`, [`None`] when there is none now;
    /// otherwise it is waited for.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the queue was stopped or is broken, `ETIMEDOUT` after `timeout`, `ERESTARTSYS`
    /// when a signal is pending.
    pub fn next(&self, timeout: Option<Msecs>) -> Result<Option<Completion<T>>> {
        let mut jiffies = timeout.map(msecs_to_jiffies);
        let mut state = self.state.lock();

        loop {
            let completion = state.queue.pop();
            if completion.is_some() {
                return Ok(completion);
            }
            if state.is_over() {
                return Err(ENODEV);
            }
            let Some(left) = jiffies else {
                return Ok(None);
            };
            if !state.queue.enable_interrupts() {
                continue;
            }
            match self.done.wait_interruptible_timeout(&mut state, left) {
                CondVarTimeoutResult::Woken { jiffies: left } => jiffies = Some(left),
                CondVarTimeoutResult::Timeout => {
                    // The answer may be there all the same, if its interrupt was lost; and it may
                    // be missing because the device is (VIRTIO 1.4, 2.1.2).
                    let completion = state.queue.pop();
                    if completion.is_none() {
                        let device = state.queue.device().clone();
                        drop(state);
                        device.check_needs_reset();
                        return Err(ETIMEDOUT);
                    }
                    return Ok(completion);
                }
                CondVarTimeoutResult::Signal { .. } => return Err(ERESTARTSYS),
            }
        }
    }

    /// Sends everybody away who waits now or will.
    pub fn stop(&self) {
        self.state.lock().stopped = true;
        self.done.notify_all();
    }
}

impl<T: Send + 'static> QueueHandler for WaitQueue<T> {
    fn interrupt(&self) -> irq::Return {
        // Who waits takes the requests; here it is only seen whether there is one.
        let pending = !self.state.lock().queue.enable_interrupts();
        if !pending {
            return irq::Return::None;
        }
        self.done.notify_all();
        irq::Return::Handled
    }

    fn with_queue(&self, f: &mut dyn FnMut(&mut dyn AnyQueue)) {
        f(&mut self.state.lock().queue);
    }

    fn failed(&self) {
        self.done.notify_all();
    }
}
