// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The life of a device as types (VIRTIO 1.4, 3.1).
//!
//! ```text
//! Transport --reset, ACKNOWLEDGE, DRIVER--> Acknowledged   features and configuration may be read
//!           --negotiate, FEATURES_OK-----> Negotiated      queues may be asked for
//!           --queues---------------------> Setup           rings are placed, handlers attached
//!           --start, DRIVER_OK-----------> Live            the device works
//!           --drop-----------------------> reset, quiescent
//! ```
//!
//! Each state is consumed by the step to the next, so that what the specification forbids (queues
//! before FEATURES_OK, notifications before DRIVER_OK through a [`Live`]) does not compile. A state
//! that is dropped on an error path marks the device FAILED and resets it.
//!
//! [`Device`] is what outlives the states: queues hold it to know whether the device may still
//! write to their memory.

use core::ops::Deref;

use kernel::{
    device,
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
        Arc, //
    },
    time::Delta, //
};

use super::{
    config::{
        self,
        ConfigAccess, //
    },
    driver::Driver,
    feature::{
        self,
        Feature,
        FeatureSet, //
    },
    index::Index,
    irq::{
        self,
        ConfigHandler,
        ConfigInterrupt,
        QueueHandler,
        QueueInterrupt, //
    },
    queue::{
        self,
        Queue,
        QueueOptions, //
    },
    status::Status,
    transport::{
        Interrupts,
        Notifier,
        QueueVectors,
        Transport,
        Wired, //
    },
};
use crate::dma::Space;

/// Configuration space of a device behind any transport.
pub type Config<'a> = config::Config<'a, dyn ConfigAccess + 'a>;

/// How long a device may take to reset itself. Devices that first wait for their own back end have
/// been seen to need seconds; removal has to be done in ten.
const RESET_TIMEOUT: Delta = Delta::from_millis(5_000);

/// How often the status is looked at meanwhile.
const RESET_POLL: Delta = Delta::from_millis(1);

/// A device that a driver has accepted.
pub struct Device {
    index: Index,
    name: CString,
    features: FeatureSet,
    space: Space,
    /// No reset since the device got to know its queues.
    active: AtomicFlag,
    /// The device asked for a reset, or broke the rules beyond one queue.
    broken: AtomicFlag,
    transport: KBox<dyn Transport>,
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

    /// Notices DEVICE_NEEDS_RESET (VIRTIO 1.4, 2.1.2). True for the first to notice.
    pub(crate) fn check_needs_reset(&self) -> bool {
        let needs_reset = match self.transport.status() {
            None => true,
            Some(status) => status.contains(Status::DEVICE_NEEDS_RESET),
        };
        if !needs_reset || self.broken.xchg(true, Full) {
            return false;
        }
        dev_err!(
            self.parent(),
            "{}: device is gone or needs a reset; failing it\n",
            &*self.name
        );
        true
    }

    /// Tells the device which features were chosen, and hears whether it agrees.
    ///
    /// # Errors
    ///
    /// Why device and driver can not work together.
    fn accept_features(&self) -> Result<(), &'static str> {
        if !self.has(feature::transport::VERSION_1) {
            return Err("device does not offer VIRTIO_F_VERSION_1; legacy devices are not driven");
        }
        if !self.has(feature::transport::ACCESS_PLATFORM) && memory_is_encrypted() {
            return Err(
                "guest memory is encrypted, but the device does not offer VIRTIO_F_ACCESS_PLATFORM",
            );
        }

        self.transport.set_driver_features(self.features);
        self.add_status(Status::FEATURES_OK);
        match self.transport.status() {
            Some(status) if status.contains(Status::FEATURES_OK) => Ok(()),
            _ => Err("device refuses the features that it offered"),
        }
    }

    /// Adds a bit to the status.
    fn add_status(&self, bit: Status) {
        if let Some(status) = self.transport.status() {
            self.transport.set_status(status.with(bit));
        }
    }

    /// Keeps the device from memory for good, because this kernel ends.
    pub(crate) fn shutdown(&self) {
        self.broken.store(true, Relaxed);
        // Said in the log, and the device is off the bus either way.
        let _ = self.reset();
        self.transport.stop_dma();
    }

    /// Resets the device and waits for it to be done.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` when the device does not finish. It is then kept from the bus, and what it could
    /// still write to is never freed.
    fn reset(&self) -> Result {
        let ret = reset(&*self.transport);
        match ret {
            Ok(()) => self.active.store(false, Release),
            Err(_) => {
                self.transport.stop_dma();
                dev_err!(
                    self.parent(),
                    "{}: device does not reset; leaving its memory to it\n",
                    &*self.name
                );
            }
        }
        ret
    }
}

