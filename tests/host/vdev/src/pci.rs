// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The configuration space of a PCI device, with its capabilities (4.1.2, 4.1.4).
//!
//! All structures are in BAR 0; BAR 1 has the table of MSI-X, which is QEMU's. At the end of the
//! space is a window of bytes that mean something to the tests only: see [`crate::control`].

use crate::common::reg;

/// Bytes of configuration space.
pub const SIZE: usize = 256;

/// Bytes of BAR 0. Much of it belongs to no structure, for those that say they are larger.
pub const BAR_SIZE: u64 = 1 << 20;

/// Bytes of BAR 1.
pub const TABLE_SIZE: u64 = 4096;

/// Where the structures are in BAR 0, and their bytes.
pub mod at {
    /// Common configuration.
    pub const COMMON: (u64, u64) = (0, super::reg::END);
    /// ISR status.
    pub const ISR: (u64, u64) = (0x1000, 1);
    /// Configuration of the device's type.
    pub const DEVICE: (u64, u64) = (0x2000, 0x100);
    /// Notifications.
    pub const NOTIFY: (u64, u64) = (0x3000, 0x1000);
}

/// How far apart the notification addresses of queues are.
pub const NOTIFY_MULTIPLIER: u32 = 4;

/// Where the capabilities are.
pub mod cap {
    /// MSI-X.
    pub const MSIX: usize = 0x40;
    /// Common configuration.
    pub const COMMON: usize = 0x4c;
    /// Notifications.
    pub const NOTIFY: usize = 0x5c;
    /// ISR status.
    pub const ISR: usize = 0x70;
    /// Configuration of the device's type.
    pub const DEVICE: usize = 0x80;
    /// Access through configuration space.
    pub const PCI_CFG: usize = 0x90;
}

/// Writes the capability of a structure (4.1.4).
fn structure(space: &mut [u8; SIZE], at: usize, next: usize, kind: u8, (offset, len): (u64, u64)) {
    let size = match kind {
        2 | 5 => 20,
        _ => 16,
    };
    // CAST: Constants of this file, all of which are small.
    space[at..at + 8].copy_from_slice(&[9, next as u8, size, kind, 0, 0, 0, 0]);
    space[at + 8..at + 12].copy_from_slice(&(offset as u32).to_le_bytes());
    space[at + 12..at + 16].copy_from_slice(&(len as u32).to_le_bytes());
}

/// The configuration space of a device of this type and class, with so many vectors.
pub fn config_space(device_type: u8, class: [u8; 3], vectors: u16) -> [u8; SIZE] {
    let mut space = [0; SIZE];
    space[0..4].copy_from_slice(&[0xf4, 0x1a, 0x40 + device_type, 0x10]);
    // Command: nothing yet. Status: there are capabilities.
    space[6] = 0x10;
    // 4.1.2: the revision of devices that are not transitional is at least 1.
    space[8] = 1;
    let [base, sub, interface] = class;
    space[9..12].copy_from_slice(&[interface, sub, base]);
    space[0x2c..0x30].copy_from_slice(&[0xf4, 0x1a, 0, 0x11]);
    space[0x34] = if vectors > 0 { cap::MSIX } else { cap::COMMON } as u8;
    // INTA.
    space[0x3d] = 1;

    if vectors > 0 {
        let control = vectors - 1;
        space[cap::MSIX..cap::MSIX + 12].copy_from_slice(&[
            0x11,
            cap::COMMON as u8,
            (control & 0xff) as u8,
            (control >> 8) as u8,
            // The table is at the beginning of BAR 1, pending bits in its second half.
            1,
            0,
            0,
            0,
            1,
            8,
            0,
            0,
        ]);
    }
    structure(&mut space, cap::COMMON, cap::NOTIFY, 1, at::COMMON);
    structure(&mut space, cap::NOTIFY, cap::ISR, 2, at::NOTIFY);
    space[cap::NOTIFY + 16..cap::NOTIFY + 20].copy_from_slice(&NOTIFY_MULTIPLIER.to_le_bytes());
    structure(&mut space, cap::ISR, cap::DEVICE, 3, at::ISR);
    structure(&mut space, cap::DEVICE, cap::PCI_CFG, 4, at::DEVICE);
    structure(&mut space, cap::PCI_CFG, 0, 5, (0, 0));
    space
}
