// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What `kernel::pci` lacks for a transport: ranges of BARs, vectors with affinity, I/O BARs.
//!
//! `kernel::pci::Bar` takes a whole BAR and maps all of it, as memory. A virtio device puts several
//! structures into one BAR, or one into an I/O BAR, so here a [`Function`] claims the BARs it needs
//! once and maps ranges of them.

use core::ptr::NonNull;

use kernel::{
    bindings, device,
    error::to_result,
    pci,
    prelude::*,
    sync::{
        aref::ARef,
        Arc, //
    },
};

use crate::io::{
    Mapping,
    Owner, //
};

/// Number of BARs of a function with a type 0 header.
pub(crate) const NUM_BARS: usize = 6;

/// An enabled PCI function of which some BARs are claimed.
///
/// Dropping it releases the BARs and disables the function.
///
/// # Invariants
///
/// The device is enabled, and the BARs in the mask `bars` are requested.
pub(crate) struct Function {
    dev: ARef<pci::Device>,
    bars: c_int,
    /// Who has claimed them.
    name: &'static CStr,
}

/// The `struct pci_dev` behind `dev`.
pub(crate) fn raw_device<Ctx: device::DeviceContext>(
    dev: &pci::Device<Ctx>,
) -> *mut bindings::pci_dev {
    // CAST: `pci::Device` is a transparent wrapper of `struct pci_dev`.
    core::ptr::from_ref(dev).cast_mut().cast()
}

/// The same device, of which less is known.
pub(crate) fn normal<Ctx: device::DeviceContext>(dev: &pci::Device<Ctx>) -> &pci::Device {
    // SAFETY: The context is a mark of the type alone, and this one allows no more than any other.
    unsafe { &*core::ptr::from_ref(dev).cast() }
}

/// Length of each BAR, [`None`] where there is none.
pub(crate) fn bar_lengths<Ctx: device::DeviceContext>(
    dev: &pci::Device<Ctx>,
) -> [Option<u64>; NUM_BARS] {
    let mut lengths = [None; NUM_BARS];

    for (i, length) in lengths.iter_mut().enumerate() {
        // SAFETY: `dev` is a live device, which has at least `NUM_BARS` resources.
        let resource = unsafe { (*raw_device(dev)).resource[i] };
        // CAST: Lossless, `c_ulong` has at least 32 bits.
        let usable = (bindings::IORESOURCE_MEM | bindings::IORESOURCE_IO) as c_ulong;

        // The address itself may be 0; a BAR that was never assigned has length 0 or no type.
        if resource.flags & usable != 0 && resource.end > resource.start {
            *length = Some((resource.end - resource.start).saturating_add(1));
        }
    }
    lengths
}

/// Reads configuration space; all ones when the device is gone.
pub(crate) fn read_config8<Ctx: device::DeviceContext>(dev: &pci::Device<Ctx>, offset: u16) -> u8 {
    let mut value = !0;
    // SAFETY: `dev` is a live device and `value` is valid for a write. An error leaves all ones.
    unsafe { bindings::pci_read_config_byte(raw_device(dev), offset.into(), &mut value) };
    value
}

/// Reads configuration space; all ones when the device is gone.
pub(crate) fn read_config16<Ctx: device::DeviceContext>(
    dev: &pci::Device<Ctx>,
    offset: u16,
) -> u16 {
    let mut value = !0;
    // SAFETY: As in `read_config8`.
    unsafe { bindings::pci_read_config_word(raw_device(dev), offset.into(), &mut value) };
    value
}

/// Reads configuration space; all ones when the device is gone.
pub(crate) fn read_config32<Ctx: device::DeviceContext>(
    dev: &pci::Device<Ctx>,
    offset: u16,
) -> u32 {
    let mut value = !0;
    // SAFETY: As in `read_config8`.
    unsafe { bindings::pci_read_config_dword(raw_device(dev), offset.into(), &mut value) };
    value
}

