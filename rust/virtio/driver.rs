// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Drivers and their registration.
//!
//! A driver says what kind of device it is for and what it can do, and is handed devices that have
//! accepted that. It does not know which bus they are on: [`module_virtio_driver!`] registers it
//! with each one.
//!
//! [`module_virtio_driver!`]: crate::module_virtio_driver

use kernel::{
    bindings,
    device::{
        self,
        CoreInternal, //
    },
    driver,
    error::{
        from_result,
        to_result, //
    },
    new_mutex,
    pci,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    types::Opaque, //
};

use super::{
    device::{
        life::Pause,
        Acknowledged,
        Device,
        Negotiated, //
    },
    feature::FeatureSet,
    id::DeviceId,
    transport::{
        pci::Pci,
        Transport, //
    },
};

/// A driver for one kind of device.
///
/// The value is one device's: it is made by [`probe`](Self::probe), and dropping it is the removal.
/// By then it has to have dropped its [`Live`](super::device::Live) first and its queues after that.
///
/// [`quiesce`](Self::quiesce) and [`resume`](Self::resume) are for drivers that have more to stop
/// than their queues, which have hooks of their own: see [`super::device::life`].
pub trait Driver: Sized + Send + Sync + 'static {
    /// The kind of device.
    const ID: DeviceId;

    /// Features of this kind of device that the driver implements.
    ///
    /// Features of queues and transports are the library's and need not be named.
    const FEATURES: FeatureSet;

    /// Which of the offered features to accept, when that depends on more than
    /// [`FEATURES`](Self::FEATURES): on the configuration, for one. What is returned is cut down to
    /// those and to what their dependencies allow.
    fn validate(device: &Acknowledged<'_>) -> FeatureSet {
        device.offered()
    }

    /// Takes a device into use. Process context; may sleep.
    ///
    /// # Errors
    ///
    /// Any: the device is then marked FAILED and reset.
    fn probe(device: Negotiated) -> Result<Self>;

    /// Called in process context before the device is reset for a while. When this returns, no
    /// thread may be adding requests or notifying the device, nor begin to before
    /// [`resume`](Self::resume). It must not wait for answers of the device without a bound, and
    /// not at all unless `why` is [`Pause::Sleep`].
    ///
    /// Followed by [`resume`](Self::resume), by [`ConfigHandler::failed`] when the device does not
    /// come back, or by the removal.
    ///
    /// [`ConfigHandler::failed`]: super::irq::ConfigHandler::failed
    fn quiesce(&self, _why: Pause) {}

    /// Called in process context when the device works again, after
    /// [`QueueHandler::resume`](super::irq::QueueHandler::resume) of all queues.
    fn resume(&self) {}
}

/// PCI ids of a driver, which [`module_virtio_driver!`](crate::module_virtio_driver) lays down.
#[doc(hidden)]
pub trait PciIds {
    /// Name of the driver.
    const NAME: &'static CStr;

    /// Ends with an empty entry.
    const TABLE: pci::IdTable<()>;
}

/// Vendor of all virtio devices (VIRTIO 1.4, 4.1.2).
const VENDOR: pci::Vendor = pci::Vendor::REDHAT_QUMRANET;

/// The id of a modern device of this kind.
pub const fn modern_pci_id(id: DeviceId) -> pci::DeviceId {
    match id.pci_device() {
        Some(device) => pci::DeviceId::from_id(VENDOR, device as u32),
        // A type beyond the range of PCI ids: the id of type 0, which no device has.
        None => pci::DeviceId::from_id(VENDOR, DeviceId::PCI_BASE as u32),
    }
}

/// The id of a transitional device of this kind; where there is none, that of a modern one.
pub const fn transitional_pci_id(id: DeviceId) -> pci::DeviceId {
    match id.pci_transitional() {
        Some(device) => pci::DeviceId::from_id(VENDOR, device as u32),
        None => modern_pci_id(id),
    }
}

/// What the bus keeps for a device: its driver, taken out on removal.
#[pin_data]
pub struct Bound<T> {
    #[pin]
    driver: Mutex<Option<KBox<Driven<T>>>>,
}

/// A device and its driver, which goes first.
struct Driven<T> {
    _driver: T,
    device: Arc<Device>,
}

/// Registers a driver with the PCI bus.
pub struct PciAdapter<T>(T);

// SAFETY: `pci_driver` is a C structure with a `device_driver` at the given offset, and the data of
// a device is what `probe_callback` stores.
unsafe impl<T: Driver + PciIds> driver::DriverLayout for PciAdapter<T> {
    type DriverType = bindings::pci_driver;
    type DriverData<'bound> = Bound<T>;
    const DEVICE_DRIVER_OFFSET: usize = core::mem::offset_of!(Self::DriverType, driver);
}

// SAFETY: What `register` registers, `unregister` unregisters.
unsafe impl<T: Driver + PciIds> driver::RegistrationOps for PciAdapter<T> {
    unsafe fn register(
        reg: &Opaque<Self::DriverType>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        // SAFETY: The structure is being initialised, nobody else has it.
        unsafe {
            (*reg.get()).name = name.as_char_ptr();
            (*reg.get()).id_table = T::TABLE.as_ptr();
            (*reg.get()).probe = Some(Self::probe_callback);
            (*reg.get()).remove = Some(Self::remove_callback);
            (*reg.get()).shutdown = Some(Self::shutdown_callback);
        }

        // SAFETY: `reg` is initialised and stays until `unregister`.
        to_result(unsafe {
            bindings::__pci_register_driver(reg.get(), module.as_ptr(), name.as_char_ptr())
        })
    }

