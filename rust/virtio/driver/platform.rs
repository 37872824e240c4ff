// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Drivers on the platform bus: what its core calls.
//!
//! All drivers match all virtio devices there, as only the registers of a device say what it is. A
//! driver that finds a device of another kind leaves it to the next one, without a word.

use kernel::{
    acpi,
    bindings,
    device::CoreInternal,
    driver,
    error::{
        from_result,
        to_result, //
    },
    of,
    platform,
    prelude::*,
    types::Opaque, //
};

use super::{
    bound,
    pm,
    Driver, //
};
use crate::virtio::transport::mmio;

/// What device trees call a device.
#[doc(hidden)]
pub const OF_COMPATIBLE: &CStr = c"virtio,mmio";

/// What ACPI calls it.
#[doc(hidden)]
pub const ACPI_ID: &CStr = c"LNRO0005";

/// Ids of a driver, which [`module_virtio_driver!`](crate::module_virtio_driver) lays down: modules
/// are found by them.
#[doc(hidden)]
pub trait PlatformIds {
    /// Name of the driver.
    const NAME: &'static CStr;

    /// Ends with an empty entry.
    const OF: of::IdTable<()>;

    /// Ends with an empty entry.
    const ACPI: acpi::IdTable<()>;
}

/// What devices are called that neither describes; ends with an empty entry.
static NAMES: [bindings::platform_device_id; 2] = [named(c"virtio-mmio"), named(c"")];

/// The entry for a name.
const fn named(name: &CStr) -> bindings::platform_device_id {
    let name = name.to_bytes();
    let mut entry = bindings::platform_device_id {
        name: [0; 24],
        driver_data: 0,
    };
    let mut i = 0;
    while i < name.len() {
        entry.name[i] = name[i] as c_char;
        i += 1;
    }
    entry
}

/// Registers a driver with the platform bus.
pub struct PlatformAdapter<T>(T);

// SAFETY: `platform_driver` is a C structure with a `device_driver` at the given offset, and the data
// of a device is what `probe_callback` stores.
unsafe impl<T: Driver + PlatformIds> driver::DriverLayout for PlatformAdapter<T> {
    type DriverType = bindings::platform_driver;
    type DriverData<'bound> = kernel::sync::Arc<super::Bound>;
    const DEVICE_DRIVER_OFFSET: usize = core::mem::offset_of!(Self::DriverType, driver);
}

// SAFETY: What `register` registers, `unregister` unregisters.
unsafe impl<T: Driver + PlatformIds> driver::RegistrationOps for PlatformAdapter<T> {
    unsafe fn register(
        reg: &Opaque<Self::DriverType>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        // SAFETY: The structure is being initialised, nobody else has it.
        unsafe {
            (*reg.get()).driver.name = name.as_char_ptr();
            (*reg.get()).driver.of_match_table = T::OF.as_ptr();
            (*reg.get()).driver.acpi_match_table = T::ACPI.as_ptr();
            (*reg.get()).driver.pm = &pm::PM_OPS;
            (*reg.get()).id_table = NAMES.as_ptr();
            (*reg.get()).probe = Some(Self::probe_callback);
            (*reg.get()).remove = Some(remove_callback);
            (*reg.get()).shutdown = Some(shutdown_callback);
        }

        // SAFETY: `reg` is initialised and stays until `unregister`.
        to_result(unsafe {
            bindings::__platform_driver_register(reg.get(), module.as_ptr(), name.as_char_ptr())
        })
    }

    unsafe fn unregister(reg: &Opaque<Self::DriverType>) {
        // SAFETY: `reg` is registered, as the caller promises.
        unsafe { bindings::platform_driver_unregister(reg.get()) }
    }
}

impl<T: Driver + PlatformIds> PlatformAdapter<T> {
    /// Called by the core for a device that is perhaps to be driven.
    extern "C" fn probe_callback(pdev: *mut bindings::platform_device) -> c_int {
        // SAFETY: The core keeps the device for the duration of the callback, and holds its lock.
        let pdev = unsafe { &*pdev.cast::<platform::Device<CoreInternal<'_>>>() };

        from_result(|| {
            let transport = mmio::probe(pdev, T::NAME, T::ID)?;
            super::probe::<T>(pdev.as_ref(), transport)?;
            Ok(0)
        })
    }
}

/// Called by the core when driver and device part.
extern "C" fn remove_callback(pdev: *mut bindings::platform_device) {
    // Here and not when the data is dropped: the bus still treats the device as ours.
    // SAFETY: Only a device that was probed is removed.
    unsafe { bound(&raw mut (*pdev).dev) }.remove();
}

/// Called by the core before the machine stops or another kernel takes over: no device may write to
/// memory from here on.
extern "C" fn shutdown_callback(pdev: *mut bindings::platform_device) {
    // SAFETY: The core calls this for devices that have this driver. Its lock is held, so that they
    // were probed.
    unsafe { bound(&raw mut (*pdev).dev) }.shutdown();
}
