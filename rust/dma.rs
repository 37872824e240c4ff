// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Direct memory access: what may be handed to a device, and at which address the device sees it.
//!
//! [`Segment`] and [`SegmentMut`] are the currency between subsystems and queues: a stretch of
//! physically contiguous memory that a device may read, or write. Their lifetimes tie them to the
//! value that owns the memory, so that a queue which takes that value takes the memory with it.
//!
//! [`Space`] is the address space of one device: physical addresses, or what the DMA API maps.

mod in_place;
mod page;

use core::{
    marker::PhantomData,
    ptr::NonNull, //
};

use kernel::{
    alloc::Flags,
    bindings,
    device,
    error::to_result,
    prelude::*,
    sync::aref::ARef, //
};

pub use self::in_place::InPlace;
pub(crate) use self::page::page_to_phys;

/// A physical address.
pub type PhysAddr = u64;

/// An address as the device uses it.
pub type BusAddr = u64;

/// Physically contiguous memory that a device may read while `'a` lasts.
///
/// # Invariants
///
/// `phys..phys + len` is memory in the kernel's linear map that stays allocated and is not written
/// to while its owner (who lent it for `'a`) is in the hands of a queue.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    phys: PhysAddr,
    len: u32,
    _owner: PhantomData<&'a [u8]>,
}

impl<'a> Segment<'a> {
    /// Describes `len` bytes at the physical address `phys`.
    ///
    /// # Safety
    ///
    /// The memory must be in the linear map, physically contiguous, and owned (or kept alive) by a
    /// value that `'a` borrows, at an address that does not change when that value is moved.
    #[inline]
    pub unsafe fn from_raw(phys: PhysAddr, len: u32) -> Self {
        // INVARIANT: What the caller promises.
        Self {
            phys,
            len,
            _owner: PhantomData,
        }
    }

    /// Physical address of the first byte.
    #[inline]
    pub fn phys(&self) -> PhysAddr {
        self.phys
    }

    /// Length in bytes.
    #[inline]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is nothing to read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Physically contiguous memory that a device may write while `'a` lasts.
///
/// Not `Clone`: like `&mut`, it is the only way to the memory while it exists.
///
/// # Invariants
///
/// As for [`Segment`]; also, nothing else reads or writes the memory while its owner is in the
/// hands of a queue, and any value of the bytes is valid for what the memory holds.
pub struct SegmentMut<'a> {
    phys: PhysAddr,
    len: u32,
    _owner: PhantomData<&'a mut [u8]>,
}

impl<'a> SegmentMut<'a> {
    /// Describes `len` bytes at the physical address `phys`.
    ///
    /// # Safety
    ///
    /// As for [`Segment::from_raw`]; also, `'a` must be a unique borrow, and the owner's type must
    /// accept any bytes.
    #[inline]
    pub unsafe fn from_raw(phys: PhysAddr, len: u32) -> Self {
        // INVARIANT: What the caller promises.
        Self {
            phys,
            len,
            _owner: PhantomData,
        }
    }

    /// Physical address of the first byte.
    #[inline]
    pub fn phys(&self) -> PhysAddr {
        self.phys
    }

    /// Length in bytes.
    #[inline]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is no room to write.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A value in memory that a device may read or write.
///
/// The value has an allocation of its own, so that it keeps its address when the box is moved and
/// shares no cache line with what the processor writes meanwhile.
///
/// # Invariants
///
/// `ptr` is a live `KBox` allocation holding a `T`, and `phys` is its physical address.
pub struct DmaBox<T> {
    ptr: NonNull<T>,
    phys: PhysAddr,
}

// SAFETY: The box owns its value and has no tie to a thread.
unsafe impl<T: Send> Send for DmaBox<T> {}
// SAFETY: Shared access only copies the value out.
unsafe impl<T: Sync> Sync for DmaBox<T> {}

impl<T: FromBytes + IntoBytes + Copy> DmaBox<T> {
    /// Length of the memory in bytes.
    const LEN: u32 = {
        assert!(size_of::<T>() > 0 && size_of::<T>() <= u32::MAX as usize);
        // CAST: Checked above.
        size_of::<T>() as u32
    };

