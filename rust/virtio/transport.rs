// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Transports: how a driver reaches a device (VIRTIO 1.4, 4).
//!
//! A transport moves values between driver and device and knows nothing of what they mean; the
//! order of things is [`super::device`]'s. Everything here is slow path, so one virtual call more
//! does not matter; the one thing that is not, the notification of a queue, is a [`Notifier`].

pub mod pci;

use kernel::{
    device,
    prelude::*,
    str::CString,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
};

pub(crate) use self::pci::vectors::Plan;
pub(crate) use super::bringup::RingAddresses;
use super::{
    bringup::Control,
    config::ConfigAccess,
    feature::FeatureSet,
    irq::ConfigInterrupt,
    irq::QueueInterrupt, //
};

/// How the device tells a queue that it has used buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueVectors {
    /// Queue `i` interrupts with vector `first + i`, spread over the processors.
    PerQueue {
        /// Vector of queue 0.
        first: u32,
    },
    /// All queues share one vector or line.
    Shared,
}

impl From<Plan> for QueueVectors {
    fn from(plan: Plan) -> Self {
        match plan {
            Plan::PerQueue => Self::PerQueue { first: 1 },
            Plan::Shared | Plan::Line => Self::Shared,
        }
    }
}

/// The interrupt handlers of a device, by which a transport wires it up.
pub(crate) struct Interrupts<'a> {
    /// Handler of configuration changes.
    pub(crate) config: &'a Arc<ConfigInterrupt>,
    /// Handler and name of each queue, by queue index.
    pub(crate) queues: &'a [(CString, KBox<dyn QueueInterrupt>)],
    /// Name of the device.
    pub(crate) name: &'a CStr,
    /// Whether vectors are to be spread over the processors by the kernel.
    pub(crate) affinity: bool,
}

/// Interrupts that are wired up until this is dropped. Handlers stay over a reset of the device,
/// which then has to be told its vectors again.
pub(crate) struct Wired {
    /// What to drop, handlers before vectors.
    pub(crate) _guard: KBox<dyn Send + Sync>,
    /// How the device interrupts.
    pub(crate) plan: Plan,
}

/// A device as its transport shows it.
pub(crate) trait Transport: Control + Send + Sync {
    /// The device on its bus.
    fn parent(&self) -> &device::Device;

    /// The configuration space.
    fn config(&self) -> &dyn ConfigAccess;

    /// Features of this transport that the library knows how to use.
    fn features(&self) -> FeatureSet;

    /// Number of queues that the device has.
    fn num_queues(&self) -> u16;

    /// What notifies the device of queue `index`, which is placed.
    ///
    /// # Errors
    ///
    /// `EINVAL` when its doorbell is out of reach.
    fn notifier(&self, index: u16) -> Result<Notifier>;

    /// Requests interrupts and tells the device to use them.
    ///
    /// # Errors
    ///
    /// What the last of the possible ways to interrupt failed with.
    fn wire(&self, interrupts: &Interrupts<'_>) -> Result<Wired>;

    /// Tells a device that was reset the vectors that it had. Returns whether it took them.
    fn rewire(&self, plan: Plan, queues: u16) -> bool;

    /// Lets the device reach memory.
    fn start_dma(&self);

    /// Keeps the device from memory by other means than asking it. Returns whether it is certain
    /// that the device makes no access any more.
    fn stop_dma(&self) -> bool;
}

/// What became of notifications before the device was started.
mod gate {
    /// Not started, nobody notified yet.
    pub(super) const CLOSED: u32 = 0;
    /// Not started, and the device is to be notified once it is.
    pub(super) const WANTED: u32 = 1;
    /// Started.
    pub(super) const OPEN: u32 = 2;
}

/// Rings the doorbell of one queue.
///
/// A device must not be notified before DRIVER_OK (VIRTIO 1.4, 3.1.1): what is asked for earlier is
/// made up for when the device is started.
#[derive(Clone)]
pub struct Notifier(Arc<Bell>);

/// A doorbell and whether it may be rung.
struct Bell {
    gate: Atomic<u32>,
    doorbell: pci::Doorbell,
}

impl Notifier {
    /// A notifier of a device that is not started.
    fn new(doorbell: pci::Doorbell) -> Result<Self> {
        let bell = Bell {
            gate: Atomic::new(gate::CLOSED),
            doorbell,
        };
        Ok(Self(Arc::new(bell, GFP_KERNEL)?))
    }

    /// Tells the device that the queue has new buffers (VIRTIO 1.4, 2.9 and 4.1.5.2).
    ///
    /// The write is ordered after what was published before it.
    #[inline]
    pub fn notify(&self) {
        if self.0.gate.load(Relaxed) == gate::OPEN || !self.defer() {
            self.0.doorbell.ring();
        }
    }

    /// Leaves the notification to [`Self::open`]. False if the device was started meanwhile.
    #[cold]
    fn defer(&self) -> bool {
        self.0.gate.cmpxchg(gate::CLOSED, gate::WANTED, Full) != Err(gate::OPEN)
    }

    /// The device is started.
    pub(crate) fn open(&self) {
        if self.0.gate.xchg(gate::OPEN, Full) == gate::WANTED {
            self.0.doorbell.ring();
        }
    }

    /// The device is going to be reset.
    pub(crate) fn close(&self) {
        self.0.gate.store(gate::CLOSED, Relaxed);
    }
}
