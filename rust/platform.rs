// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What `kernel::platform` lacks for a transport: registers and an interrupt that last as long as who
//! uses them, not as long as the device has this driver; and devices that we tell the bus of.

use core::ptr::NonNull;

use kernel::{
    bindings, device,
    error::{
        from_err_ptr,
        to_result, //
    },
    platform,
    prelude::*,
    str::CString,
    sync::{
        aref::ARef,
        Arc, //
    },
};

use crate::io::{
    Mapping,
    Owner, //
};

/// A range of memory that nobody else claims until this is dropped.
///
/// The kernel crate claims within the device's own resource, and releases from all of memory: with
/// a device tree, where the former is no part of the latter, such a range is never free again.
struct Claim {
    start: bindings::resource_size_t,
    size: bindings::resource_size_t,
    /// Who has it, for people to read.
    _name: CString,
}

impl Claim {
    fn new(
        start: bindings::resource_size_t,
        size: bindings::resource_size_t,
        name: &CStr,
    ) -> Result<Self> {
        let name = CString::try_from_fmt(fmt!("{}", name))?;
        // SAFETY: The name stays until the range is released.
        let claimed = unsafe {
            bindings::__request_region(
                &raw mut bindings::iomem_resource,
                start,
                size,
                name.as_char_ptr(),
                0,
            )
        };
        if claimed.is_null() {
            return Err(EBUSY);
        }
        Ok(Self {
            start,
            size,
            _name: name,
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // SAFETY: The range was claimed in the same resource, and this is its only release.
        unsafe {
            bindings::__release_region(&raw mut bindings::iomem_resource, self.start, self.size);
        }
    }
}

/// The registers of a platform device, claimed and mapped until this is dropped.
///
/// # Invariants
///
/// `ptr` is from `ioremap()` and covers `length` bytes.
pub(crate) struct Region {
    dev: ARef<platform::Device>,
    ptr: NonNull<c_void>,
    length: usize,
    _claim: Claim,
}

// SAFETY: Device registers belong to no thread.
unsafe impl Send for Region {}
// SAFETY: All that a shared reference can do may be done from any thread.
unsafe impl Sync for Region {}

/// The `struct platform_device` behind `dev`.
fn raw_device<Ctx: device::DeviceContext>(
    dev: &platform::Device<Ctx>,
) -> *mut bindings::platform_device {
    // CAST: `platform::Device` is a transparent wrapper of `struct platform_device`.
    core::ptr::from_ref(dev).cast_mut().cast()
}

impl Region {
    /// Claims the first range of registers of `dev` for `name`, and maps it.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the device has none, `EBUSY` when it is in use, `ENOMEM`.
    pub(crate) fn new(
        dev: &platform::Device<device::CoreInternal<'_>>,
        name: &CStr,
    ) -> Result<Arc<Self>> {
        let resource = dev.resource_by_index(0).ok_or(EINVAL)?;
        let (start, size) = (resource.start(), resource.size());
        let length = usize::try_from(size)?;
        let claim = Claim::new(start, size, name)?;

        // SAFETY: The range was claimed just now.
        let ptr = unsafe { bindings::ioremap(start, length) };
        let ptr = NonNull::new(ptr).ok_or(ENOMEM)?;
        let normal: &platform::Device = dev;
        // INVARIANT: Mapped above.
        let this = Self {
            dev: normal.into(),
            ptr,
            length,
            _claim: claim,
        };
        Ok(Arc::new(this, GFP_KERNEL)?)
    }

    /// The device.
    pub(crate) fn device(&self) -> &platform::Device {
        &self.dev
    }

    /// Bytes of registers.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// The device's first interrupt.
    ///
    /// # Errors
    ///
    /// What `platform_get_irq` returns, which it has logged.
    pub(crate) fn irq(&self) -> Result<u32> {
        // SAFETY: `dev` is a live device.
        let irq = unsafe { bindings::platform_get_irq(raw_device(&*self.dev), 0) };
        to_result(irq.min(0))?;
        Ok(irq.try_into()?)
    }

    /// Whether the device is described as one that is to wake the machine up.
    pub(crate) fn is_wakeup_source(&self) -> bool {
        let dev: &device::Device = (*self.dev).as_ref();
        dev.fwnode()
            .is_some_and(|node| node.property_present(c"wakeup-source"))
    }

    /// Sets the widest DMA mask that works.
    ///
    /// # Errors
    ///
    /// What the DMA API returns.
    pub(crate) fn set_dma_mask(&self) -> Result {
        // SAFETY: No mapping has been made for the device yet.
        unsafe { crate::dma::set_widest_mask((*self.dev).as_ref()) }
    }

    /// A part of the registers.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it is not inside them.
    pub(crate) fn map(self: &Arc<Self>, offset: usize, length: usize) -> Result<Mapping> {
        let end = offset.checked_add(length).ok_or(EINVAL)?;
        if end > self.length {
            return Err(EINVAL);
        }
        // SAFETY: The offset is inside the mapping.
        let ptr = unsafe { self.ptr.byte_add(offset) };
        // SAFETY: The range is mapped as long as `self` is there, and `unmap` does nothing. It is
        // not in the range of I/O ports, so that `ioread32()` and its like take it for memory.
        Ok(unsafe { Mapping::new(ptr, length, self.clone()) })
    }
}

impl Owner for Region {
    unsafe fn unmap(&self, _: NonNull<c_void>) {
        // All of it is unmapped at once.
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; all parts that were given out held a reference to this.
        unsafe { bindings::iounmap(self.ptr.as_ptr()) };
    }
}

/// A device that is nothing, but has others below it, until this is dropped.
///
/// # Invariants
///
/// It is registered.
pub(crate) struct Root(NonNull<bindings::device>);

// SAFETY: It may be unregistered by any thread.
unsafe impl Send for Root {}
// SAFETY: A shared reference gives away its address only.
unsafe impl Sync for Root {}

impl Root {
    /// Registers one that is called `name`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `EEXIST`.
    pub(crate) fn new(name: &'static CStr) -> Result<Self> {
        // SAFETY: The name is a string, and no module is to be shown as its owner.
        let ptr = from_err_ptr(unsafe {
            bindings::__root_device_register(name.as_char_ptr(), core::ptr::null_mut())
        })?;
        // INVARIANT: Registered above.
        Ok(Self(NonNull::new(ptr).ok_or(ENOMEM)?))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::root_device_unregister(self.0.as_ptr()) };
    }
}

/// A device that the bus would not have found, until this is dropped.
///
/// # Invariants
///
/// It is registered.
pub(crate) struct Made(NonNull<bindings::platform_device>);

// SAFETY: It may be unregistered by any thread.
unsafe impl Send for Made {}
// SAFETY: A shared reference has no use.
unsafe impl Sync for Made {}

impl Made {
    /// Registers a device, number `id` of this `name`, with `(address, bytes)` of registers and an
    /// interrupt. It is to be dropped before its parent.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the registers or the number are none, `EBUSY` when the registers are in use by a
    /// device, `EEXIST` when the number is, `ENOMEM`.
    pub(crate) fn new(
        parent: &Root,
        name: &'static CStr,
        id: u32,
        (start, bytes): (u64, u64),
        irq: u32,
    ) -> Result<Self> {
        let last = bytes
            .checked_sub(1)
            .and_then(|more| start.checked_add(more))
            .ok_or(EINVAL)?;
        let resources = [
            bindings::resource {
                start,
                end: last,
                // CAST: Flags fit.
                flags: bindings::IORESOURCE_MEM as c_ulong,
                ..Default::default()
            },
            bindings::resource {
                start: irq.into(),
                end: irq.into(),
                // CAST: Flags fit.
                flags: bindings::IORESOURCE_IRQ as c_ulong,
                ..Default::default()
            },
        ];
        let info = bindings::platform_device_info {
            parent: parent.0.as_ptr(),
            name: name.as_char_ptr(),
            id: id.try_into()?,
            res: resources.as_ptr(),
            num_res: resources.len().try_into()?,
            ..Default::default()
        };
        // SAFETY: All that it points to stays during the call, which makes copies.
        let ptr = from_err_ptr(unsafe { bindings::platform_device_register_full(&info) })?;
        // INVARIANT: Registered above.
        Ok(Self(NonNull::new(ptr).ok_or(ENOMEM)?))
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::platform_device_unregister(self.0.as_ptr()) };
    }
}
