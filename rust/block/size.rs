// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Sizes of disks, as people read them.

use kernel::{
    bindings,
    fmt,
    prelude::*, //
};

/// Bytes of a size with its unit.
const LEN: usize = 16;

/// A size, shown in blocks and in the units of both kinds: `4096 512-byte logical blocks (2.10
/// MB/2.00 MiB)`.
#[derive(Clone, Copy)]
pub struct Size {
    /// Number of blocks.
    pub blocks: u64,
    /// Bytes of a block.
    pub block_size: u32,
}

impl Size {
    /// The size of `sectors` sectors in blocks of `block_size` bytes, the last of which may be
    /// there in part only.
    pub fn of_sectors(sectors: u64, block_size: u32) -> Self {
        let sectors_per_block = (block_size >> super::SECTOR_SHIFT).max(1);
        Self {
            blocks: sectors.div_ceil(sectors_per_block.into()),
            block_size,
        }
    }

    /// Writes the size in one kind of units to `buf`, and returns it.
    fn format<'a>(
        &self,
        units: bindings::string_size_units,
        buf: &'a mut [u8; LEN],
    ) -> Option<&'a str> {
        // SAFETY: `buf` is valid for writing `LEN` bytes, terminator included.
        unsafe {
            bindings::string_get_size(
                self.blocks,
                self.block_size.into(),
                units,
                buf.as_mut_ptr().cast(),
                LEN as c_int,
            )
        };
        CStr::from_bytes_until_nul(buf).ok()?.to_str().ok()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut decimal = [0; LEN];
        let mut binary = [0; LEN];
        write!(
            f,
            "{} {}-byte logical blocks ({}/{})",
            self.blocks,
            self.block_size,
            self.format(bindings::string_size_units_STRING_UNITS_10, &mut decimal)
                .unwrap_or("?"),
            self.format(bindings::string_size_units_STRING_UNITS_2, &mut binary)
                .unwrap_or("?"),
        )
    }
}
