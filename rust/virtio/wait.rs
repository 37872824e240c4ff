// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Queues whose requests are waited for, in process context.

use kernel::{
    new_condvar,
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        CondVar,
        CondVarTimeoutResult,
        LockClassKey,
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

/// How often it is seen whether the device is still there that is waited for.
const CHECK_INTERVAL: Msecs = 1_000;

/// A queue of which a thread waits for its requests to be done.
///
/// Every wait has a bound, ends when a signal is pending, and ends at once when the queue is
/// stopped or its device turns out to be of no use.
///
/// While the device is stopped, who waits waits on. When it is back, waits end with `EAGAIN`: what the
/// device had, and what was to be added meanwhile, is to be had by [`Self::take_unused`] then, and can be
/// added again.
#[pin_data]
pub struct WaitQueue<T: Send> {
    #[pin]
    state: SpinLockIrq<State<T>>,
    #[pin]
    done: CondVar,
}

/// The class of the lock. There is one such function, not one for each type of token: lockdep wants
/// one name of a class, by address.
#[inline(never)]
fn lock_class() -> (&'static CStr, Pin<&'static LockClassKey>) {
    (c"WaitQueue::state", static_lock_class!())
}

/// The same for those who wait.
#[inline(never)]
fn new_done() -> impl PinInit<CondVar> {
    new_condvar!("WaitQueue::done")
}

/// What the lock protects.
struct State<T> {
    queue: Queue<T>,
    /// Nobody is to wait any more.
    stopped: bool,
    /// The device is stopped, and is to come back.
    paused: bool,
    /// How often it came back.
    restarts: u32,
    /// Threads that are about to notify the device.
    notifying: usize,
    /// Requests that it did not answer before it was stopped, and those that came since. There is room
    /// for all that the queue can have.
    unused: KVec<T>,
}

impl<T> State<T> {
    /// Whether there is nothing to wait for any more.
    fn is_over(&self) -> bool {
        self.stopped || (self.queue.is_broken() && !self.paused)
    }

    /// Keeps a request until the device is back.
    #[cold]
    fn put_off(&mut self, token: T) -> Result<(), AddError<T>> {
        let full = |token| AddError {
            reason: AddErrorReason::Full,
            token,
        };
        // What is in the queue is to come here as well, and each chain of it has at least one
        // descriptor: room for all of them is left.
        if self.unused.len() >= usize::from(self.queue.num_free()) {
            return Err(full(token));
        }
        self.unused
            .push_within_capacity(token)
            .map_err(|err| full(err.0))
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
        let unused = KVec::with_capacity(queue.size().into(), GFP_KERNEL)?;
        let state = State {
            queue,
            stopped: false,
            paused: false,
            restarts: 0,
            notifying: 0,
            unused,
        };
        let (name, key) = lock_class();
        Arc::pin_init(
            pin_init!(Self {
                state <- SpinLockIrq::new(state, name, key),
                done <- new_done(),
            }),
            GFP_KERNEL,
        )
    }

    /// Adds a request and tells the device. See [`Queue::add`]. While the device is stopped, the request
    /// is kept for [`Self::take_unused`].
    ///
    /// # Errors
    ///
    /// Those of [`Queue::add`]; a queue that is stopped counts as broken.
    pub fn add<F>(&self, segments: u16, token: T, build: F) -> Result<(), AddError<T>>
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
        if state.paused {
            // Were it handed back, the device could be there again before anybody waits for that.
            return state.put_off(token);
        }
        state.queue.add(segments, token, build)?;

        if let Some(kick) = state.queue.publish() {
            let notifier = state.queue.notifier().clone();
            state.notifying = state.notifying.wrapping_add(1);
            drop(state);
            // Out of the lock: notifying may take a trip to the host.
            notifier.notify(kick);

            let mut state = self.state.lock();
            state.notifying = state.notifying.wrapping_sub(1);
            if state.paused {
                self.done.notify_all();
            }
        }
        Ok(())
    }

    /// A request that the device did not answer before it was stopped, or that came while it was.
    pub fn take_unused(&self) -> Option<T> {
        self.state.lock().unused.pop()
    }

    /// Gives up the requests that the device does not answer: resets the queue, so that they can be
    /// had back.
    ///
    /// # Errors
    ///
    /// Those of [`Device::reset_queue`](super::device::Device::reset_queue).
    fn cancel(&self) -> Result {
        let state = self.state.lock();
        let device = state.queue.device().clone();
        let index = state.queue.index();
        drop(state);
        device.reset_queue(index)
    }

    /// The next request that is done. Without a `timeout`, [`None`] when there is none now;
    /// otherwise it is waited for.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the queue was stopped or is broken, `ETIMEDOUT` after `timeout`, `ERESTARTSYS`
    /// when a signal is pending, `EAGAIN` when the device was restarted. After `EAGAIN`, and after
    /// `ETIMEDOUT` where the device can reset single queues (VIRTIO_F_RING_RESET), requests may have
    /// come back by [`Self::take_unused`].
    pub fn next(&self, timeout: Option<Msecs>) -> Result<Option<Completion<T>>> {
        let mut jiffies = timeout.map(msecs_to_jiffies);
        let mut state = self.state.lock();
        let restarts = state.restarts;

        loop {
            let completion = state.queue.pop();
            if completion.is_some() {
                return Ok(completion);
            }
            if state.is_over() {
                return Err(ENODEV);
            }
            if state.restarts != restarts || (!state.paused && !state.unused.is_empty()) {
                return Err(EAGAIN);
            }
            let Some(left) = jiffies else {
                return Ok(None);
            };
            if !state.paused && !state.queue.enable_interrupts() {
                continue;
            }
            let slice = left.min(msecs_to_jiffies(CHECK_INTERVAL));
            match self.done.wait_interruptible_timeout(&mut state, slice) {
                CondVarTimeoutResult::Woken { jiffies: rest } => {
                    jiffies = Some(left.saturating_sub(slice.saturating_sub(rest)));
                }
                CondVarTimeoutResult::Timeout => {
                    // The answer may be there all the same, if its interrupt was lost; and it may
                    // be missing because the device is (VIRTIO 1.4, 2.1.2).
                    let completion = state.queue.pop();
                    if completion.is_some() {
                        return Ok(completion);
                    }
                    if !state.paused {
                        let device = state.queue.device().clone();
                        drop(state);
                        device.check();
                        state = self.state.lock();
                    }
                    if slice == left {
                        drop(state);
                        // Where the device can not do that, it keeps them until it answers.
                        let _ = self.cancel();
                        return Err(ETIMEDOUT);
                    }
                    jiffies = Some(left.saturating_sub(slice));
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

    fn pause(&self) {
        let mut state = self.state.lock();
        state.paused = true;
        // Each comes back from its trip to the host without waiting for anything else.
        while state.notifying != 0 {
            self.done.wait(&mut state);
        }
    }

    fn reclaim(&self) {
        let mut state = self.state.lock();
        while let Some(token) = state.queue.take_unused() {
            // There is room for as many as the queue has: this does not allocate.
            if state.unused.push_within_capacity(token).is_err() {
                return;
            }
        }
    }

    fn resume(&self) {
        let mut state = self.state.lock();
        state.paused = false;
        state.restarts = state.restarts.wrapping_add(1);
        drop(state);
        self.done.notify_all();
    }

    fn failed(&self) {
        self.state.lock().paused = false;
        self.done.notify_all();
    }
}
