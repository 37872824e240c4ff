// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The common configuration of a PCI device, as registers (4.1.4.3, 4.1.5).

use crate::state::{
    Effect,
    State, //
};

pub use crate::state::{
    feature,
    status,
    NO_VECTOR, //
};

/// Offsets of the fields.
pub mod reg {
    /// Which word of the device's features is shown.
    pub const DEVICE_FEATURE_SELECT: u64 = 0x00;
    /// Features that the device offers.
    pub const DEVICE_FEATURE: u64 = 0x04;
    /// Which word of the driver's features is written.
    pub const DRIVER_FEATURE_SELECT: u64 = 0x08;
    /// Features that the driver accepts.
    pub const DRIVER_FEATURE: u64 = 0x0c;
    /// Vector of configuration changes.
    pub const CONFIG_VECTOR: u64 = 0x10;
    /// Number of queues.
    pub const NUM_QUEUES: u64 = 0x12;
    /// Device status.
    pub const STATUS: u64 = 0x14;
    /// Generation of the device configuration.
    pub const GENERATION: u64 = 0x15;
    /// Which queue the fields below are of.
    pub const QUEUE_SELECT: u64 = 0x16;
    /// Its size.
    pub const QUEUE_SIZE: u64 = 0x18;
    /// Its vector.
    pub const QUEUE_VECTOR: u64 = 0x1a;
    /// Whether it is enabled.
    pub const QUEUE_ENABLE: u64 = 0x1c;
    /// Where it is notified.
    pub const QUEUE_NOTIFY_OFF: u64 = 0x1e;
    /// Its descriptor area; the low half.
    pub const QUEUE_DESC: u64 = 0x20;
    /// Its driver area.
    pub const QUEUE_DRIVER: u64 = 0x28;
    /// Its device area.
    pub const QUEUE_DEVICE: u64 = 0x30;
    /// What it is notified with.
    pub const QUEUE_NOTIF_DATA: u64 = 0x38;
    /// Whether it is being reset.
    pub const QUEUE_RESET: u64 = 0x3a;
    /// The first administration queue: none here.
    pub const ADMIN_QUEUE_INDEX: u64 = 0x3c;
    /// How many there are.
    pub const ADMIN_QUEUE_NUM: u64 = 0x3e;
    /// Bytes of the structure.
    pub const END: u64 = 0x40;
}

/// The fields, each with its width.
const FIELDS: &[(u64, usize)] = &[
    (reg::DEVICE_FEATURE_SELECT, 4),
    (reg::DEVICE_FEATURE, 4),
    (reg::DRIVER_FEATURE_SELECT, 4),
    (reg::DRIVER_FEATURE, 4),
    (reg::CONFIG_VECTOR, 2),
    (reg::NUM_QUEUES, 2),
    (reg::STATUS, 1),
    (reg::GENERATION, 1),
    (reg::QUEUE_SELECT, 2),
    (reg::QUEUE_SIZE, 2),
    (reg::QUEUE_VECTOR, 2),
    (reg::QUEUE_ENABLE, 2),
    (reg::QUEUE_NOTIFY_OFF, 2),
    (reg::QUEUE_DESC, 4),
    (reg::QUEUE_DESC + 4, 4),
    (reg::QUEUE_DRIVER, 4),
    (reg::QUEUE_DRIVER + 4, 4),
    (reg::QUEUE_DEVICE, 4),
    (reg::QUEUE_DEVICE + 4, 4),
    (reg::QUEUE_NOTIF_DATA, 2),
    (reg::QUEUE_RESET, 2),
    (reg::ADMIN_QUEUE_INDEX, 2),
    (reg::ADMIN_QUEUE_NUM, 2),
];

/// What is wrong with an access of this kind, whatever its value.
pub fn check(state: &State, offset: u64, width: usize, is_write: bool) -> Result<(), String> {
    let what = if is_write { "write" } else { "read" };
    if !FIELDS.contains(&(offset, width)) {
        return Err(format!("{what} of {width} bytes at {offset:#x}"));
    }
    if offset == reg::QUEUE_RESET && !state.has(feature::RING_RESET) {
        return Err(format!("{what} of {offset:#x} without its feature"));
    }
    Ok(())
}

