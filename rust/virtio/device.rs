// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device, as long as anybody refers to it.
//!
//! Its life, from the first reset to the last, is in [`state`]. A [`Device`] outlives that: queues
//! hold it to know whether the device may still write to their memory.

pub mod life;
mod state;

use kernel::{
    device,
    fmt,
    io::poll::read_poll_timeout,
    prelude::*,
    str::CString,
    sync::{
        atomic::{
            Acquire,
            AtomicFlag,
            Full,
            Relaxed,
            Release, //
        },
        Mutex, //
    },
    time::Delta, //
};

pub use self::state::{
    Acknowledged,
    Live,
    Negotiated,
    Setup, //
};
use super::{
    config::{
        self,
        ConfigAccess,
        ConfigError, //
    },
    feature::{
        Feature,
        FeatureSet, //
    },
    index::Index,
    irq::QueueInterrupt,
    status::Status,
    transport::{
        Notifier,
        Transport, //
    },
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

/// How long a device may take to reset itself. Devices that first wait for their own back end have
/// been seen to need seconds; removal has to be done in ten.
const RESET_TIMEOUT: Delta = Delta::from_millis(5_000);

/// How often the status is looked at meanwhile.
const RESET_POLL: Delta = Delta::from_millis(1);

/// A device that a driver has accepted.
#[pin_data]
pub struct Device {
    index: Index,
    name: CString,
    features: FeatureSet,
    space: Space,
    /// No reset since the device was first allowed to use its queues.
    active: AtomicFlag,
    /// The device asked for a reset, is gone, or this kernel ends.
    broken: AtomicFlag,
    transport: KBox<dyn Transport>,
    /// What is to be told when the device stops working. Emptied with the last state, since the
    /// handlers own queues that own the device.
    #[pin]
    queues: Mutex<KVec<QueueHooks>>,
}

/// What the device has to know of a queue that it gave out.
struct QueueHooks {
    /// Name of the queue.
    name: CString,
    notifier: Notifier,
    handler: KBox<dyn QueueInterrupt>,
}

impl Device {
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

    /// Whether the device is of no use until it is reset.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Relaxed)
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

    /// The address space of the device.
    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// Notices that the device is gone or asks for a reset (VIRTIO 1.4, 2.1.2), and breaks its
    /// queues. True for the first to notice. Process context.
    pub(crate) fn check_needs_reset(&self) -> bool {
        let needs_reset = match self.transport.status() {
            None => true,
            Some(status) => status.contains(Status::DEVICE_NEEDS_RESET),
        };
        if !needs_reset || self.broken.xchg(true, Full) {
            return false;
        }
        self.err(fmt!("device is gone or needs a reset; failing it"));
        self.fail_queues();
        true
    }

    /// Breaks all queues and sends those away who wait for them.
    fn fail_queues(&self) {
        for queue in &*self.queues.lock() {
            let handler = queue.handler.handler();
            queue.notifier.close();
            handler.with_queue(&mut |queue| queue.fail());
            handler.failed();
        }
    }

    /// Keeps the device from memory for good, because this kernel ends.
    pub(crate) fn shutdown(&self) {
        self.broken.store(true, Relaxed);
        self.fail_queues();
        // Said in the log, and the device is off the bus either way.
        let _ = self.reset();
        self.transport.stop_dma();
    }

    /// Resets the device and waits for it to be done. One that does not finish is kept off the bus
    /// instead, which is as good as far as memory is concerned: requests that wait for it can end.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` when the device does not finish and is not seen to be off the bus. What it could
    /// still write to is never freed then.
    fn reset(&self) -> Result {
        for queue in &*self.queues.lock() {
            queue.notifier.close();
        }
        if let Err(err) = reset(&*self.transport) {
            let off = self.transport.stop_dma();
            let then = match off {
                true => "keeping it off the bus",
                false => "leaving its memory to it",
            };
            self.err(fmt!("device does not reset; {then}"));
            if !off {
                return Err(err);
            }
        }
        self.active.store(false, Release);
        Ok(())
    }
}

/// Resets the device behind `transport` (VIRTIO 1.4, 2.4).
///
/// A device that is gone counts as reset. As one that only looks gone could still write to memory,
/// it is also kept off the bus, like one that does not finish.
///
/// # Errors
///
/// `ETIMEDOUT` when the status does not become 0 in time.
fn reset(transport: &dyn Transport) -> Result {
    transport.set_status(Status::RESET);

    let status = read_poll_timeout(
        || Ok(transport.status()),
        |status| status.is_none_or(|status| status == Status::RESET),
        RESET_POLL,
        RESET_TIMEOUT,
    );
    if status != Ok(Some(Status::RESET)) {
        transport.stop_dma();
    }
    status.map(|_| ())
}
