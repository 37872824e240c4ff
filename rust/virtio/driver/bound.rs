// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device and its driver, and what happens to them, one thing at a time.

use kernel::{
    impl_has_work, new_mutex, new_work,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::{
        Instant,
        Monotonic, //
    },
    workqueue::{
        self,
        HasWork,
        Work,
        WorkItem, //
    },
};

use super::Driver;
use crate::virtio::{
    budget::Budget,
    debugfs,
    device::{
        life::Pause,
        Device, //
    },
    feature::transport, //
};

/// How long what is logged stays true: see [`Budget`].
const TOO_OFTEN: &str = "device asks for restarts too often";

/// A driver of one device, its type forgotten.
pub(crate) trait AnyDriver: Send + Sync {
    /// [`Driver::quiesce`].
    fn quiesce(&self, why: Pause);

    /// [`Driver::resume`].
    fn resume(&self);
}

impl<T: Driver> AnyDriver for T {
    fn quiesce(&self, why: Pause) {
        Driver::quiesce(self, why);
    }

    fn resume(&self) {
        Driver::resume(self);
    }
}

/// What the bus keeps for a device.
#[pin_data]
pub struct Bound {
    device: Arc<Device>,
    /// The lock of the device's life: held by whoever stops, restarts or removes it.
    #[pin]
    driven: Mutex<Driven>,
    /// Restarts the device.
    #[pin]
    work: Work<Self>,
    made: Instant<Monotonic>,
}

/// What the lock protects.
struct Driven {
    /// The driver, taken out on removal.
    driver: Option<KBox<dyn AnyDriver>>,
    /// Restarts that are left.
    budget: Budget,
    /// What debugfs shows, as far as it can.
    debugfs: Option<debugfs::Entry>,
}

impl_has_work! {
    impl HasWork<Self> for Bound { self.work }
}

impl WorkItem for Bound {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        this.recover();
    }
}

impl Bound {
    /// Puts device and driver together, and lets the driver hear of changes.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new<T: Driver>(device: Arc<Device>, driver: T) -> Result<Arc<Self>> {
        let driver = KBox::new(driver, GFP_KERNEL)? as KBox<dyn AnyDriver>;
        let debugfs = debugfs::Entry::new(device.clone(), T::ID).ok();
        Self::join(device, driver, debugfs)
    }

    /// The part of [`Self::new`] that makes locks: see `Device::new` on why it has no type
    /// parameter.
    fn join(
        device: Arc<Device>,
        driver: KBox<dyn AnyDriver>,
        debugfs: Option<debugfs::Entry>,
    ) -> Result<Arc<Self>> {
        let this = Arc::pin_init(
            pin_init!(Self {
                device,
                driven <- new_mutex!(Driven {
                    driver: Some(driver),
                    budget: Budget::new(),
                    debugfs,
                }),
                work <- new_work!("virtio_rust::restart"),
                made: Instant::now(),
            }),
            GFP_KERNEL,
        )?;
        this.device.attach(&this);
        Ok(this)
    }

    /// Has the device restarted. Any context.
    pub(crate) fn schedule(self: Arc<Self>) {
        // If it is scheduled already, once is enough.
        let _ = workqueue::system_long().enqueue(self);
    }

    /// Restarts the device if that was asked for, and not too often.
    fn recover(&self) {
        let mut driven = self.driven.lock();
        let Driven { driver, budget, .. } = &mut *driven;
        let Some(driver) = driver else {
            return;
        };
        // A device that is stopped is restarted anyhow.
        if !self.device.is_working() || !self.device.take_restart() {
            return;
        }

        self.device.warn(fmt!("restarting the device"));
        if self
            .device
            .stop(Pause::Failure, || driver.quiesce(Pause::Failure))
            .is_err()
        {
            return;
        }
        // CAST: The clock does not go backwards.
        let now = self.made.elapsed().as_millis() as u64;
        if !budget.take(now) {
            self.device.fail(TOO_OFTEN);
            return;
        }
        // Said in the log, and the device has failed.
        let _ = self.device.restart(|| driver.resume());
    }

    /// Stops the device for a while. One that does not work is left alone.
    pub(crate) fn stop(&self, why: Pause) {
        let driven = self.driven.lock();
        if let Some(driver) = &driven.driver {
            // Said in the log, and the device has failed.
            let _ = self.device.stop(why, || driver.quiesce(why));
        }
    }

    /// Starts the device again, if it was stopped. That it fails is said in the log.
    pub(crate) fn restart(&self) {
        let driven = self.driven.lock();
        if let Some(driver) = &driven.driver {
            if self.device.is_paused() {
                // The device has failed.
                let _ = self.device.restart(|| driver.resume());
            }
        }
    }

    /// Whether the device can have virtual functions now.
    pub(crate) fn can_have_functions(&self) -> bool {
        let _driven = self.driven.lock();
        self.device.is_working() && self.device.has(transport::SR_IOV)
    }

    /// Gives the device up: it does not come back.
    pub(crate) fn fail(&self, why: &str) {
        let _driven = self.driven.lock();
        self.device.fail(why);
    }

    /// Parts driver and device.
    pub(crate) fn remove(self: &Arc<Self>) {
        self.device.detach();
        // SAFETY: The work item belongs to `self`, which is there.
        let work = unsafe { Work::raw_get(Self::raw_get_work(Arc::as_ptr(self).cast_mut())) };
        // SAFETY: The work item was initialised. Returns when it does not run, nor will.
        if unsafe { kernel::bindings::disable_work_sync(work) } {
            // SAFETY: It was waiting to run, and will not: the reference that it had is ours.
            drop(unsafe { Arc::from_raw(Arc::as_ptr(self)) });
        }

        let mut driven = self.driven.lock();
        let driver = driven.driver.take();
        let debugfs = driven.debugfs.take();
        drop(driven);
        // Waits for those who read.
        drop(debugfs);
        if self.device.is_paused() {
            // Whoever waits for it to come back waits in vain.
            self.device.fail("device is removed while it is stopped");
        } else if !self.device.is_broken() {
            self.device.check();
        }
        drop(driver);
    }

    /// Keeps the device from memory for good.
    pub(crate) fn shutdown(&self) {
        let _driven = self.driven.lock();
        self.device.shutdown();
    }
}