    /// Allocates memory for `value` and puts it there.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when there is no memory.
    pub fn new(value: T, flags: Flags) -> Result<Self> {
        let ptr = NonNull::from(Box::leak(KBox::new(value, flags)?));

        // SAFETY: `ptr` points to a kmalloc allocation, which is in the linear map.
        let phys = unsafe { crate::bindings::virt_to_phys(ptr.as_ptr().cast()) };

        // INVARIANT: `ptr` is a leaked `KBox`, and `phys` was made from it.
        Ok(Self { ptr, phys })
    }

    /// A copy of the value, read once.
    ///
    /// The copy is private: what a device does to the memory afterwards does not reach it.
    #[inline]
    pub fn read(&self) -> T {
        // SAFETY: By the type invariant the memory is live and holds a `T`, of which any bytes are
        // valid; volatile, so that the compiler neither repeats nor splits off parts of the read.
        unsafe { self.ptr.as_ptr().read_volatile() }
    }

    /// Replaces the value.
    #[inline]
    pub fn write(&mut self, value: T) {
        // SAFETY: By the type invariant the memory is live, and `&mut self` makes this the only
        // access by the processor.
        unsafe { self.ptr.as_ptr().write_volatile(value) }
    }

    /// The memory, for a device to read.
    #[inline]
    pub fn segment(&self) -> Segment<'_> {
        // SAFETY: The allocation belongs to `self`, stays where it is when `self` moves, and is
        // physically contiguous, as kmalloc memory is.
        unsafe { Segment::from_raw(self.phys, Self::LEN) }
    }

    /// The memory, for a device to write.
    #[inline]
    pub fn segment_mut(&mut self) -> SegmentMut<'_> {
        // SAFETY: As in `segment`; the borrow is unique, and `T: FromBytes` accepts any bytes.
        unsafe { SegmentMut::from_raw(self.phys, Self::LEN) }
    }
}

impl<T> Drop for DmaBox<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant `ptr` came from a `KBox` of the same type, and it is not
        // used again.
        drop(unsafe { KBox::from_raw(self.ptr.as_ptr()) });
    }
}

/// Which way data goes over a streaming mapping.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The device reads.
    ToDevice,
    /// The device writes.
    FromDevice,
}

impl Direction {
    /// The kernel's constant.
    fn as_raw(self) -> bindings::dma_data_direction {
        match self {
            Self::ToDevice => bindings::dma_data_direction::DMA_TO_DEVICE,
            Self::FromDevice => bindings::dma_data_direction::DMA_FROM_DEVICE,
        }
    }
}

/// The address space in which a device finds memory.
///
/// Which one holds is the device's word (VIRTIO 1.4, 6 "VIRTIO_F_ACCESS_PLATFORM"): a device that
/// does not ask for platform addresses is given physical ones even where an IOMMU is present.
pub(crate) enum Space {
    /// Guest-physical addresses, no DMA API.
    Physical,
    /// What the DMA API maps for this device: IOMMU, bounce buffers, encryption.
    Platform(ARef<device::Device>),
}

/// Sets the widest DMA mask that works, of 64 and 32 bits.
///
/// # Errors
///
/// What the DMA API returns for the narrower one.
///
/// # Safety
///
/// No mapping may have been made for `dev` yet, nor be made meanwhile.
pub(crate) unsafe fn set_widest_mask(dev: &device::Device) -> Result {
    let raw = raw_device(dev);

    // SAFETY: `dev` is live, and the caller promises the rest.
    let ret = to_result(unsafe { bindings::dma_set_mask_and_coherent(raw, u64::MAX) });
    ret.or_else(|_| {
        // SAFETY: As above.
        to_result(unsafe { bindings::dma_set_mask_and_coherent(raw, u64::from(u32::MAX)) })
    })
}

/// The `struct device` behind `dev`.
#[inline]
pub(crate) fn raw_device<Ctx: device::DeviceContext>(
    dev: &device::Device<Ctx>,
) -> *mut bindings::device {
    // CAST: `device::Device` is a transparent wrapper of `struct device`.
    core::ptr::from_ref(dev).cast_mut().cast()
}

impl Space {
    /// The largest stretch that one mapping may cover.
    pub(crate) fn max_segment_size(&self) -> usize {
        match self {
            Self::Physical => usize::MAX,
            // SAFETY: `dev` is a live device.
            Self::Platform(dev) => unsafe { bindings::dma_max_mapping_size(raw_device(dev)) },
        }
    }

