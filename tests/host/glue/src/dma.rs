// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Memory that devices reach.

use crate::prelude::*;
use device::{
    Memory,
    Violation, //
};
use std::cell::RefCell;
use std::rc::Rc;

/// Bytes of a page.
const PAGE: usize = 4096;
/// What is in memory that was not allocated.
const POISON: u8 = 0xa5;

/// A page.
#[derive(Clone)]
#[repr(C, align(4096))]
struct Page([u8; PAGE]);

/// An allocation: where it is for the device, for the processor, and how many bytes it has.
#[derive(Clone, Copy, Debug)]
struct Range {
    bus: u64,
    ptr: *mut u8,
    len: usize,
}

/// The address space of a device, which also is the device's way to it: by bytes, of which the lower
/// ones of a word come first.
#[derive(Clone, Debug, Default)]
pub struct Space(Rc<RefCell<Vec<Range>>>);

impl Space {
    /// Allocates zeroed memory.
    pub(crate) fn allocate(&self, len: usize) -> Result<Shared> {
        // One more, and what is left of the last one, must stay as they are.
        let pages = len.div_ceil(PAGE) + 1;
        let mut memory = vec![Page([POISON; PAGE]); pages].into_boxed_slice();
        let ptr: *mut u8 = memory.as_mut_ptr().cast();
        for at in 0..len {
            // SAFETY: `len` is less than the length of the pages.
            unsafe { ptr.add(at).write(0) };
        }
        let ptr = Box::into_raw(memory).cast();
        let mut ranges = self.0.borrow_mut();
        let bus = 0x5eed_0000_0000 + 0x1_0000_0000 * ranges.len() as u64;
        ranges.push(Range { bus, ptr, len });
        Ok(Shared {
            ptr,
            bus,
            len,
            pages,
        })
    }

    /// Where the processor finds a byte.
    fn byte(&self, addr: u64) -> Result<*mut u8, Violation> {
        let ranges = self.0.borrow();
        let range = ranges.iter().find(|range| {
            let offset = addr.wrapping_sub(range.bus);
            offset < range.len as u64
        });
        let range = range.ok_or(Violation::Address(addr))?;
        Ok(range.ptr.wrapping_add((addr - range.bus) as usize))
    }

    /// Fills all of it.
    pub fn fill(&self, filling: u8) {
        for range in &*self.0.borrow() {
            for at in 0..range.len {
                // SAFETY: It is in the allocation, of which nobody has a reference.
                unsafe { range.ptr.add(at).write_volatile(filling) };
            }
        }
    }
}

impl Memory for Space {
    fn read16(&self, addr: u64) -> Result<u16, Violation> {
        if addr % 2 != 0 {
            return Err(Violation::Alignment(addr));
        }
        let (low, high) = (self.byte(addr)?, self.byte(addr + 1)?);
        // SAFETY: They are in an allocation, of which nobody has a reference.
        Ok(unsafe { u16::from(low.read_volatile()) | u16::from(high.read_volatile()) << 8 })
    }

    fn write16(&self, addr: u64, value: u16) -> Result<(), Violation> {
        if addr % 2 != 0 {
            return Err(Violation::Alignment(addr));
        }
        let (low, high) = (self.byte(addr)?, self.byte(addr + 1)?);
        let [first, second] = value.to_le_bytes();
        // SAFETY: As in `read16`.
        unsafe {
            low.write_volatile(first);
            high.write_volatile(second);
        }
        Ok(())
    }
}

/// An allocation. The tests have one thread each, and their spaces live as long as they do.
#[derive(Debug)]
pub struct Shared {
    ptr: *mut u8,
    bus: u64,
    len: usize,
    pages: usize,
}

impl Shared {
    /// Where the processor finds it.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.ptr
    }

    /// Where the device finds it.
    pub(crate) fn bus(&self) -> u64 {
        self.bus
    }

    /// Bytes in it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for at in self.len..self.pages * PAGE {
            // SAFETY: It is in the pages.
            let found = unsafe { self.ptr.add(at).read() };
            if found != POISON && !std::thread::panicking() {
                panic!("byte {at} of an allocation of {} was written", self.len);
            }
        }
        // Not freed: the device of a test may look at it still.
    }
}
