// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Memory for a device in the middle of something larger.

use core::{
    cell::UnsafeCell,
    marker::PhantomPinned, //
};

use kernel::prelude::*;

use super::{
    PhysAddr,
    Segment,
    SegmentMut, //
};

/// A value that a device may read or write, at the place where it was made.
///
/// As [`DmaBox`](super::DmaBox), without an allocation of its own: a part of what is allocated
/// anyway, such as the driver's data of a request. Its physical address is looked up once.
///
/// It may share a cache line with its neighbours, which is what coherent devices can do with. On
/// architectures where it is not, its neighbours must not be written while the device has it.
///
/// # Invariants
///
/// The value is in the linear map, and `phys` is its physical address.
#[pin_data]
pub struct InPlace<T> {
    value: UnsafeCell<T>,
    phys: PhysAddr,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: Shared access only copies the value out.
unsafe impl<T: Sync> Sync for InPlace<T> {}

impl<T: FromBytes + IntoBytes + Copy> InPlace<T> {
    /// Length of the memory in bytes.
    const LEN: u32 = {
        assert!(size_of::<T>() > 0 && size_of::<T>() <= u32::MAX as usize);
        // CAST: Checked above.
        size_of::<T>() as u32
    };

    /// Makes `value` one that a device may use.
    ///
    /// # Errors
    ///
    /// `EINVAL` where a device could not find it by a physical address: outside of the linear map.
    pub fn new(value: T) -> impl PinInit<Self, Error> {
        let init = move |slot: *mut Self| {
            // SAFETY: The function only looks at the address.
            if !unsafe { crate::bindings::virt_addr_valid(slot.cast()) } {
                return Err(EINVAL);
            }
            // SAFETY: `slot` is valid for writes, so this is inside of it; `UnsafeCell` is
            // transparent.
            let field = unsafe { &raw mut (*slot).value }.cast::<T>();
            // SAFETY: The address is in the linear map.
            let phys = unsafe { crate::bindings::virt_to_phys(field.cast()) };

            // INVARIANT: Checked and looked up just now; the value is pinned.
            // SAFETY: `slot` is valid for writes.
            unsafe {
                slot.write(Self {
                    value: UnsafeCell::new(value),
                    phys,
                    _pin: PhantomPinned,
                })
            };
            Ok(())
        };
        // SAFETY: The closure initialises all of `slot` or fails before it writes anything, and
        // what is pinned is not moved.
        unsafe { pin_init::pin_init_from_closure(init) }
    }

    /// A copy of the value, read once.
    ///
    /// The copy is private: what a device does to the memory afterwards does not reach it.
    #[inline]
    pub fn read(&self) -> T {
        // SAFETY: The memory is live and holds a `T`, of which any bytes are valid; volatile, so
        // that the compiler neither repeats nor splits off parts of the read.
        unsafe { self.value.get().read_volatile() }
    }

    /// Replaces the value.
    #[inline]
    pub fn write(self: Pin<&mut Self>, value: T) {
        // A device that is to read it is shown the memory afterwards, behind a barrier; so this need
        // not be volatile, and goes out in as few writes as the value takes.
        // SAFETY: The memory is live, and `&mut` makes this the only access by the processor.
        unsafe { self.value.get().write(value) }
    }

    /// The memory, for a device to read.
    #[inline]
    pub fn segment<'a>(self: Pin<&'a mut Self>) -> Segment<'a> {
        // SAFETY: The value is pinned and borrowed, and by the type invariant in the linear map,
        // which is physically contiguous.
        unsafe { Segment::from_raw(self.phys, Self::LEN) }
    }

    /// The memory, for a device to write.
    #[inline]
    pub fn segment_mut<'a>(self: Pin<&'a mut Self>) -> SegmentMut<'a> {
        // SAFETY: As in `segment`; the borrow is unique, and `T: FromBytes` accepts any bytes.
        unsafe { SegmentMut::from_raw(self.phys, Self::LEN) }
    }
}

impl<T: FromBytes + IntoBytes + Copy, const N: usize> InPlace<[T; N]> {
    /// The memory of the first `len` values, of all if there are no more, for a device to read.
    pub fn first<'a>(self: Pin<&'a mut Self>, len: usize) -> Segment<'a> {
        // CAST: No more than all of it.
        let bytes = (len.min(N) * size_of::<T>()) as u32;
        // SAFETY: As in `segment`, of which this is the beginning.
        unsafe { Segment::from_raw(self.phys, bytes) }
    }
}