/// Resets the device behind `transport` (VIRTIO 1.4, 2.4).
///
/// A device that is gone counts as reset: nothing is there to write to memory.
///
/// # Errors
///
/// `ETIMEDOUT` when the status does not become 0 in time.
fn reset(transport: &dyn Transport) -> Result {
    transport.set_status(Status::RESET);

    read_poll_timeout(
        || Ok(transport.status()),
        |status| status.is_none_or(|status| status == Status::RESET),
        RESET_POLL,
        RESET_TIMEOUT,
    )
    .map(|_| ())
}

/// A device that knows that there is a driver for it.
pub(crate) struct Acknowledged(KBox<dyn Transport>);

impl Acknowledged {
    /// Resets the device and tells it that it was noticed (VIRTIO 1.4, 3.1.1, steps 1 to 3).
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` when the device does not reset, `ENODEV` when it is gone.
    pub(crate) fn new(transport: KBox<dyn Transport>) -> Result<Self> {
        reset(&*transport).inspect_err(|_| {
            dev_err!(transport.parent(), "device does not reset\n");
        })?;
        if transport.status().is_none() {
            return Err(ENODEV);
        }

        transport.set_status(Status::ACKNOWLEDGE);
        transport.set_status(Status::ACKNOWLEDGE.with(Status::DRIVER));
        Ok(Self(transport))
    }

    /// Negotiates features (VIRTIO 1.4, 3.1.1, steps 4 to 6).
    ///
    /// # Errors
    ///
    /// `ENODEV` when device and driver have no common ground, said in one log line; `ENOMEM`.
    pub(crate) fn negotiate<T: Driver>(self) -> Result<Negotiated> {
        let transport = self.0;
        let offered = transport.device_features();
        let wanted = T::validate(offered, &config::Config::new(transport.config()));
        let features = feature::negotiate(
            offered,
            wanted.intersection(T::FEATURES),
            transport.features(),
            T::ID,
        );

        // From here on the guard sees to it that a device that is given up knows.
        let index = Index::new()?;
        let name = CString::try_from_fmt(fmt!("virtio{}", index.get()))?;
        let space = if features.contains(feature::transport::ACCESS_PLATFORM) {
            Space::Platform(transport.parent().into())
        } else {
            Space::Physical
        };
        let guard = Guard {
            device: Arc::new(
                Device {
                    index,
                    name,
                    features,
                    space,
                    active: AtomicFlag::new(false),
                    broken: AtomicFlag::new(false),
                    transport,
                },
                GFP_KERNEL,
            )?,
            started: false,
        };

        guard.device.accept_features().map_err(|why| {
            dev_err!(guard.device.transport.parent(), "{}\n", why);
            ENODEV
        })?;
        Ok(Negotiated(guard))
    }
}

/// Whether only what the DMA API maps may be shown to a device.
fn memory_is_encrypted() -> bool {
    // SAFETY: The function may be called at any time.
    unsafe {
        kernel::bindings::cc_platform_has(kernel::bindings::cc_attr_CC_ATTR_GUEST_MEM_ENCRYPT)
    }
}

/// What resets the device when a state ends.
struct Guard {
    device: Arc<Device>,
    /// Whether the driver got as far as DRIVER_OK.
    started: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A driver that gives up says so (VIRTIO 1.4, 3.1.1); one that is done just resets.
        if !self.started {
            self.device.add_status(Status::FAILED);
        }
        // Nobody to report to: `reset` has logged it and keeps the memory from being freed.
        let _ = self.device.reset();
    }
}

/// A device that has accepted its features; it has no queues yet.
pub struct Negotiated(Guard);

impl Negotiated {
    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.0.device
    }

    /// Begins to set up the device's first `count` queues.
    ///
    /// With `affinity`, their vectors are spread over the processors and stay there, as blk-mq
    /// wants it.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the device has not that many, `ENOMEM`.
    pub fn queues(self, count: u16, affinity: bool) -> Result<Setup> {
        let device = &self.0.device;
        let available = device.transport.num_queues();
        if count > available {
            dev_err!(
                device.transport.parent(),
                "{}: {} queues needed, the device has {}\n",
                device.name(),
                count,
                available
            );
            return Err(ENODEV);
        }

        Ok(Setup {
            queues: KVec::with_capacity(count.into(), GFP_KERNEL)?,
            notifiers: KVec::with_capacity(count.into(), GFP_KERNEL)?,
            count,
            config_handler: Arc::new((), GFP_KERNEL)?,
            affinity,
            guard: self.0,
        })
    }
}

impl Deref for Negotiated {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.0.device
    }
}

/// A device whose queues are being set up, in the order of their indexes.
pub struct Setup {
    /// Name and handler of each queue that is set up.
    queues: KVec<(CString, KBox<dyn QueueInterrupt>)>,
    notifiers: KVec<Notifier>,
    count: u16,
    config_handler: Arc<dyn ConfigHandler>,
    affinity: bool,
    guard: Guard,
}

impl Setup {
    /// Sets up the next queue and attaches the handler that `make` builds around it.
    ///
    /// # Errors
    ///
    /// `ENOENT` when the device says the queue is not there, `EINVAL` when there is one more than
    /// [`Negotiated::queues`] was told, `ENOMEM`, what `make` returns.
    pub fn queue<T, H, F>(&mut self, options: QueueOptions<'_>, make: F) -> Result<Arc<H>>
    where
        T: Send,
        H: QueueHandler,
        F: FnOnce(Queue<T>) -> Result<Arc<H>>,
    {
        let device = &self.guard.device;
        let index = u16::try_from(self.queues.len())?;
        if index >= self.count {
            return Err(EINVAL);
        }

        let transport = &*device.transport;
        let offered = transport.queue_max_size(index);
        if offered == 0 || transport.queue_enabled(index) {
            dev_err!(
                transport.parent(),
                "{}: queue {} is not available\n",
                device.name(),
                index
            );
            return Err(ENOENT);
        }

        let name = CString::try_from_fmt(options.name)?;
        let (ring, size) = queue::Ring::allocate(device, offered, &options)?;

        // From here on the device knows where memory is.
        device.active.store(true, Release);
        let notifier = transport
            .setup_queue(index, size, ring.addresses())
            .inspect_err(|_| {
                dev_err!(
                    transport.parent(),
                    "{}: queue {} can not be set up\n",
                    device.name(),
                    index
                );
            })?;

        self.notifiers.push(notifier.clone(), GFP_KERNEL)?;
        let queue = Queue::new(device.clone(), index, ring, notifier)?;
        let handler = make(queue)?;
        self.queues
            .push((name, irq::erase(handler.clone())?), GFP_KERNEL)?;
        Ok(handler)
    }

    /// Sets what happens when the configuration changes.
    pub fn config_handler<H: ConfigHandler>(&mut self, handler: Arc<H>) {
        self.config_handler = handler;
    }

    /// Requests interrupts, enables the queues and tells the device to go (VIRTIO 1.4, 3.1.1,
    /// steps 7 and 8).
    ///
    /// # Errors
    ///
    /// `EINVAL` when queues are missing, `EBUSY` and others when no interrupt can be had.
    pub fn start(self) -> Result<Live> {
        let Self {
            queues,
            notifiers,
            count,
            config_handler,
            affinity,
            mut guard,
        } = self;
        let device = &guard.device;
        let transport = &*device.transport;

        if queues.len() != usize::from(count) {
            return Err(EINVAL);
        }

        let config = ConfigInterrupt::new(device.clone(), config_handler)?;
        let wired = transport
            .wire(&Interrupts {
                config: &config,
                queues: &queues,
                name: device.name(),
                affinity,
            })
            .inspect_err(|_| {
                dev_err!(transport.parent(), "{}: no interrupts\n", device.name());
            })?;

        for index in 0..count {
            transport.enable_queue(index);
        }
        device.add_status(Status::DRIVER_OK);
        guard.started = true;

        let live = Live {
            notifiers,
            guard,
            wired,
        };
        for notifier in &live.notifiers {
            notifier.open();
        }
        Ok(live)
    }
}

impl Deref for Setup {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.guard.device
    }
}

/// A device at work. Dropping it resets the device, then lets go of its interrupts.
pub struct Live {
    notifiers: KVec<Notifier>,
    // Dropped in this order: a handler that runs once more finds its queue as it was, while a
    // device that is not reset could interrupt into nothing.
    guard: Guard,
    wired: Wired,
}

impl Live {
    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.guard.device
    }

    /// How the queues interrupt.
    pub fn queue_vectors(&self) -> QueueVectors {
        self.wired.vectors
    }

    /// Resets the device now; buffers can be had back from its queues afterwards.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` when the device does not finish; its queues then keep their buffers.
    pub fn reset(&self) -> Result {
        self.silence();
        self.guard.device.reset()
    }

    /// Lets no notification through any more.
    fn silence(&self) {
        for notifier in &self.notifiers {
            notifier.close();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.silence();
    }
}

impl Deref for Live {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.guard.device
    }
}
