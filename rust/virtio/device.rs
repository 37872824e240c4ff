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
//!
//! [`Device`] is what outlives the states: queues hold it to know whether the device may still
//! write to their memory.

use core::ops::Deref;

use kernel::{
    device,
    io::poll::read_poll_timeout,
    new_mutex,
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
        Arc,
        Mutex,
        UniqueArc, //
    },
    time::Delta, //
};

use super::{
    config::{
        self,
        ConfigAccess,
        ConfigError, //
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
        dev_err!(
            self.parent(),
            "{}: device is gone or needs a reset; failing it\n",
            &*self.name
        );
        self.fail_queues();
        true
    }

    /// Breaks all queues and sends those away who wait for them.
    fn fail_queues(&self) {
        for queue in &*self.queues.lock() {
            queue.notifier.close();
            queue.handler.failed();
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
            dev_err!(
                self.parent(),
                "{}: device does not reset; {}\n",
                &*self.name,
                if off {
                    "keeping it off the bus"
                } else {
                    "leaving its memory to it"
                }
            );
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
    unsafe {
        kernel::bindings::cc_platform_has(kernel::bindings::cc_attr_CC_ATTR_GUEST_MEM_ENCRYPT)
    }
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
            dev_err!(device.parent(), "{}\n", why);
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
            dev_err!(guard.device.parent(), "device can not be driven\n");
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
                dev_err!(device.parent(), "{}: no interrupts\n", device.name());
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
                dev_err!(
                    device.parent(),
                    "{}: device does not start\n",
                    device.name()
                );
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