    unsafe fn unregister(reg: &Opaque<Self::DriverType>) {
        // SAFETY: `reg` is registered, as the caller promises.
        unsafe { bindings::pci_unregister_driver(reg.get()) }
    }
}

impl<T: Driver + PciIds> PciAdapter<T> {
    /// The device of a callback.
    ///
    /// # Safety
    ///
    /// `pdev` must come from the PCI core, in a callback for which it holds the device's lock.
    unsafe fn device<'a>(pdev: *mut bindings::pci_dev) -> &'a pci::Device<CoreInternal<'a>> {
        // SAFETY: The core keeps the device for the duration of the callback.
        unsafe { &*pdev.cast::<pci::Device<CoreInternal<'a>>>() }
    }

    /// The data of a device that was probed.
    ///
    /// # Safety
    ///
    /// `probe_callback` must have succeeded for the device.
    unsafe fn bound<'a>(pdev: &'a pci::Device<CoreInternal<'_>>) -> Pin<&'a Bound<T>> {
        let dev: &device::Device<CoreInternal<'_>> = pdev.as_ref();
        // SAFETY: By the requirement of this function, and with the type stored there.
        unsafe { dev.drvdata_borrow::<Bound<T>>() }
    }

    /// Checks that the device is of the driver's kind: `driver_override` and `new_id` offer any.
    ///
    /// # Errors
    ///
    /// `ENODEV` when it is not, said in one log line.
    fn check_id(pdev: &pci::Device<CoreInternal<'_>>) -> Result {
        let kind = if pdev.vendor_id() == VENDOR {
            DeviceId::from_pci(pdev.device_id())
        } else {
            None
        };
        if kind == Some(T::ID) {
            return Ok(());
        }
        dev_err!(
            pdev,
            "not a virtio {} device\n",
            T::ID.name().unwrap_or("(unnamed)")
        );
        Err(ENODEV)
    }

    /// Called by the PCI core for a device that is to be driven.
    extern "C" fn probe_callback(
        pdev: *mut bindings::pci_dev,
        _id: *const bindings::pci_device_id,
    ) -> c_int {
        // SAFETY: This is a callback of the PCI core.
        let pdev = unsafe { Self::device(pdev) };

        from_result(|| {
            Self::check_id(pdev)?;
            let transport = Pci::new(pdev, T::NAME)?;
            let transport = KBox::new(transport, GFP_KERNEL)? as KBox<dyn Transport>;
            let negotiated = Negotiated::new::<T>(transport)?;
            let device = negotiated.device().clone();
            let driven = Driven {
                _driver: T::probe(negotiated)?,
                device,
            };
            let driven = KBox::new(driven, GFP_KERNEL)?;

            let dev: &device::Device<CoreInternal<'_>> = pdev.as_ref();
            dev.set_drvdata(try_pin_init!(Bound {
                driver <- new_mutex!(Some(driven)),
            }))?;
            Ok(0)
        })
    }

    /// Called by the PCI core when driver and device part.
    extern "C" fn remove_callback(pdev: *mut bindings::pci_dev) {
        // SAFETY: This is a callback of the PCI core.
        let pdev = unsafe { Self::device(pdev) };
        // SAFETY: Only a device that was probed is removed.
        let bound = unsafe { Self::bound(pdev) };

        // Here and not when the data is dropped: the bus still treats the device as ours.
        let driven = bound.driver.lock().take();
        drop(driven);
    }

    /// Called by the PCI core before the machine stops or another kernel takes over: no device may
    /// write to memory from here on.
    extern "C" fn shutdown_callback(pdev: *mut bindings::pci_dev) {
        // SAFETY: This is a callback of the PCI core.
        let pdev = unsafe { Self::device(pdev) };
        // SAFETY: Only a device that was probed is shut down.
        let bound = unsafe { Self::bound(pdev) };

        let driver = bound.driver.lock();
        if let Some(driven) = &*driver {
            driven.device.shutdown();
        }
    }
}

/// Declares a module that is one virtio driver.
///
/// # Examples
///
/// ```ignore
/// module_virtio_driver! {
///     type: Rng,
///     name: "virtio_rng_rust",
///     authors: ["..."],
///     description: "Virtio entropy driver",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module_virtio_driver {
    (type: $type:ty, $($rest:tt)*) => {
        ::kernel::module_device_table!(
            "pci",
            ::kernel::pci::DeviceId,
            VIRTIO_PCI_TABLE,
            @none,
            [
                $crate::virtio::driver::modern_pci_id(
                    <$type as $crate::virtio::driver::Driver>::ID
                ),
                $crate::virtio::driver::transitional_pci_id(
                    <$type as $crate::virtio::driver::Driver>::ID
                ),
            ]
        );

        impl $crate::virtio::driver::PciIds for $type {
            const NAME: &'static ::kernel::prelude::CStr =
                <DriverModule as ::kernel::ModuleMetadata>::NAME;

            const TABLE: ::kernel::pci::IdTable<()> = &VIRTIO_PCI_TABLE;
        }

        ::kernel::module_driver!(<T>, $crate::virtio::driver::PciAdapter<T>, {
            type: $type,
            $($rest)*
        });
    };
}
