// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Transports: how a driver reaches a device (VIRTIO 1.4, 4).
//!
//! A transport moves values between driver and device and knows nothing of what they mean; the
//! order of things is [`super::device`]'s. Everything here is slow path, so one virtual call more
//! does not matter; the one thing that is not, the notification of a queue, is a
//! [`Notifier`](super::notify::Notifier).

pub mod bytewise;
pub mod doorbell;
pub mod features;
pub mod line;
pub mod mmio;
pub mod pci;
pub mod registers;

use kernel::{
    device,
    prelude::*,
    str::CString,
    sync::Arc, //
};

pub(crate) use self::pci::vectors::Plan;
pub(crate) use super::bringup::RingAddresses;
use super::{
    bringup::Control,
    config::ConfigAccess,
    feature::FeatureSet,
    irq::ConfigInterrupt,
    irq::QueueInterrupt,
    notify::Notifier, //
};
use crate::io::Mapping;

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

impl QueueVectors {
    /// The vector of queue 0, if each queue has one.
    pub fn first(self) -> Option<u32> {
        match self {
            Self::PerQueue { first } => Some(first),
            Self::Shared => None,
        }
    }
}

impl From<Plan> for QueueVectors {
    fn from(plan: Plan) -> Self {
        match plan {
            Plan::PerQueue => Self::PerQueue { first: 1 },
            Plan::Shared | Plan::Line => Self::Shared,
        }
    }
}

/// The doorbell of one queue, behind any transport.
pub(in crate::virtio) type Doorbell = doorbell::Doorbell<Mapping>;

/// The interrupt handlers of a device, by which a transport wires it up.
pub(crate) struct Interrupts<'a> {
    /// Handler of configuration changes.
    pub(crate) config: &'a Arc<ConfigInterrupt>,
    /// Handler and name of each queue that interrupts, by queue index.
    pub(crate) queues: &'a [(CString, KBox<dyn QueueInterrupt>)],
    /// Number of queues after those, which do not interrupt.
    pub(crate) polled: u16,
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

    /// Number of queues that the device has; if it has as many as `wanted`, there may be more than
    /// this says. For a device that has features. Unless a register says how many, they are counted.
    fn has_queues(&self, wanted: u16) -> u16 {
        self.count_queues(wanted)
    }

    /// What notifies the device of queue `index`, which is placed, as the negotiated `features` want
    /// it.
    ///
    /// # Errors
    ///
    /// `EINVAL` when its doorbell is out of reach.
    fn notifier(&self, index: u16, features: FeatureSet) -> Result<Notifier>;

    /// Requests interrupts and tells the device to use them.
    ///
    /// # Errors
    ///
    /// What the last of the possible ways to interrupt failed with.
    fn wire(&self, interrupts: &Interrupts<'_>) -> Result<Wired>;

    /// Tells a device that was reset the vectors that it had for so many queues, and that so many
    /// after those have none. Returns whether it took them.
    fn rewire(&self, plan: Plan, queues: u16, polled: u16) -> bool;

    /// Tells the device the vector of a queue that was reset. Returns whether it took it.
    fn rewire_queue(&self, plan: Plan, index: u16) -> bool;

    /// The legacy interface of the same device, if it has one beside this: for a device that turned out
    /// not to be modern, and has confirmed its reset.
    fn legacy_interface(&self) -> Option<Result<KBox<dyn Transport>>> {
        None
    }

    /// Lets the device reach memory.
    fn start_dma(&self);

    /// Keeps the device from memory by other means than asking it. Returns whether it is certain
    /// that the device makes no access any more.
    fn stop_dma(&self) -> bool;
}