    /// Makes `phys..phys + len` reachable for the device.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when the mapping cannot be had now (bounce buffers used up, for one).
    ///
    /// # Safety
    ///
    /// The memory must stay allocated until [`Self::unmap`].
    #[inline]
    pub(crate) unsafe fn map(
        &self,
        phys: PhysAddr,
        len: u32,
        direction: Direction,
    ) -> Result<BusAddr> {
        let Self::Platform(dev) = self else {
            return Ok(phys);
        };

        // SAFETY: `dev` is a live device, and the caller vouches for the memory.
        let addr = unsafe {
            bindings::dma_map_phys(raw_device(dev), phys, len as usize, direction.as_raw(), 0)
        };

        // SAFETY: `dev` is a live device, and `addr` is what its last mapping gave.
        to_result(unsafe { crate::bindings::dma_mapping_error(raw_device(dev), addr) })?;
        Ok(addr)
    }

    /// Ends a mapping made by [`Self::map`].
    ///
    /// # Safety
    ///
    /// The arguments must be those of a mapping that has not been ended yet, and the device must
    /// be done with it.
    #[inline]
    pub(crate) unsafe fn unmap(&self, addr: BusAddr, len: u32, direction: Direction) {
        if let Self::Platform(dev) = self {
            // SAFETY: By the requirements of this function.
            unsafe {
                bindings::dma_unmap_phys(raw_device(dev), addr, len as usize, direction.as_raw(), 0)
            }
        }
    }

    /// Allocates zeroed memory that processor and device share for as long as it exists.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when there is none of that size.
    pub(crate) fn allocate(&self, len: usize) -> Result<Shared> {
        let (ptr, bus) = match self {
            Self::Physical => {
                let flags = bindings::GFP_KERNEL | bindings::__GFP_ZERO | bindings::__GFP_NOWARN;
                // SAFETY: Allocating has no preconditions.
                let ptr = unsafe { bindings::alloc_pages_exact_noprof(len, flags) };
                if ptr.is_null() {
                    return Err(ENOMEM);
                }
                // SAFETY: Pages from the page allocator are in the linear map.
                (ptr, unsafe { crate::bindings::virt_to_phys(ptr) })
            }
            Self::Platform(dev) => {
                let mut bus = 0;
                let flags = bindings::GFP_KERNEL | bindings::__GFP_ZERO | bindings::__GFP_NOWARN;
                // SAFETY: `dev` is a live device, and `bus` is valid for a write.
                let ptr =
                    unsafe { bindings::dma_alloc_attrs(raw_device(dev), len, &mut bus, flags, 0) };
                (ptr, bus)
            }
        };

        // INVARIANT: The allocation is zeroed, `len` bytes long, and `bus` is where the device
        // finds it.
        Ok(Shared {
            ptr: NonNull::new(ptr.cast()).ok_or(ENOMEM)?,
            bus,
            len,
            space: self.clone(),
        })
    }
}

impl Clone for Space {
    fn clone(&self) -> Self {
        match self {
            Self::Physical => Self::Physical,
            Self::Platform(dev) => Self::Platform(dev.clone()),
        }
    }
}

/// Memory that processor and device share, both reading and writing, until it is dropped.
///
/// # Invariants
///
/// `ptr` is an allocation of `len` bytes made by [`Space::allocate`] in `space`, which the device
/// finds at `bus`.
pub(crate) struct Shared {
    ptr: NonNull<u8>,
    bus: BusAddr,
    len: usize,
    space: Space,
}

// SAFETY: The memory belongs to no thread.
unsafe impl Send for Shared {}
// SAFETY: `Shared` only hands out the address; who uses it takes care of the access.
unsafe impl Sync for Shared {}

impl Shared {
    /// Where the processor finds the memory.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }

    /// Bytes in it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where the device finds the memory.
    pub(crate) fn bus(&self) -> BusAddr {
        self.bus
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let ptr = self.ptr.as_ptr().cast();
        match &self.space {
            // SAFETY: By the type invariant this is the allocation and its length.
            Space::Physical => unsafe { bindings::free_pages_exact(ptr, self.len) },
            Space::Platform(dev) => {
                // SAFETY: By the type invariant this is the allocation, its length and address.
                unsafe { bindings::dma_free_attrs(raw_device(dev), self.len, ptr, self.bus, 0) }
            }
        }
    }
}
