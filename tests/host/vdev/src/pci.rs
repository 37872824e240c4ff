// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The configuration space of a PCI device, with its capabilities (4.1.2, 4.1.4).
//!
//! All registers are in BAR 0, but for those of transitional devices; BAR 1 has the table of MSI-X, which is QEMU's. At the end of the
//! space is a window of bytes that mean something to the tests only: see [`crate::control`].

use crate::common::reg;

/// Bytes of configuration space.
pub const SIZE: usize = 256;

/// Bytes of BAR 1.
pub const TABLE_SIZE: u64 = 4096;

/// The BAR of the structures in a transitional device, whose first one has the legacy interface.
pub const MODERN_BAR: u8 = 2;

/// Where the structures are in their BAR, and their bytes.
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
    /// All of them but MSI-X.
    pub const ALL: std::ops::Range<usize> = COMMON..PCI_CFG + 20;
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

/// A space with these ids, of vendor and device, then of the subsystem, and with MSI-X if there are
/// vectors; behind it are the capabilities from `next` on.
fn plain_space(ids: [u16; 4], class: [u8; 3], vectors: u16, next: usize) -> [u8; SIZE] {
    let mut space = [0; SIZE];
    let at = [0, 2, 0x2c, 0x2e];
    for (at, id) in at.into_iter().zip(ids) {
        space[at..at + 2].copy_from_slice(&id.to_le_bytes());
    }
    // Command: nothing yet. Status: there are capabilities.
    space[6] = 0x10;
    let [base, sub, interface] = class;
    space[9..12].copy_from_slice(&[interface, sub, base]);
    // CAST: Constants of this file, all of which are small.
    space[0x34] = if vectors > 0 { cap::MSIX } else { next } as u8;
    // INTA.
    space[0x3d] = 1;

    if vectors > 0 {
        let control = vectors - 1;
        space[cap::MSIX..cap::MSIX + 12].copy_from_slice(&[
            0x11,
            next as u8,
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
    space
}

/// The configuration space of a device of this type and class, with so many vectors.
pub fn config_space(device_type: u8, class: [u8; 3], vectors: u16) -> [u8; SIZE] {
    let ids = [0x1af4, 0x1040 + u16::from(device_type), 0x1af4, 0x1100];
    let mut space = plain_space(ids, class, vectors, cap::COMMON);
    // 4.1.2: the revision of devices that are not transitional is at least 1.
    space[8] = 1;
    structures(&mut space);
    space
}

/// Writes the capabilities of all structures.
fn structures(space: &mut [u8; SIZE]) {
    structure(space, cap::COMMON, cap::NOTIFY, 1, at::COMMON);
    structure(space, cap::NOTIFY, cap::ISR, 2, at::NOTIFY);
    space[cap::NOTIFY + 16..cap::NOTIFY + 20].copy_from_slice(&NOTIFY_MULTIPLIER.to_le_bytes());
    structure(space, cap::ISR, cap::DEVICE, 3, at::ISR);
    structure(space, cap::DEVICE, cap::PCI_CFG, 4, at::DEVICE);
    structure(space, cap::PCI_CFG, 0, 5, (0, 0));
}

/// The same of a device that has the legacy interface only: no capability of a structure.
pub fn legacy_space(device_type: u8, class: [u8; 3], vectors: u16) -> [u8; SIZE] {
    old_space(device_type, class, vectors, 0)
}

/// The same of a device that has both interfaces: the ids are those of old, and there are
/// capabilities, by which a driver of today knows that it need not be driven as of old.
pub fn transitional_space(device_type: u8, class: [u8; 3], vectors: u16) -> [u8; SIZE] {
    let mut space = old_space(device_type, class, vectors, cap::COMMON);
    structures(&mut space);
    for at in [cap::COMMON, cap::NOTIFY, cap::ISR, cap::DEVICE] {
        space[at + 4] = MODERN_BAR;
    }
    space
}

/// The same of any device with ids of old (4.1.2.3): one of its own for each of the types that there
/// were, revision 0, the type as the subsystem, and BAR 0 in I/O space.
fn old_space(device_type: u8, class: [u8; 3], vectors: u16, next: usize) -> [u8; SIZE] {
    let id = match device_type {
        1 | 2 => 0x0fff + u16::from(device_type),
        3 => 0x1003,
        4 => 0x1005,
        5 => 0x1002,
        8 => 0x1004,
        // 9P: the last type that there was by then.
        _ => 0x1009,
    };
    let ids = [0x1af4, id, 0x1af4, device_type.into()];
    let mut space = plain_space(ids, class, vectors, next);
    // BAR 0 is in I/O space.
    space[0x10] = 1;
    space
}

/// The same of a device whose BAR 0 has the registers of memory-mapped I/O: nobody's but of the module
/// that knows of it, `tests/modules/virtio_mmio_glue.c`.
pub fn mmio_space(vectors: u16) -> [u8; SIZE] {
    plain_space([0x1234, 0x7ab1, 0x1234, 0x7ab1], [0xff, 0, 0], vectors, 0)
}

/// What is wrong with a notification: it is written to where its queue has its address (4.1.4.4).
pub fn check_notification(at: u64, width: usize, value: u64) -> Result<(), String> {
    if at != (value & 0xffff) * u64::from(NOTIFY_MULTIPLIER) || width != 2 {
        return Err(format!(
            "notification {value:#x} of {width} bytes at {at:#x}"
        ));
    }
    Ok(())
}