/// Reads a field.
pub fn read(state: &State, offset: u64, width: usize) -> u64 {
    let value = match offset {
        reg::DEVICE_FEATURE_SELECT => state.device_select.unwrap_or(0).into(),
        reg::DEVICE_FEATURE => state.offered_word(),
        reg::DRIVER_FEATURE_SELECT => state.driver_select.unwrap_or(0).into(),
        reg::DRIVER_FEATURE => state.accepted_word(),
        reg::CONFIG_VECTOR => state.config_vector.into(),
        reg::NUM_QUEUES => state.queues.len() as u64,
        reg::STATUS => state.status.into(),
        reg::GENERATION => state.generation.into(),
        reg::QUEUE_SELECT => state.queue_select.into(),
        reg::QUEUE_SIZE => state.of_queue(|queue| queue.size.into()),
        reg::QUEUE_VECTOR => state.queue().map_or(NO_VECTOR, |queue| queue.vector).into(),
        reg::QUEUE_ENABLE => state.of_queue(|queue| queue.enabled.into()),
        reg::QUEUE_NOTIFY_OFF | reg::QUEUE_NOTIF_DATA => state.queue_select.into(),
        reg::QUEUE_DESC => state.of_queue(|queue| queue.at.desc),
        0x24 => state.of_queue(|queue| queue.at.desc >> 32),
        reg::QUEUE_DRIVER => state.of_queue(|queue| queue.at.driver),
        0x2c => state.of_queue(|queue| queue.at.driver >> 32),
        reg::QUEUE_DEVICE => state.of_queue(|queue| queue.at.device),
        0x34 => state.of_queue(|queue| queue.at.device >> 32),
        reg::QUEUE_RESET => state.of_queue(|queue| queue.resetting.into()),
        _ => 0,
    };
    match width {
        1 => value & 0xff,
        2 => value & 0xffff,
        _ => value & 0xffff_ffff,
    }
}

/// Writes a field: what that asks of the device, or which rule the driver broke.
pub fn write(state: &mut State, offset: u64, value: u64) -> Result<Effect, String> {
    // CAST: All but the status are masked to their width by who calls.
    let short = (value & 0xffff) as u16;
    let long = (value & 0xffff_ffff) as u32;
    match offset {
        reg::QUEUE_DESC => return state.write_address(|at| &mut at.desc, false, value),
        0x24 => return state.write_address(|at| &mut at.desc, true, value),
        reg::QUEUE_DRIVER => return state.write_address(|at| &mut at.driver, false, value),
        0x2c => return state.write_address(|at| &mut at.driver, true, value),
        reg::QUEUE_DEVICE => return state.write_address(|at| &mut at.device, false, value),
        0x34 => return state.write_address(|at| &mut at.device, true, value),
        reg::DEVICE_FEATURE_SELECT => state.device_select = Some(long),
        reg::DRIVER_FEATURE_SELECT => state.driver_select = Some(long),
        reg::DRIVER_FEATURE => return state.accept(long),
        reg::CONFIG_VECTOR => state.config_vector = state.vector(short),
        reg::STATUS => return state.write_status((value & 0xff) as u8),
        reg::QUEUE_SELECT => state.queue_select = short,
        reg::QUEUE_SIZE => return state.write_queue_size(value & 0xffff),
        reg::QUEUE_VECTOR => return state.write_queue_vector(short),
        reg::QUEUE_ENABLE if short != 1 => {
            return Err(format!("{value} written to queue_enable"));
        }
        reg::QUEUE_ENABLE => return state.enable(),
        reg::QUEUE_RESET => return state.write_queue_reset(value & 0xffff),
        _ => return Err(format!("write of {offset:#x}, which is read-only")),
    }
    Ok(Effect::None)
}
