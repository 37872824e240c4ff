// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Caches of disks.

/// What a disk has done with data when a write ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// It may be in a cache that is lost with power, until a flush ends.
    WriteBack,
    /// It is where it stays.
    WriteThrough,
}

impl Cache {
    /// The name in sysfs, as SCSI disks have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WriteBack => "write back",
            Self::WriteThrough => "write through",
        }
    }

    /// The cache of this name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        [Self::WriteBack, Self::WriteThrough]
            .into_iter()
            .find(|cache| cache.as_str().as_bytes() == name)
    }
}