impl Function {
    /// Enables `dev`, and claims the BARs of the mask `bars` for `name`.
    ///
    /// # Errors
    ///
    /// `EBUSY` when a BAR is in use, or what enabling returns.
    pub(crate) fn new(
        dev: &pci::Device<device::CoreInternal<'_>>,
        bars: u8,
        name: &'static CStr,
    ) -> Result<Arc<Self>> {
        Self::enable(dev, bars, name)
    }

    /// The same function, of which other BARs are claimed. For devices that are being probed.
    ///
    /// # Errors
    ///
    /// Those of [`Self::new`].
    pub(crate) fn claim(&self, bars: u8) -> Result<Arc<Self>> {
        Self::enable(&self.dev, bars, self.name)
    }

    /// The part of [`Self::new`] that does it. A function may be enabled several times.
    fn enable(dev: &pci::Device, bars: u8, name: &'static CStr) -> Result<Arc<Self>> {
        let raw = raw_device(dev);

        // SAFETY: `dev` is a live device that is being probed.
        to_result(unsafe { bindings::pci_enable_device(raw) })?;

        // SAFETY: `dev` is live, and `name` is `'static`.
        let ret = to_result(unsafe {
            bindings::pci_request_selected_regions(raw, bars.into(), name.as_char_ptr())
        });
        if let Err(err) = ret {
            // SAFETY: Balances `pci_enable_device` above.
            unsafe { bindings::pci_disable_device(raw) };
            return Err(err);
        }

        // INVARIANT: Enabled and requested above.
        let function = Arc::new(
            Self {
                dev: dev.into(),
                bars: bars.into(),
                name,
            },
            GFP_KERNEL,
        )?;
        Ok(function)
    }

    /// The PCI device.
    pub(crate) fn device(&self) -> &pci::Device {
        &self.dev
    }

    /// Whether the function can have virtual functions.
    pub(crate) fn has_sriov(&self) -> bool {
        // CAST: The constant is small.
        let id = bindings::PCI_EXT_CAP_ID_SRIOV as c_int;
        // SAFETY: `dev` is a live device.
        unsafe { bindings::pci_find_ext_capability(raw_device(&*self.dev), id) != 0 }
    }

    /// Whether MSI-X is enabled.
    pub(crate) fn has_msix(&self) -> bool {
        // SAFETY: `dev` is a live device. Who has vectors allocated or freed is whoever asks.
        unsafe { bindings::pci_dev::msix_enabled_raw(raw_device(&*self.dev)) != 0 }
    }

    /// Lets the function read and write memory.
    pub(crate) fn set_master(&self) {
        // SAFETY: `dev` is a live, enabled device.
        unsafe { bindings::pci_set_master(raw_device(&*self.dev)) };
    }

    /// Stops the function from reading and writing memory. Returns whether it is seen to have
    /// stopped: the function has taken the bit, and has nothing under way that was begun before.
    pub(crate) fn clear_master(&self) -> bool {
        let raw = raw_device(&*self.dev);
        // SAFETY: `dev` is a live, enabled device.
        unsafe { bindings::pci_clear_master(raw) };

        // CAST: The register is below 256. A function that is gone reads as all ones.
        let command = read_config16(&self.dev, bindings::PCI_COMMAND as u16);
        if u32::from(command) & bindings::PCI_COMMAND_MASTER != 0 {
            return false;
        }
        // SAFETY: As above. Waits for a second at most.
        unsafe { bindings::pci_wait_for_pending_transaction(raw) != 0 }
    }

    /// Sets the widest DMA mask that works, of 64 and 32 bits.
    ///
    /// # Errors
    ///
    /// What the DMA API returns for the narrower one.
    pub(crate) fn set_dma_mask(&self) -> Result {
        let dev: &device::Device = (*self.dev).as_ref();
        // SAFETY: No mapping has been made for it yet.
        unsafe { crate::dma::set_widest_mask(dev) }
    }

