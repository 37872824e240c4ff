// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The life of a device as types (VIRTIO 1.4, 3.1).
//!
//! ```text
//! Transport --reset, ACKNOWLEDGE, DRIVER--> Acknowledged   features and configuration may be read
//!           --accept, FEATURES_OK---------> Negotiated     queues may be asked for
//!           --queues----------------------> Setup          rings are placed, handlers attached
//!           --start, DRIVER_OK------------> Live           the device works
//!           --drop------------------------> reset, quiescent
//! ```
//!
//! Each state is consumed by the step to the next, so that what the specification forbids (queues
//! before FEATURES_OK, a configuration that is written while features are negotiated) does not
//! compile. A state that is dropped on an error path marks the device FAILED and resets it.

use core::ops::Deref;

use kernel::{
    new_mutex,
    prelude::*,
    str::CString,
    sync::{
        atomic::{
            AtomicFlag,
            Release, //
        },
        Arc,
        UniqueArc, //
    }, //
};

use super::{
    reset,
    Device,
    QueueHooks, //
};
use crate::{
    dma::Space,
    virtio::{
        config::{
            self,
            ConfigError, //
        },
        driver::Driver,
        feature::{
            self,
            FeatureSet, //
        },
        index::Index,
        irq::{
            self,
            ConfigHandler,
            ConfigInterrupt,
            QueueHandler, //
        },
        queue::{
            self,
            Queue,
            QueueOptions, //
        },
        status::Status,
        transport::{
            Interrupts,
            QueueVectors,
            Transport,
            Wired, //
        },
    }, //
};

/// A device that knows that there is a driver for it: what it offers can be read, nothing written.
pub struct Acknowledged<'a> {
    transport: &'a dyn Transport,
    offered: FeatureSet,
}

impl Acknowledged<'_> {
    /// Features that the device offers.
    pub fn offered(&self) -> FeatureSet {
        self.offered
    }

    /// Reads a field of the configuration; see [`config::Config::read`].
    ///
    /// # Errors
    ///
    /// Those of [`config::Config::read`].
    pub fn read<T: config::Field>(&self, offset: usize) -> Result<T, ConfigError> {
        config::Config::new(self.transport.config()).read(offset)
    }
}

/// Whether only what the DMA API maps may be shown to a device.
fn memory_is_encrypted() -> bool {
    // SAFETY: The function may be called at any time.
    unsafe { crate::bindings::cc_platform_has(kernel::bindings::cc_attr_CC_ATTR_GUEST_MEM_ENCRYPT) }
}

/// What brings the device through its states, and resets it when they end.
struct Guard {
    device: Arc<Device>,
    /// What the device was told last. Never made of what it says.
    status: Status,
}

impl Guard {
    /// Sets one more bit of the status.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the device is gone, `EIO` when its status is not what it was told, which a
    /// device that was reset or wants to be has.
    fn advance(&mut self, bit: Status) -> Result {
        self.check()?;
        self.status = self.status.with(bit);
        self.device.transport.set_status(self.status);
        Ok(())
    }

    /// Whether the device agrees about its status.
    ///
    /// # Errors
    ///
    /// Those of [`Self::advance`].
    fn check(&self) -> Result {
        let status = self.device.transport.status().ok_or(ENODEV)?;
        if !status.contains(self.status) || status.contains(Status::DEVICE_NEEDS_RESET) {
            return Err(EIO);
        }
        Ok(())
    }
}

