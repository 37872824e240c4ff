// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory that a device shares with a driver.

use crate::Violation;
use std::sync::atomic::{
    fence,
    AtomicU16,
    Ordering::{
        Acquire,
        Relaxed,
        Release,
        SeqCst, //
    }, //
};
use std::sync::Arc;

/// Memory by its bus address, as a device reaches it. Values are in the CPU's byte order; in memory
/// they are little-endian.
///
/// Accesses to 16 bits that are aligned are single accesses. Nothing orders them but the barriers.
pub trait Memory {
    /// Reads 16 bits.
    fn read16(&self, addr: u64) -> Result<u16, Violation>;
    /// Writes 16 bits.
    fn write16(&self, addr: u64, value: u16) -> Result<(), Violation>;

    /// Reads 32 bits.
    fn read32(&self, addr: u64) -> Result<u32, Violation> {
        let low = u32::from(self.read16(addr)?);
        Ok(low | u32::from(self.read16(addr.wrapping_add(2))?) << 16)
    }

    /// Reads 64 bits.
    fn read64(&self, addr: u64) -> Result<u64, Violation> {
        let low = u64::from(self.read32(addr)?);
        Ok(low | u64::from(self.read32(addr.wrapping_add(4))?) << 32)
    }

    /// Writes 32 bits.
    fn write32(&self, addr: u64, value: u32) -> Result<(), Violation> {
        self.write16(addr, (value & 0xffff) as u16)?;
        self.write16(addr.wrapping_add(2), (value >> 16) as u16)
    }

    /// Writes 64 bits.
    fn write64(&self, addr: u64, value: u64) -> Result<(), Violation> {
        self.write32(addr, (value & 0xffff_ffff) as u32)?;
        self.write32(addr.wrapping_add(4), (value >> 32) as u32)
    }

    /// Orders reads before it before all that follows.
    fn rmb(&self) {
        fence(Acquire);
    }

    /// Orders all that was before it before writes that follow.
    fn wmb(&self) {
        fence(Release);
    }

    /// Orders all before it before all that follows.
    fn mb(&self) {
        fence(SeqCst);
    }
}

/// A piece of memory that begins at some bus address. Its clones are the same memory; either side
/// may have one, in a thread of its own.
#[derive(Clone, Debug)]
pub struct Arena {
    /// Its first address.
    base: u64,
    /// Its contents, which are little-endian only as far as halves of words go: there are no
    /// accesses to bytes.
    cells: Arc<[AtomicU16]>,
}

impl Arena {
    /// Memory of at least so many bytes, which are zero.
    pub fn new(base: u64, bytes: usize) -> Self {
        assert_eq!(base % 16, 0, "the base is aligned");
        let cells = (0..bytes.div_ceil(2)).map(|_| AtomicU16::new(0)).collect();
        Self { base, cells }
    }

    /// Its first address.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Bytes in it.
    pub fn bytes(&self) -> usize {
        self.cells.len() * 2
    }

    /// What is at an address.
    #[inline]
    fn cell(&self, addr: u64) -> Result<&AtomicU16, Violation> {
        let offset = addr.wrapping_sub(self.base);
        if offset % 2 != 0 {
            return Err(Violation::Alignment(addr));
        }
        let at = usize::try_from(offset / 2).map_err(|_| Violation::Address(addr))?;
        self.cells.get(at).ok_or(Violation::Address(addr))
    }
}

impl Memory for Arena {
    #[inline]
    fn read16(&self, addr: u64) -> Result<u16, Violation> {
        Ok(self.cell(addr)?.load(Relaxed))
    }

    #[inline]
    fn write16(&self, addr: u64, value: u16) -> Result<(), Violation> {
        self.cell(addr)?.store(value, Relaxed);
        Ok(())
    }
}
