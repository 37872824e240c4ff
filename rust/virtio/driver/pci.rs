// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Drivers on the PCI bus: what its core calls.

use kernel::{
    bindings,
    device::CoreInternal,
    driver,
    error::{
        from_result,
        to_result, //
    },
    pci,
    prelude::*,
    sync::Arc,
    types::Opaque, //
};

use super::{
    pm,
    Bound,
    Driver, //
};
use crate::virtio::{
    device::life::Pause,
    id::DeviceId,
    transport, //
};

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

/// Registers a driver with the PCI bus.
pub struct PciAdapter<T>(T);

// SAFETY: `pci_driver` is a C structure with a `device_driver` at the given offset, and the data of
// a device is what `probe_callback` stores.
unsafe impl<T: Driver + PciIds> driver::DriverLayout for PciAdapter<T> {
    type DriverType = bindings::pci_driver;
    type DriverData<'bound> = Arc<Bound>;
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
            (*reg.get()).shutdown = Some(shutdown_callback);
            (*reg.get()).sriov_configure = Some(sriov_configure_callback);
            (*reg.get()).err_handler = &ERROR_HANDLERS;
            (*reg.get()).driver.pm = &pm::PM_OPS;
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
    /// Checks that the device is of the driver's kind: `driver_override` and `new_id` offer any.
    ///
    /// # Errors
    ///
    /// `ENODEV` when it is not, said in one log line.
    fn check_id(pdev: &pci::Device<CoreInternal<'_>>) -> Result {
        let kind = if pdev.vendor_id() == VENDOR {
            // Of legacy devices it is the other id that says what they are.
            let (device, revision) = (pdev.device_id(), pdev.revision_id());
            let legacy = DeviceId::from_pci_legacy(device, revision, pdev.subsystem_device_id());
            DeviceId::from_pci(device).or(legacy)
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
        let pdev = unsafe { device(pdev) };

        from_result(|| {
            Self::check_id(pdev)?;
            let transport = transport::pci::open(pdev, T::NAME, T::ID)?;
            super::probe::<T>(pdev.as_ref(), transport)?;
            Ok(0)
        })
    }

    /// Called by the PCI core when driver and device part.
    extern "C" fn remove_callback(pdev: *mut bindings::pci_dev) {
        // SAFETY: The core keeps the device for the duration of the callback. Without virtual
        // functions nothing happens.
        unsafe { crate::bindings::pci_disable_sriov(pdev) };

        // Here and not when the data is dropped: the bus still treats the device as ours.
        // SAFETY: Only a device that was probed is removed.
        unsafe { bound(pdev) }.remove();
    }
}

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
/// Those of [`device`]; and the driver's `probe_callback` must have succeeded for the device.
unsafe fn bound(pdev: *mut bindings::pci_dev) -> Arc<Bound> {
    // SAFETY: As the caller promises.
    unsafe { super::bound(&raw mut (*pdev).dev) }
}

/// Called by the PCI core before the machine stops or another kernel takes over: no device may
/// write to memory from here on.
extern "C" fn shutdown_callback(pdev: *mut bindings::pci_dev) {
    // SAFETY: Only a device that was probed is shut down.
    unsafe { bound(pdev) }.shutdown();
}

/// Called by the PCI core when somebody wants the function to have `count` virtual functions.
extern "C" fn sriov_configure_callback(pdev: *mut bindings::pci_dev, count: c_int) -> c_int {
    // SAFETY: The core calls this for devices that were probed.
    let bound = unsafe { bound(pdev) };
    from_result(|| {
        if !bound.can_have_functions() {
            return Err(EINVAL);
        }
        // SAFETY: `pdev` is a live device, here and below.
        if unsafe { crate::bindings::pci_vfs_assigned(pdev) } != 0 {
            return Err(EPERM);
        }
        if count == 0 {
            // SAFETY: As above.
            unsafe { crate::bindings::pci_disable_sriov(pdev) };
            return Ok(0);
        }
        // SAFETY: As above.
        to_result(unsafe { crate::bindings::pci_enable_sriov(pdev, count) })?;
        Ok(count)
    })
}

/// Called by the PCI core before the function is reset.
extern "C" fn reset_prepare_callback(pdev: *mut bindings::pci_dev) {
    // SAFETY: The core calls this for devices that were probed.
    unsafe { bound(pdev) }.stop(Pause::Reset);
}

/// Called by the PCI core after the function was reset and its configuration restored.
extern "C" fn reset_done_callback(pdev: *mut bindings::pci_dev) {
    // SAFETY: As in `reset_prepare_callback`.
    unsafe { bound(pdev) }.restart();
}

/// Called by the PCI core when there was an error on the bus.
extern "C" fn error_detected_callback(
    pdev: *mut bindings::pci_dev,
    state: bindings::pci_channel_state_t,
) -> bindings::pci_ers_result_t {
    // SAFETY: As in `reset_prepare_callback`.
    let bound = unsafe { bound(pdev) };
    match state {
        bindings::pci_channel_io_normal => {
            bound.stop(Pause::Reset);
            bindings::pci_ers_result_PCI_ERS_RESULT_CAN_RECOVER
        }
        bindings::pci_channel_io_frozen => {
            bound.stop(Pause::Reset);
            bindings::pci_ers_result_PCI_ERS_RESULT_NEED_RESET
        }
        _ => {
            bound.fail("bus gave the device up");
            bindings::pci_ers_result_PCI_ERS_RESULT_DISCONNECT
        }
    }
}

/// Called by the PCI core after an error, when the device can be reached again without a reset.
extern "C" fn mmio_enabled_callback(_pdev: *mut bindings::pci_dev) -> bindings::pci_ers_result_t {
    bindings::pci_ers_result_PCI_ERS_RESULT_RECOVERED
}

/// Called by the PCI core after an error, when the slot was reset.
extern "C" fn slot_reset_callback(pdev: *mut bindings::pci_dev) -> bindings::pci_ers_result_t {
    // SAFETY: `pdev` is a live device, whose state was saved when it was probed or later.
    unsafe { bindings::pci_restore_state(pdev) };
    bindings::pci_ers_result_PCI_ERS_RESULT_RECOVERED
}

/// Called by the PCI core when an error has been dealt with.
extern "C" fn error_resume_callback(pdev: *mut bindings::pci_dev) {
    // SAFETY: As in `reset_prepare_callback`.
    unsafe { bound(pdev) }.restart();
}

/// What the PCI core calls about resets and errors.
static ERROR_HANDLERS: bindings::pci_error_handlers = bindings::pci_error_handlers {
    error_detected: Some(error_detected_callback),
    mmio_enabled: Some(mmio_enabled_callback),
    slot_reset: Some(slot_reset_callback),
    reset_prepare: Some(reset_prepare_callback),
    reset_done: Some(reset_done_callback),
    resume: Some(error_resume_callback),
    cor_error_detected: None,
};