impl Guard {
    /// Tells the device which features were chosen, and hears whether it agrees.
    ///
    /// # Errors
    ///
    /// `ENODEV` when device and driver can not work together; those of [`Self::advance`].
    fn accept_features(&mut self) -> Result {
        let device = self.device.clone();
        let refuse = |why: &str| {
            device.err(fmt!("{why}"));
            Err(ENODEV)
        };

        if !device.has(feature::transport::VERSION_1) {
            return refuse("no VIRTIO_F_VERSION_1: legacy devices are not driven");
        }
        if !device.has(feature::transport::ACCESS_PLATFORM) && memory_is_encrypted() {
            return refuse("no VIRTIO_F_ACCESS_PLATFORM, but guest memory is encrypted");
        }

        device.transport.set_driver_features(device.features);
        self.advance(Status::FEATURES_OK)?;
        match self.check() {
            Err(err) if err == EIO => refuse("device refuses the features that it offered"),
            result => result,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A driver that gives up says so (VIRTIO 1.4, 3.1.1); one that is done just resets.
        if !self.status.contains(Status::DRIVER_OK) {
            self.device
                .transport
                .set_status(self.status.with(Status::FAILED));
        }
        // Nobody to report to: `reset` has logged it and keeps the memory from being freed.
        let _ = self.device.reset();

        let queues = core::mem::take(&mut *self.device.queues.lock());
        drop(queues);
    }
}

/// A device that has accepted its features; it has no queues yet.
pub struct Negotiated(Guard);

impl Negotiated {
    /// Resets a device and agrees on features with it (VIRTIO 1.4, 3.1.1, steps 1 to 6).
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` when the device does not reset, `ENODEV` when it is gone or has no common ground
    /// with the driver, `EIO` when it misbehaves, each said in one log line; `ENOMEM`.
    pub(crate) fn new<T: Driver>(transport: KBox<dyn Transport>) -> Result<Self> {
        reset(&*transport).inspect_err(|_| {
            dev_err!(transport.parent(), "device does not reset\n");
        })?;
        transport.start_dma();

        // All that can fail for want of memory comes before the device hears of a driver.
        let index = Index::new()?;
        let name = CString::try_from_fmt(fmt!("virtio{}", index.get()))?;
        let mut device = UniqueArc::pin_init(
            pin_init!(Device {
                index,
                name,
                features: FeatureSet::empty(),
                space: Space::Physical,
                active: AtomicFlag::new(false),
                broken: AtomicFlag::new(false),
                transport,
                queues <- new_mutex!(KVec::new()),
            }),
            GFP_KERNEL,
        )?;

        device.transport.set_status(Status::ACKNOWLEDGE);
        let status = Status::ACKNOWLEDGE.with(Status::DRIVER);
        device.transport.set_status(status);

        let transport = &*device.transport;
        let acknowledged = Acknowledged {
            transport,
            offered: transport.device_features(),
        };
        let wanted = T::validate(&acknowledged);
        let features = feature::negotiate(
            acknowledged.offered,
            wanted.intersection(T::FEATURES),
            transport.features(),
            T::ID,
        );
        let space = if features.contains(feature::transport::ACCESS_PLATFORM) {
            Space::Platform(transport.parent().into())
        } else {
            Space::Physical
        };
        let this = device.as_mut().project();
        *this.features = features;
        *this.space = space;

        let mut guard = Guard {
            device: device.into(),
            status,
        };
        guard.accept_features().inspect_err(|_| {
            guard.device.err(fmt!("device can not be driven"));
        })?;
        Ok(Self(guard))
    }

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
            device.err(fmt!("{count} queues needed, the device has {available}"));
            return Err(ENODEV);
        }

        Ok(Setup {
            guard: self.0,
            set_up: 0,
            count,
            config_handler: Arc::new((), GFP_KERNEL)?,
            affinity,
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
    // First, so that the device is reset before anything of its queues goes.
    guard: Guard,
    /// How many queues are set up, of `count`.
    set_up: u16,
    count: u16,
    config_handler: Arc<dyn ConfigHandler>,
    affinity: bool,
}

impl Setup {
    /// Sets up the next queue and attaches the handler that `make` builds around it.
    ///
    /// Tokens are `'static`, as the device may keep their memory for longer than anybody here is
    /// around to take them back.
    ///
    /// # Errors
    ///
    /// `ENOENT` when the device says the queue is not there, `EINVAL` when there is one more than
    /// [`Negotiated::queues`] was told, `ENOMEM`, what `make` returns.
    pub fn queue<T, H, F>(&mut self, options: QueueOptions<'_>, make: F) -> Result<Arc<H>>
    where
        T: Send + 'static,
        H: QueueHandler,
        F: FnOnce(Queue<T>) -> Result<Arc<H>>,
    {
        let device = &self.guard.device;
        let index = self.set_up;
        if index >= self.count {
            return Err(EINVAL);
        }

        let transport = &*device.transport;
        let offered = transport.queue_max_size(index);
        if offered == 0 || transport.queue_enabled(index) {
            device.err(fmt!("queue {index} is not available"));
            return Err(ENOENT);
        }

        let name = CString::try_from_fmt(options.name)?;
        let (ring, size) = queue::Ring::allocate(device, offered, &options)?;

        let notifier = transport
            .setup_queue(index, size, ring.addresses())
            .inspect_err(|_| {
                device.err(fmt!("queue {index} can not be set up"));
            })?;

        let queue = Queue::new(device.clone(), index, ring, notifier.clone())?;
        let handler = make(queue)?;
        let hooks = QueueHooks {
            name,
            notifier,
            handler: irq::erase(handler.clone())?,
        };
        device.queues.lock().push(hooks, GFP_KERNEL)?;
        self.set_up = index + 1;
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
            mut guard,
            set_up,
            count,
            config_handler,
            affinity,
        } = self;
        let device = guard.device.clone();
        let transport = &*device.transport;

        if set_up != count {
            return Err(EINVAL);
        }

        let config = ConfigInterrupt::new(device.clone(), config_handler)?;
        let mut queues = KVec::with_capacity(count.into(), GFP_KERNEL)?;
        for queue in &*device.queues.lock() {
            let name = CString::try_from_fmt(fmt!("{}-{}", device.name(), &*queue.name))?;
            queues.push((name, queue.handler.share()?), GFP_KERNEL)?;
        }
        let wired = transport
            .wire(&Interrupts {
                config: &config,
                queues: &queues,
                name: device.name(),
                affinity,
            })
            .inspect_err(|_| {
                device.err(fmt!("no interrupts"));
            })?;

        // From here on the device may use the queues.
        device.active.store(true, Release);
        for index in 0..count {
            transport.enable_queue(index);
        }
        guard
            .advance(Status::DRIVER_OK)
            .and_then(|()| guard.check())
            .inspect_err(|_| {
                device.err(fmt!("device does not start"));
            })?;

        for queue in &*device.queues.lock() {
            queue.notifier.open();
        }
        Ok(Live { guard, wired })
    }
}

impl Deref for Setup {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.guard.device
    }
}

/// A device at work. Dropping it resets the device, then lets go of its interrupts.
///
/// The driver is to have stopped adding requests by then: a notification that another processor is
/// just about to send would reach a device that is reset.
pub struct Live {
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
        self.guard.device.reset()
    }
}

impl Deref for Live {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.guard.device
    }
}
