// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Notifying the device of a queue (VIRTIO 1.4, 2.9).
//!
//! [`Queue::publish`](super::queue::Queue::publish) says whether the device wants to hear of what
//! was added, by a [`Kick`]; [`Notifier::notify`] tells it. The two are apart because a notification
//! may take a trip to the host, for which no lock need be held.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
};

use super::transport::Doorbell;

/// A notification that the device waits for.
#[derive(Debug)]
#[must_use = "the device waits for the notification"]
pub struct Kick {
    /// How far the ring is filled, as `VIRTIO_F_NOTIFICATION_DATA` has it.
    data: u16,
}

impl Kick {
    /// A notification of a ring that is filled up to `data`.
    #[inline]
    pub(super) fn new(data: u16) -> Self {
        Self { data }
    }
}

/// What became of notifications before the device was started.
mod gate {
    /// Not started, nobody notified yet.
    pub(super) const CLOSED: u32 = 0;
    /// Not started, and the device is to be notified once it is, with the data in the lower half.
    pub(super) const WANTED: u32 = 1 << 16;
    /// Started.
    pub(super) const OPEN: u32 = 2 << 16;
}

/// Notifies the device of one queue.
///
/// A device must not be notified before DRIVER_OK (VIRTIO 1.4, 3.1.1): what is asked for earlier is
/// made up for when the device is started.
#[derive(Clone)]
pub struct Notifier(Arc<Bell>);

/// A doorbell and whether it may be rung.
struct Bell {
    gate: Atomic<u32>,
    doorbell: Doorbell,
}

impl Bell {
    /// Whether the device is started. An atomic's own load is a call of a C helper.
    #[inline]
    fn is_open(&self) -> bool {
        // SAFETY: It is valid and aligned, and a volatile read of it is what a relaxed load is.
        let gate = unsafe { self.gate.as_ptr().read_volatile() };
        gate == gate::OPEN
    }
}

impl Notifier {
    /// A notifier of a device that is not started.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(doorbell: Doorbell) -> Result<Self> {
        let bell = Bell {
            gate: Atomic::new(gate::CLOSED),
            doorbell,
        };
        Ok(Self(Arc::new(bell, GFP_KERNEL)?))
    }

    /// Tells the device that the queue has new buffers.
    ///
    /// The write is ordered after what was published before it. Kicks of several threads may reach
    /// the device in another order than they were made in: it looks at the ring all the same.
    #[inline]
    pub fn notify(&self, kick: Kick) {
        if self.0.is_open() || !self.defer(&kick) {
            self.0.doorbell.ring(kick.data);
        }
    }

    /// Leaves the notification to [`Self::open`]. False if the device was started meanwhile.
    #[cold]
    fn defer(&self, kick: &Kick) -> bool {
        let wanted = gate::WANTED | u32::from(kick.data);
        let mut seen = self.0.gate.load(Relaxed);
        while seen != gate::OPEN {
            match self.0.gate.cmpxchg(seen, wanted, Full) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// The device is started.
    pub(super) fn open(&self) {
        let before = self.0.gate.xchg(gate::OPEN, Full);
        if before & gate::WANTED != 0 {
            // CAST: What does not fit has been masked.
            self.0.doorbell.ring((before & 0xffff) as u16);
        }
    }

    /// The device is going to be reset.
    pub(super) fn close(&self) {
        self.0.gate.store(gate::CLOSED, Relaxed);
    }
}
