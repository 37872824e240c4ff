// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The guest's memory, as far as it was mapped for the device.
//!
//! QEMU says which addresses the device may use, and where they are in a file. Without an IOMMU that
//! is the guest's memory; with one it is each mapping that the driver makes, while it is there. All
//! accesses are volatile and within a mapping: one outside is the driver's fault, or that of who
//! misuses what it gave.

use device::{
    Memory,
    Violation, //
};
use std::fs::File;
use std::sync::{
    Arc,
    RwLock, //
};
use vm_memory::{
    mmap::MmapRegionBuilder,
    Bytes,
    FileOffset,
    MmapRegion,
    VolatileMemory, //
};

/// A range of addresses that the device may use.
struct Range {
    /// First address.
    base: u64,
    /// Bytes.
    len: u64,
    /// Whether the device may write.
    writable: bool,
    /// Where it is. Without, it is mapped but not memory.
    memory: Option<MmapRegion>,
}

/// What is mapped. Its clones are the same.
#[derive(Clone, Default)]
pub struct Map {
    ranges: Arc<RwLock<Vec<Range>>>,
}

impl Map {
    /// Maps `len` bytes from `base` on; they are at `offset` of the file, if there is one.
    ///
    /// # Errors
    ///
    /// When the file can not be mapped.
    pub fn map(
        &self,
        base: u64,
        len: u64,
        file: Option<(File, u64)>,
        writable: bool,
    ) -> std::io::Result<()> {
        let memory = file
            .map(|(file, offset)| {
                let protection = 1 | i32::from(writable) << 1;
                MmapRegionBuilder::<()>::new(usize::try_from(len).map_err(std::io::Error::other)?)
                    .with_mmap_prot(protection)
                    // MAP_SHARED
                    .with_mmap_flags(1)
                    .with_file_offset(FileOffset::new(file, offset))
                    .build()
                    .map_err(std::io::Error::other)
            })
            .transpose()?;
        self.lock(|ranges| {
            ranges.push(Range {
                base,
                len,
                writable,
                memory,
            });
        });
        Ok(())
    }

    /// Unmaps what lies within these addresses. How many ranges that were.
    pub fn unmap(&self, base: u64, len: u64) -> usize {
        self.lock(|ranges| {
            let before = ranges.len();
            ranges.retain(|range| {
                range.base < base
                    || range.base - base > len
                    || range.len > len - (range.base - base)
            });
            before - ranges.len()
        })
    }

    /// Whether the device may write the byte at this address.
    pub fn may_write(&self, addr: u64) -> bool {
        self.lock(|ranges| {
            let holds = |range: &&mut Range| addr.wrapping_sub(range.base) < range.len;
            ranges
                .iter_mut()
                .find(holds)
                .is_some_and(|range| range.writable)
        })
    }

    /// How many bytes are mapped.
    pub fn mapped(&self) -> u64 {
        self.lock(|ranges| {
            let lengths = ranges.iter().map(|range| range.len);
            lengths.fold(0, u64::saturating_add)
        })
    }

    /// Unmaps everything.
    pub fn clear(&self) {
        self.lock(Vec::clear);
    }

    /// Does something with the ranges.
    fn lock<T>(&self, f: impl FnOnce(&mut Vec<Range>) -> T) -> T {
        // Nothing panics while it has the lock.
        f(&mut self
            .ranges
            .write()
            .unwrap_or_else(|error| error.into_inner()))
    }

    /// Finds bytes.
    fn at<T>(
        &self,
        addr: u64,
        len: usize,
        write: bool,
        f: impl FnOnce(vm_memory::VolatileSlice<'_>) -> T,
    ) -> Result<T, Violation> {
        let ranges = self
            .ranges
            .read()
            .unwrap_or_else(|error| error.into_inner());
        let bytes = u64::try_from(len).map_err(|_| Violation::Address(addr))?;
        let range = ranges.iter().find(|range| {
            addr >= range.base
                && addr - range.base < range.len
                && bytes <= range.len - (addr - range.base)
        });
        let range = range.ok_or(Violation::Address(addr))?;
        if write && !range.writable {
            return Err(Violation::Address(addr));
        }
        let memory = range.memory.as_ref().ok_or(Violation::Address(addr))?;
        let offset = usize::try_from(addr - range.base).map_err(|_| Violation::Address(addr))?;
        let slice = memory
            .get_slice(offset, len)
            .map_err(|_| Violation::Address(addr))?;
        Ok(f(slice))
    }

    /// The part of `len` bytes at `addr` that one mapping may hold: pieces end at pages.
    fn pieces(addr: u64, len: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>)> {
        let mut done = 0;
        std::iter::from_fn(move || {
            let from = addr.wrapping_add(done as u64);
            let room = 4096 - (from % 4096) as usize;
            let count = room.min(len - done);
            let piece = (from, done..done + count);
            done += count;
            (count != 0).then_some(piece)
        })
    }

    /// Reads bytes.
    ///
    /// # Errors
    ///
    /// When one of them is not mapped.
    pub fn read(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Violation> {
        for (from, piece) in Self::pieces(addr, bytes.len()) {
            let part = &mut bytes[piece];
            self.at(from, part.len(), false, |slice| slice.read_slice(part, 0))?
                .map_err(|_| Violation::Address(from))?;
        }
        Ok(())
    }

    /// Writes bytes.
    ///
    /// # Errors
    ///
    /// When one of them is not mapped, or not for writing.
    pub fn write(&self, addr: u64, bytes: &[u8]) -> Result<(), Violation> {
        for (to, piece) in Self::pieces(addr, bytes.len()) {
            let part = &bytes[piece];
            self.at(to, part.len(), true, |slice| slice.write_slice(part, 0))?
                .map_err(|_| Violation::Address(to))?;
        }
        Ok(())
    }
}

impl Memory for Map {
    fn read16(&self, addr: u64) -> Result<u16, Violation> {
        if addr % 2 != 0 {
            return Err(Violation::Alignment(addr));
        }
        self.at(addr, 2, false, |slice| {
            slice.get_ref::<u16>(0).map(|word| word.load())
        })?
        .map_err(|_| Violation::Address(addr))
    }

    fn write16(&self, addr: u64, value: u16) -> Result<(), Violation> {
        if addr % 2 != 0 {
            return Err(Violation::Alignment(addr));
        }
        self.at(addr, 2, true, |slice| {
            slice.get_ref::<u16>(0).map(|word| word.store(value))
        })?
        .map_err(|_| Violation::Address(addr))
    }
}
