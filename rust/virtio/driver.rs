// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Drivers and their registration.
//!
//! A driver says what kind of device it is for and what it can do, and is handed devices that have
//! accepted that. It does not know which bus they are on: [`module_virtio_driver!`] registers it
//! with each one.
//!
//! [`module_virtio_driver!`]: crate::module_virtio_driver

mod bound;
mod pci;
mod platform;
mod pm;

use kernel::{
    bindings,
    device::{
        self,
        CoreInternal, //
    },
    prelude::*,
    sync::Arc, //
};

pub(crate) use self::bound::Bound;
#[doc(hidden)]
pub use self::pci::{
    modern_pci_id,
    transitional_pci_id,
    PciAdapter,
    PciIds, //
};
#[doc(hidden)]
pub use self::platform::{
    PlatformAdapter,
    PlatformIds,
    ACPI_ID,
    OF_COMPATIBLE, //
};
use super::{
    device::{
        life::Pause,
        Acknowledged,
        Negotiated, //
    },
    feature::FeatureSet,
    id::DeviceId,
    transport::Transport, //
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
    ///
    /// # Errors
    ///
    /// Why a device is not one to be driven, for a log line. It is marked FAILED before features are
    /// agreed on.
    fn validate(device: &Acknowledged<'_>) -> Result<FeatureSet, &'static str> {
        Ok(device.offered())
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
    /// not at all unless the device works.
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

/// The data of a device that was probed, on any bus.
///
/// # Safety
///
/// `dev` must come from the driver core, in a callback for which it holds the device's lock, and be
/// a device that a driver of this library has been bound to.
unsafe fn bound(dev: *mut bindings::device) -> Arc<Bound> {
    // SAFETY: The core keeps the device for the duration of the callback.
    let dev = unsafe { &*dev.cast::<device::Device<CoreInternal<'_>>>() };
    // SAFETY: As the caller promises, and with the type that all buses store there.
    unsafe { dev.drvdata_borrow::<Arc<Bound>>() }
        .get_ref()
        .clone()
}

/// Takes a device on any bus into use.
///
/// # Errors
///
/// Any of those of negotiating with the device, and of the driver's.
fn probe<T: Driver>(
    dev: &device::Device<CoreInternal<'_>>,
    transport: KBox<dyn Transport>,
) -> Result {
    let negotiated = Negotiated::new::<T>(transport)?;
    let device = negotiated.device().clone();
    let bound = Bound::new(device, T::probe(negotiated)?)?;
    dev.set_drvdata(Ok::<_, Error>(bound.clone()))
        .inspect_err(|_| bound.remove())
}

/// Declares a module that is one virtio driver, on any bus.
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

        ::kernel::module_device_table!(
            "of",
            ::kernel::of::DeviceId,
            VIRTIO_OF_TABLE,
            @none,
            [::kernel::of::DeviceId::new($crate::virtio::driver::OF_COMPATIBLE)]
        );

        ::kernel::module_device_table!(
            "acpi",
            ::kernel::acpi::DeviceId,
            VIRTIO_ACPI_TABLE,
            @none,
            [::kernel::acpi::DeviceId::new($crate::virtio::driver::ACPI_ID)]
        );

        impl $crate::virtio::driver::PlatformIds for $type {
            const NAME: &'static ::kernel::prelude::CStr =
                <DriverModule as ::kernel::ModuleMetadata>::NAME;

            const OF: ::kernel::of::IdTable<()> = &VIRTIO_OF_TABLE;

            const ACPI: ::kernel::acpi::IdTable<()> = &VIRTIO_ACPI_TABLE;
        }

        /// The driver, registered with each bus.
        #[::kernel::prelude::pin_data]
        struct DriverModule {
            #[pin]
            _pci: ::kernel::driver::Registration<$crate::virtio::driver::PciAdapter<$type>>,
            #[pin]
            _platform:
                ::kernel::driver::Registration<$crate::virtio::driver::PlatformAdapter<$type>>,
        }

        impl ::kernel::InPlaceModule for DriverModule {
            fn init(
                module: &'static ::kernel::ThisModule,
            ) -> impl ::pin_init::PinInit<Self, ::kernel::error::Error> {
                ::kernel::try_pin_init!(Self {
                    _pci <- ::kernel::driver::Registration::new(
                        <Self as ::kernel::ModuleMetadata>::NAME,
                        module,
                    ),
                    _platform <- ::kernel::driver::Registration::new(
                        <Self as ::kernel::ModuleMetadata>::NAME,
                        module,
                    ),
                })
            }
        }

        ::kernel::prelude::module! {
            type: DriverModule,
            $($rest)*
        }
    };
}
