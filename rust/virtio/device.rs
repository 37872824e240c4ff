// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device, as long as anybody refers to it.
//!
//! How it is brought up is in [`state`], what becomes of it then in [`life`]. A [`Device`] outlives
//! that: queues hold it to know whether the device may still write to their memory.

mod hooks;
pub mod life;
mod queue_reset;
mod state;

use kernel::{
    device,
    fmt,
    new_mutex,
    new_spinlock_irq,
    prelude::*,
    str::CString,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            AtomicFlag,
            Relaxed, //
        },
        Arc,
        Mutex,
        SpinLockIrq,
        UniqueArc, //
    }, //
};

pub use self::state::{
    Acknowledged,
    Live,
    Negotiated,
    Setup, //
};
use self::{
    hooks::Hooks,
    life::Phase, //
};
use super::{
    bringup::Failure,
    byte_order::ByteOrder,
    config::{
        self,
        ConfigAccess,
        ConfigError, //
    },
    driver::Bound,
    feature::{
        Feature,
        FeatureSet, //
    },
    index::Index,
    legacy::Legacy,
    transport::Transport, //
};
use crate::dma::Space;

/// Configuration space of a device behind any transport.
pub type Config<'a> = config::Config<'a, dyn ConfigAccess + 'a>;

impl From<ConfigError> for Error {
    /// For drivers that pass on what makes no difference to them.
    fn from(err: ConfigError) -> Self {
        match err {
            ConfigError::OutOfRange | ConfigError::Unaligned => EINVAL,
            ConfigError::Unstable => EIO,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::ResetTimeout | Failure::Timeout => ETIMEDOUT,
            Failure::Status | Failure::QueueSize(_) | Failure::QueuePlace(_) => EIO,
            Failure::NoQueue(_) | Failure::QueueEnabled(_) => ENOENT,
            Failure::Vector => EBUSY,
            Failure::Gone
            | Failure::Refused(_)
            | Failure::NotModern
            | Failure::Features
            | Failure::FeaturesLost
            | Failure::Memory => ENODEV,
        }
    }
}

/// A device that a driver has accepted.
#[pin_data]
pub struct Device {
    index: Index,
    name: CString,
    offered: FeatureSet,
    features: FeatureSet,
    space: Space,
    /// No reset since the device was first allowed to use its queues.
    active: AtomicFlag,
    /// The device is of no use any more.
    broken: AtomicFlag,
    /// The device is to be restarted.
    restart: AtomicFlag,
    /// How often it was.
    restarts: Atomic<u32>,
    transport: KBox<dyn Transport>,
    /// What state the device is in. Held while that changes, with the registers that takes.
    #[pin]
    phase: Mutex<Phase>,
    /// What is to be told when the device stops working. Emptied with the last state, since the
    /// handlers own queues that own the device.
    #[pin]
    hooks: Mutex<Option<Arc<Hooks>>>,
    /// What restarts the device, while it can be.
    #[pin]
    bound: SpinLockIrq<Option<Arc<Bound>>>,
}

impl Device {
    /// A device that nobody has negotiated with.
    ///
    /// Not part of a function with type parameters, of which each driver would have a copy: lockdep
    /// wants one name of a lock's class, by address.
    fn new(transport: KBox<dyn Transport>) -> Result<Pin<UniqueArc<Self>>> {
        let index = Index::new()?;
        let name = CString::try_from_fmt(fmt!("virtio{}", index.get()))?;
        UniqueArc::pin_init(
            pin_init!(Self {
                index,
                name,
                offered: FeatureSet::empty(),
                features: FeatureSet::empty(),
                space: Space::Physical,
                active: AtomicFlag::new(false),
                broken: AtomicFlag::new(false),
                restart: AtomicFlag::new(false),
                restarts: Atomic::new(0),
                transport,
                phase <- new_mutex!(Phase::Setup),
                hooks <- new_mutex!(None),
                bound <- new_spinlock_irq!(None),
            }),
            GFP_KERNEL,
        )
    }

    /// Name of the device, as in `/proc/interrupts`: `virtio0`.
    pub fn name(&self) -> &CStr {
        &self.name
    }

    /// Number of the device among all that this library drives.
    pub fn index(&self) -> usize {
        self.index.get()
    }

    /// The device on its bus: what messages are about, and the parent of what a driver registers.
    pub fn parent(&self) -> &device::Device {
        self.transport.parent()
    }

    /// Logs an error, prefixed with driver, bus address and name of the device.
    pub fn err(&self, what: fmt::Arguments<'_>) {
        dev_err!(self.parent(), "{}: {}\n", self.name(), what);
    }

    /// Logs a warning, prefixed as in [`Self::err`].
    pub fn warn(&self, what: fmt::Arguments<'_>) {
        dev_warn!(self.parent(), "{}: {}\n", self.name(), what);
    }

    /// Logs something that people want to know, prefixed as in [`Self::err`].
    pub fn info(&self, what: fmt::Arguments<'_>) {
        dev_info!(self.parent(), "{}: {}\n", self.name(), what);
    }

    /// Features that the device offered when it was probed.
    pub fn offered(&self) -> FeatureSet {
        self.offered
    }

    /// Negotiated features.
    pub fn features(&self) -> FeatureSet {
        self.features
    }

    /// Whether `feature` was negotiated.
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(feature)
    }

    /// Configuration space.
    pub fn config(&self) -> Config<'_> {
        config::Config::new(self.transport.config())
    }

    /// Whether the device is there no more: its registers read as all ones.
    pub fn is_gone(&self) -> bool {
        self.transport.status().is_none()
    }

    /// Whether the device is of no use any more.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
    }

    /// How often the device was restarted, for whatever reason.
    pub fn restarts(&self) -> u32 {
        self.restarts.load(Relaxed)
    }

    /// Whether buffers have to be mapped for the device.
    pub fn needs_dma_api(&self) -> bool {
        matches!(self.space, Space::Platform(_))
    }

    /// The largest segment that a chain may have, in bytes.
    pub fn max_segment_size(&self) -> usize {
        // A descriptor's length is 32 bits wide (VIRTIO 1.4, 2.7.5).
        self.space.max_segment_size().min(u32::MAX as usize)
    }

    /// Whether the device can not be using memory any more.
    pub(crate) fn is_quiescent(&self) -> bool {
        !self.active.load(Acquire)
    }

    /// Whether the device is driven by its legacy interface: it follows no version of the
    /// specification.
    pub fn is_legacy(&self) -> bool {
        self.legacy().is_some()
    }

    /// How the legacy interface of the device looks for rings, if it is driven by that.
    pub(crate) fn legacy(&self) -> Option<Legacy> {
        self.transport.legacy()
    }

    /// How the bytes of numbers are ordered, where driver and device both look.
    pub fn byte_order(&self) -> ByteOrder {
        match self.is_legacy() {
            true => ByteOrder::NATIVE,
            false => ByteOrder::LITTLE,
        }
    }

    /// The address space of the device.
    pub(crate) fn space(&self) -> &Space {
        &self.space
    }
}
