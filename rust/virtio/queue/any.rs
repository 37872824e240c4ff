// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Queues of any kind of token, as the library sees them that stops and restarts their device.

use kernel::prelude::*;

use super::Queue;
use crate::virtio::bringup::{
    QuietQueue,
    RingAddresses, //
};

/// What drivers are not to do.
pub(in crate::virtio) mod sealed {
    use super::{
        QuietQueue,
        Result,
        RingAddresses, //
    };

    /// The part of [`AnyQueue`](super::AnyQueue) that makes a queue work again.
    pub trait Restart {
        /// Makes the queue as new, with a ring of `size` descriptors, and says where the device
        /// finds it.
        ///
        /// # Errors
        ///
        /// `EBUSY` while the device may use the queue, or when it has requests; `EINVAL` when it
        /// can not have that size; `ENODEV` when the queue was given up.
        fn restart(&mut self, size: u16) -> Result<RingAddresses>;

        /// The device uses this queue no more, whatever it does with others.
        fn set_quiet(&mut self, proof: &QuietQueue);
    }
}

/// A [`Queue`], whatever its tokens are.
pub trait AnyQueue: sealed::Restart {
    /// Index of the queue in its device.
    fn index(&self) -> u16;

    /// What form of ring it is: `split` or `packed`.
    fn form(&self) -> &'static str;

    /// Descriptors in the ring.
    fn size(&self) -> u16;

    /// Whether the driver looks at the queue by itself, without interrupts.
    fn is_polled(&self) -> bool;

    /// Whether the ring can be made one of `size` descriptors.
    fn can_have(&self, size: u16) -> bool;

    /// Whether the queue takes and gives nothing.
    fn is_broken(&self) -> bool;

    /// How many requests the device has answered. Wraps.
    fn completions(&self) -> u64;

    /// Breaks the queue: it takes and gives nothing until its device is restarted.
    fn fail(&mut self);

    /// Drops the token of a request that the device will never answer, once its reset is confirmed.
    /// False before, and when there are no more.
    fn drop_unused(&mut self) -> bool;
}

impl<T> AnyQueue for Queue<T> {
    fn index(&self) -> u16 {
        Queue::index(self)
    }

    fn form(&self) -> &'static str {
        Queue::form(self)
    }

    fn size(&self) -> u16 {
        Queue::size(self)
    }

    fn is_polled(&self) -> bool {
        Queue::is_polled(self)
    }

    fn can_have(&self, size: u16) -> bool {
        self.inner
            .as_ref()
            .is_some_and(|inner| inner.ring.can_have(size).is_ok())
    }

    fn is_broken(&self) -> bool {
        Queue::is_broken(self)
    }

    fn completions(&self) -> u64 {
        self.stats().completions.get()
    }

    fn fail(&mut self) {
        Queue::fail(self);
    }

    fn drop_unused(&mut self) -> bool {
        self.take_unused().is_some()
    }
}

impl<T> sealed::Restart for Queue<T> {
    fn restart(&mut self, size: u16) -> Result<RingAddresses> {
        if !self.is_quiet() {
            return Err(EBUSY);
        }
        let inner = self.inner.as_mut().ok_or(ENODEV)?;
        if inner.tokens.iter().any(Option::is_some) {
            return Err(EBUSY);
        }
        inner.ring.resize(size).map_err(|_| EINVAL)?;
        if self.polled {
            inner.ring.silence();
        }
        self.quiet = false;
        self.addresses()
    }

    fn set_quiet(&mut self, _proof: &QuietQueue) {
        self.quiet = true;
    }
}
