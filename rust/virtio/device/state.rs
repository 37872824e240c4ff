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
    prelude::*,
    str::CString,
    sync::{
        atomic::Release,
        Arc, //
    }, //
};

use super::{
    hooks::{
        Hooks,
        QueueHooks, //
    },
    life::Phase,
    Device,
};
use crate::{
    bindings,
    dma::Space,
    virtio::{
        bringup::{
            self,
            Failure,
            Progress, //
        },
        config::{
            self,
            ConfigError, //
        },
        driver::Driver,
        feature::{
            self,
            FeatureSet, //
        },
        irq::{
            self,
            ConfigHandler,
            ConfigInterrupt,
            QueueHandler, //
        },
        queue::{
            Queue,
            QueueOptions, //
        },
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
    unsafe { bindings::cc_platform_has(bindings::CC_ATTR_GUEST_MEM_ENCRYPT) }
}

/// Resets the device when its states end.
struct Guard {
    device: Arc<Device>,
    progress: Progress,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A driver that gives up says so (VIRTIO 1.4, 3.1.1); one that is done just resets.
        self.progress.give_up(&*self.device.transport);
        // Nobody to report to: `end` has logged it and keeps the memory from being freed.
        let _ = self.device.end();

        let hooks = self.device.hooks.lock().take();
        drop(hooks);
    }
}

/// A device that has accepted its features; it has no queues yet.
pub struct Negotiated(Guard);