    /// Maps `length` bytes at `offset` of BAR `bar`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the BAR is not claimed or the range is not inside it, `ENOMEM` when mapping
    /// fails.
    pub(crate) fn map(self: &Arc<Self>, bar: u8, offset: u64, length: u64) -> Result<Mapping> {
        let inside = bar_lengths(&*self.dev)
            .get(usize::from(bar))
            .copied()
            .flatten()
            .zip(offset.checked_add(length))
            .is_some_and(|(bar_length, end)| end <= bar_length);
        if !inside || length == 0 || self.bars & (1 << bar) == 0 {
            return Err(EINVAL);
        }

        // SAFETY: `dev` is live and enabled, the BAR is claimed, and the range lies inside it.
        let ptr = unsafe {
            bindings::pci_iomap_range(
                raw_device(&*self.dev),
                bar.into(),
                offset.try_into()?,
                length.try_into()?,
            )
        };

        let ptr = NonNull::new(ptr).ok_or(ENOMEM)?;
        // SAFETY: It was made for the range just now.
        Ok(unsafe { Mapping::new(ptr, length.try_into()?, self.clone()) })
    }

    /// Allocates exactly `count` vectors of one of the `kinds` (`PCI_IRQ_*`).
    ///
    /// With `managed`, the kernel spreads all but the first of them over the processors.
    ///
    /// # Errors
    ///
    /// What `pci_alloc_irq_vectors_affinity` returns; `EINVAL` when there are too many.
    pub(crate) fn vectors(
        self: &Arc<Self>,
        count: u32,
        kinds: u32,
        managed: bool,
    ) -> Result<Vectors> {
        let mut affinity = bindings::irq_affinity {
            pre_vectors: 1,
            ..Default::default()
        };
        let (kinds, affinity) = if managed {
            (
                kinds | bindings::PCI_IRQ_AFFINITY,
                core::ptr::from_mut(&mut affinity),
            )
        } else {
            (kinds, core::ptr::null_mut())
        };

        // SAFETY: `dev` is live and enabled; `affinity` is NULL or valid during the call.
        let ret = unsafe {
            bindings::pci_alloc_irq_vectors_affinity(
                raw_device(&*self.dev),
                count,
                count,
                kinds,
                affinity,
            )
        };
        to_result(ret.min(0))?;

        // INVARIANT: The vectors were allocated.
        Ok(Vectors {
            function: self.clone(),
        })
    }
}

impl Owner for Function {
    unsafe fn unmap(&self, ptr: NonNull<c_void>) {
        // SAFETY: By the requirement of this function it is from `pci_iomap_range`, in `map`.
        unsafe { bindings::pci_iounmap(raw_device(&*self.dev), ptr.as_ptr()) };
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let raw = raw_device(&*self.dev);

        // SAFETY: By the type invariant the regions are requested and the device is enabled.
        unsafe { bindings::pci_release_selected_regions(raw, self.bars) };
        // SAFETY: As above.
        unsafe { bindings::pci_disable_device(raw) };
    }
}

/// The interrupt vectors of a function, until this is dropped.
///
/// # Invariants
///
/// Vectors are allocated for `function`.
pub(crate) struct Vectors {
    function: Arc<Function>,
}

impl Vectors {
    /// The interrupt number of vector `index`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when there is no such vector.
    pub(crate) fn irq(&self, index: u32) -> Result<u32> {
        // SAFETY: The device is live and enabled.
        let irq = unsafe { bindings::pci_irq_vector(raw_device(&*self.function.dev), index) };
        to_result(irq.min(0))?;
        Ok(irq.try_into()?)
    }
}

impl Drop for Vectors {
    fn drop(&mut self) {
        // SAFETY: By the type invariant there are vectors to free; handlers hold the irq numbers,
        // and the owner of `Vectors` drops them first.
        unsafe { bindings::pci_free_irq_vectors(raw_device(&*self.function.dev)) };
    }
}
