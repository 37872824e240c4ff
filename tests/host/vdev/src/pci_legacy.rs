// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The registers of a PCI device by its legacy interface: one block in I/O space, which begins BAR 0
//! (4.1.4.10).
//!
//! Behind them is the configuration of the device's type. It moves while MSI-X is enabled, for the
//! device has two registers more then.

use crate::state::{
    Effect,
    State,
    NO_VECTOR, //
};

/// Offsets of the fields.
pub mod reg {
    /// Features that the device offers, as far as there are bits.
    pub const DEVICE_FEATURES: u64 = 0x00;
    /// Features that the driver accepts.
    pub const DRIVER_FEATURES: u64 = 0x04;
    /// The number of the selected queue's first page.
    pub const QUEUE_ADDRESS: u64 = 0x08;
    /// Its size, which is the device's choice.
    pub const QUEUE_SIZE: u64 = 0x0c;
    /// Which queue the others are of.
    pub const QUEUE_SELECT: u64 = 0x0e;
    /// Notifications.
    pub const QUEUE_NOTIFY: u64 = 0x10;
    /// Device status.
    pub const STATUS: u64 = 0x12;
    /// ISR status.
    pub const ISR: u64 = 0x13;
    /// Vector of configuration changes, with MSI-X.
    pub const CONFIG_VECTOR: u64 = 0x14;
    /// Vector of the selected queue, with MSI-X.
    pub const QUEUE_VECTOR: u64 = 0x16;
}

/// The fields, each with its width, and whether it may be written.
const FIELDS: &[(u64, usize, bool)] = &[
    (reg::DEVICE_FEATURES, 4, false),
    (reg::DRIVER_FEATURES, 4, true),
    (reg::QUEUE_ADDRESS, 4, true),
    (reg::QUEUE_SIZE, 2, false),
    (reg::QUEUE_SELECT, 2, true),
    (reg::QUEUE_NOTIFY, 2, true),
    (reg::STATUS, 1, true),
    (reg::ISR, 1, false),
    (reg::CONFIG_VECTOR, 2, true),
    (reg::QUEUE_VECTOR, 2, true),
];

/// Bytes of a page, and what used rings are aligned to (4.1.5.1.3.1).
const PAGE: u64 = 4096;

/// Bytes of the block, with the configuration of any type behind it.
pub const SIZE: u64 = 128;

/// Bytes of a block that is too short, even for its registers.
pub const SHORT: u64 = 16;

/// Where the configuration of the device's type begins.
pub fn config(msix: bool) -> u64 {
    match msix {
        true => 24,
        false => 20,
    }
}

/// What is wrong with an access of this kind, whatever its value.
pub fn check(offset: u64, width: usize, is_write: bool) -> Result<(), String> {
    let what = if is_write { "write" } else { "read" };
    match FIELDS.iter().find(|(at, ..)| *at == offset) {
        None => Err(format!("{what} of {offset:#x}, which begins no field")),
        Some((_, bytes, _)) if *bytes != width => {
            Err(format!("{what} of {width} bytes at {offset:#x}"))
        }
        Some((_, _, false)) if is_write => Err(format!("write of {offset:#x}, which is read-only")),
        Some(_) => Ok(()),
    }
}

/// Reads a field. The ISR status is zero then (4.1.4.5).
pub fn read(state: &mut State, offset: u64) -> u64 {
    match offset {
        reg::DEVICE_FEATURES => state.offered_word(),
        reg::DRIVER_FEATURES => state.accepted_word(),
        reg::QUEUE_ADDRESS => state.of_queue(|queue| queue.page.into()),
        reg::QUEUE_SIZE => state.of_queue(|queue| queue.max.into()),
        reg::QUEUE_SELECT => state.queue_select.into(),
        reg::STATUS => state.status.into(),
        reg::ISR => std::mem::take(&mut state.isr).into(),
        reg::CONFIG_VECTOR => state.config_vector.into(),
        reg::QUEUE_VECTOR => state.queue().map_or(NO_VECTOR, |queue| queue.vector).into(),
        _ => 0,
    }
}

/// Writes a field: what that asks of the device, or which rule the driver broke.
pub fn write(state: &mut State, offset: u64, value: u64) -> Result<Effect, String> {
    // CAST: They have the width of their field, or are wrong for that already.
    let (long, short) = ((value & 0xffff_ffff) as u32, (value & 0xffff) as u16);
    match offset {
        reg::DRIVER_FEATURES => return state.accept(long),
        reg::QUEUE_ADDRESS => return state.write_queue_page(long, PAGE, PAGE),
        reg::QUEUE_SELECT => state.queue_select = short,
        reg::QUEUE_NOTIFY => return Ok(Effect::Notify(short)),
        reg::STATUS => return state.write_status((value & 0xff) as u8),
        reg::CONFIG_VECTOR => state.config_vector = state.vector(short),
        reg::QUEUE_VECTOR => return state.write_queue_vector(short),
        _ => {}
    }
    Ok(Effect::None)
}