impl Negotiated {
    /// Resets a device and agrees on features with it (VIRTIO 1.4, 3.1.1, steps 1 to 6), by its legacy
    /// interface if it is not a modern one.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` when the device does not reset, `ENODEV` when it is gone or has no common ground
    /// with the driver, `EIO` when it misbehaves, each said in one log line; `ENOMEM`.
    pub(crate) fn new<T: Driver>(transport: KBox<dyn Transport>) -> Result<Self> {
        let quiet = bringup::reset(&*transport).inspect_err(|failure| {
            dev_err!(transport.parent(), "{}\n", failure.as_str());
            transport.stop_dma();
        })?;
        transport.start_dma();

        // All that can fail for want of memory comes before the device hears of a driver.
        let mut device = Device::new(transport)?;

        let transport = &*device.transport;
        let mut all = FeatureSet::empty();
        let result = bringup::negotiate(quiet, transport, |offered| {
            all = offered;
            let acknowledged = Acknowledged { transport, offered };
            let wanted = T::validate(&acknowledged).map_err(Failure::Refused)?;
            let features = feature::negotiate(
                offered,
                wanted.intersection(T::FEATURES),
                transport.features(),
                T::ID,
            );
            if !features.contains(feature::transport::ACCESS_PLATFORM) && memory_is_encrypted() {
                return Err(Failure::Refused(
                    "no VIRTIO_F_ACCESS_PLATFORM, but guest memory is encrypted",
                ));
            }
            Ok(features)
        });
        let (progress, features) = match result {
            Ok(agreed) => agreed,
            Err(abandoned) => {
                // It has used nothing, so that it makes no difference whether it finished.
                if abandoned.quiet.is_err() {
                    transport.stop_dma();
                } else if abandoned.why == Failure::NotModern {
                    if let Some(legacy) = transport.legacy_interface() {
                        // Its number is for the device that comes now.
                        drop(device);
                        return Self::new::<T>(legacy?);
                    }
                }
                device.err(fmt!("{}", abandoned.why.as_str()));
                device.err(fmt!("device can not be driven"));
                return Err(abandoned.why.into());
            }
        };

        let space = if features.contains(feature::transport::ACCESS_PLATFORM) {
            Space::Platform(transport.parent().into())
        } else {
            Space::Physical
        };
        let this = device.as_mut().project();
        *this.offered = all;
        *this.features = features;
        *this.space = space;
        Ok(Self(Guard {
            device: device.into(),
            progress,
        }))
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
        let available = device.transport.has_queues(count);
        if count > available {
            device.err(fmt!("{count} queues needed, the device has {available}"));
            return Err(ENODEV);
        }

        Ok(Setup {
            guard: self.0,
            queues: KVec::with_capacity(count.into(), GFP_KERNEL)?,
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
    /// Those that are set up, of `count`.
    queues: KVec<QueueHooks>,
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
    /// [`Negotiated::queues`] was told or one with interrupts after one that is polled, `ENOMEM`, what
    /// `make` returns.
    pub fn queue<T, H, F>(&mut self, options: QueueOptions<'_>, make: F) -> Result<Arc<H>>
    where
        T: Send + 'static,
        H: QueueHandler,
        F: FnOnce(Queue<T>) -> Result<Arc<H>>,
    {
        let device = &self.guard.device;
        let index = u16::try_from(self.queues.len())?;
        let polled = options.polled;
        let after_polled = self.queues.last().is_some_and(|queue| queue.polled);
        if index >= self.count || (after_polled && !polled) {
            return Err(EINVAL);
        }

        let transport = &*device.transport;
        let complain = |why: &str| device.err(fmt!("queue {index} can not be set up: {why}"));
        let offered = bringup::look_at_queue(transport, index)
            .inspect_err(|failure| complain(failure.as_str()))?;

        let name = CString::try_from_fmt(options.name)?;
        let notifier = transport
            .notifier(index, device.features)
            .inspect_err(|_| complain("its doorbell is out of reach"))?;

        // The ring is clear before the device hears where it is (VIRTIO 1.4, 4.1.5.1.3).
        let queue = Queue::new(device.clone(), index, offered, &options, notifier.clone())
            .inspect_err(|_| complain("no ring of its size, or no memory for that"))?;
        bringup::place_queue(transport, index, queue.size(), queue.addresses()?)
            .inspect_err(|failure| complain(failure.as_str()))?;
        let stats = queue.stats().clone();
        let handler = make(queue)?;
        let hooks = QueueHooks {
            name,
            notifier,
            handler: irq::erase(handler.clone(), stats)?,
            polled,
        };
        self.queues.push(hooks, GFP_KERNEL)?;
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
            guard,
            queues,
            count,
            config_handler,
            affinity,
        } = self;
        if queues.len() != usize::from(count) {
            return Err(EINVAL);
        }

        let device = guard.device.clone();
        let transport = &*device.transport;
        let config = ConfigInterrupt::new(device.clone(), config_handler)?;
        let mut handlers = KVec::with_capacity(count.into(), GFP_KERNEL)?;
        for queue in queues.iter().filter(|queue| !queue.polled) {
            let name = CString::try_from_fmt(fmt!("{}-{}", device.name(), &*queue.name))?;
            handlers.push((name, queue.handler.share()?), GFP_KERNEL)?;
        }
        // No more than there are queues.
        let polled = count.wrapping_sub(u16::try_from(handlers.len())?);
        // From here on an error resets the device before it takes the interrupts away.
        let wired = transport
            .wire(&Interrupts {
                config: &config,
                queues: &handlers,
                polled,
                name: device.name(),
                affinity,
            })
            .inspect_err(|_| {
                device.err(fmt!("no interrupts"));
            })?;
        let mut live = Live { guard, wired };

        let hooks = Hooks {
            queues,
            config,
            plan: live.wired.plan,
            polled,
        };
        let hooks = Arc::new(hooks, GFP_KERNEL)?;
        *device.hooks.lock() = Some(hooks.clone());

        device.active.store(true, Release);
        live.guard
            .progress
            .start(transport, count)
            .inspect_err(|failure| {
                device.err(fmt!("device does not start: {}", failure.as_str()));
            })?;

        *device.phase.lock() = Phase::Working;
        for queue in &hooks.queues {
            queue.notifier.open();
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
        self.wired.plan.into()
    }

    /// Resets the device now, for good; buffers can be had back from its queues afterwards.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT` when the device does not finish; its queues then keep their buffers.
    pub fn reset(&self) -> Result {
        self.guard.device.end()
    }
}

impl Deref for Live {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.guard.device
    }
}
