// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The registers of a device of memory-mapped I/O, version 2 (4.2.2).

use crate::state::{
    feature,
    Effect,
    State, //
};

/// "virt" (4.2.2.1).
pub const MAGIC: u32 = 0x7472_6976;

/// Who made it: "vdev".
pub const VENDOR: u32 = 0x7665_6476;

/// Bytes of the registers. The configuration of the device's type is behind them.
pub const CONFIG: u64 = 0x100;

/// Offsets of the registers.
pub mod reg {
    /// That this is such a device.
    pub const MAGIC: u64 = 0x000;
    /// Which version of these registers it has.
    pub const VERSION: u64 = 0x004;
    /// Number of its type.
    pub const DEVICE_ID: u64 = 0x008;
    /// Who made it.
    pub const VENDOR_ID: u64 = 0x00c;
    /// Features that it offers.
    pub const DEVICE_FEATURES: u64 = 0x010;
    /// Which word of them is shown.
    pub const DEVICE_FEATURES_SEL: u64 = 0x014;
    /// Features that the driver accepts.
    pub const DRIVER_FEATURES: u64 = 0x020;
    /// Which word of them is written.
    pub const DRIVER_FEATURES_SEL: u64 = 0x024;
    /// Which queue the registers below are of.
    pub const QUEUE_SEL: u64 = 0x030;
    /// How large it may be.
    pub const QUEUE_SIZE_MAX: u64 = 0x034;
    /// How large it is.
    pub const QUEUE_SIZE: u64 = 0x038;
    /// Whether the device may use it.
    pub const QUEUE_READY: u64 = 0x044;
    /// Notifications.
    pub const QUEUE_NOTIFY: u64 = 0x050;
    /// Why the device interrupts.
    pub const INTERRUPT_STATUS: u64 = 0x060;
    /// What of that is handled.
    pub const INTERRUPT_ACK: u64 = 0x064;
    /// Device status.
    pub const STATUS: u64 = 0x070;
    /// The queue's descriptor area; the low half.
    pub const QUEUE_DESC: u64 = 0x080;
    /// Its driver area.
    pub const QUEUE_DRIVER: u64 = 0x090;
    /// Its device area.
    pub const QUEUE_DEVICE: u64 = 0x0a0;
    /// Which shared memory the registers below are of.
    pub const SHM_SEL: u64 = 0x0ac;
    /// Its length.
    pub const SHM_LEN: u64 = 0x0b0;
    /// Where it is.
    pub const SHM_BASE: u64 = 0x0b8;
    /// Whether the queue is being reset.
    pub const QUEUE_RESET: u64 = 0x0c0;
    /// Generation of the device configuration.
    pub const CONFIG_GENERATION: u64 = 0x0fc;
}

/// What a driver may do with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read it.
    R,
    /// Write it.
    W,
    /// Both.
    RW,
}

use Access::{
    R,
    RW,
    W, //
};

/// The registers, each with what may be done with it.
const REGISTERS: &[(u64, Access)] = &[
    (reg::MAGIC, R),
    (reg::VERSION, R),
    (reg::DEVICE_ID, R),
    (reg::VENDOR_ID, R),
    (reg::DEVICE_FEATURES, R),
    (reg::DEVICE_FEATURES_SEL, W),
    (reg::DRIVER_FEATURES, W),
    (reg::DRIVER_FEATURES_SEL, W),
    (reg::QUEUE_SEL, W),
    (reg::QUEUE_SIZE_MAX, R),
    (reg::QUEUE_SIZE, W),
    (reg::QUEUE_READY, RW),
    (reg::QUEUE_NOTIFY, W),
    (reg::INTERRUPT_STATUS, R),
    (reg::INTERRUPT_ACK, W),
    (reg::STATUS, RW),
    (reg::QUEUE_DESC, W),
    (reg::QUEUE_DESC + 4, W),
    (reg::QUEUE_DRIVER, W),
    (reg::QUEUE_DRIVER + 4, W),
    (reg::QUEUE_DEVICE, W),
    (reg::QUEUE_DEVICE + 4, W),
    (reg::SHM_SEL, W),
    (reg::SHM_LEN, R),
    (reg::SHM_LEN + 4, R),
    (reg::SHM_BASE, R),
    (reg::SHM_BASE + 4, R),
    (reg::QUEUE_RESET, RW),
    (reg::CONFIG_GENERATION, R),
];

/// What is wrong with an access to one of these registers, whatever its value (4.2.2.2).
pub fn check_table(
    registers: &[(u64, Access)],
    offset: u64,
    width: usize,
    is_write: bool,
) -> Result<(), String> {
    let what = if is_write { "write" } else { "read" };
    let register = registers.iter().find(|(at, _)| *at == offset);
    match register {
        _ if width != 4 => Err(format!("{what} of {width} bytes at {offset:#x}")),
        None => Err(format!("{what} of {offset:#x}, where nothing is")),
        Some((_, R)) if is_write => Err(format!("write of {offset:#x}, which is read-only")),
        Some((_, W)) if !is_write => Err(format!("read of {offset:#x}, which is write-only")),
        Some(_) => Ok(()),
    }
}

/// What is wrong with an access of this kind, whatever its value (4.2.2.2).
pub fn check(state: &State, offset: u64, width: usize, is_write: bool) -> Result<(), String> {
    check_table(REGISTERS, offset, width, is_write)?;
    match offset {
        // No device type here has shared memory (4.2.3.1.1).
        reg::SHM_SEL..=0x0bc => Err(format!("access to {offset:#x} without shared memory")),
        reg::QUEUE_RESET if !state.has(feature::RING_RESET) => {
            Err(format!("access to {offset:#x} without its feature"))
        }
        _ => check_select(state, offset),
    }
}

/// Features need their word to be selected first (4.2.2.2).
pub fn check_select(state: &State, offset: u64) -> Result<(), String> {
    let select = match offset {
        reg::DEVICE_FEATURES => state.device_select,
        reg::DRIVER_FEATURES => state.driver_select,
        _ => Some(0),
    };
    let select = select.map(|_| ());
    select.ok_or_else(|| format!("access to {offset:#x} before its selection"))
}

/// Reads a register.
pub fn read(state: &State, offset: u64) -> u64 {
    match offset {
        reg::MAGIC => MAGIC.into(),
        reg::VERSION => 2,
        reg::DEVICE_ID => state.device_type.into(),
        reg::VENDOR_ID => VENDOR.into(),
        reg::DEVICE_FEATURES => state.offered_word(),
        reg::QUEUE_SIZE_MAX => state.of_queue(|queue| queue.max.into()),
        reg::QUEUE_READY => state.of_queue(|queue| queue.enabled.into()),
        reg::INTERRUPT_STATUS => state.isr.into(),
        reg::STATUS => state.status.into(),
        // There is none of that number.
        reg::SHM_LEN..=0x0bc => 0xffff_ffff,
        reg::QUEUE_RESET => state.of_queue(|queue| queue.resetting.into()),
        reg::CONFIG_GENERATION => state.generation.into(),
        _ => 0,
    }
}

/// Writes a register: what that asks of the device, or which rule the driver broke.
pub fn write(state: &mut State, offset: u64, value: u64) -> Result<Effect, String> {
    // CAST: Registers have 32 bits.
    let long = (value & 0xffff_ffff) as u32;
    let short = u16::try_from(long).map_err(|_| format!("{value:#x} is no queue"));
    match offset {
        reg::DEVICE_FEATURES_SEL => state.device_select = Some(long),
        reg::DRIVER_FEATURES_SEL => state.driver_select = Some(long),
        reg::DRIVER_FEATURES => return state.accept(long),
        reg::QUEUE_SEL => state.queue_select = short?,
        reg::QUEUE_SIZE => return state.write_queue_size(value),
        reg::QUEUE_READY => {
            return match value {
                0 => state.disable(),
                1 => state.enable(),
                _ => Err(format!("{value} written to QueueReady")),
            }
        }
        // 4.2.3.3: without VIRTIO_F_NOTIFICATION_DATA the index and nothing else.
        reg::QUEUE_NOTIFY => {
            let index = short?;
            if usize::from(index) >= state.queues.len() {
                return Err(format!("notification of queue {index}, which there is not"));
            }
            return Ok(Effect::Notify(index));
        }
        reg::INTERRUPT_ACK => {
            // CAST: Of the other bits none is set.
            state.isr &= !(long as u8);
            if long & !3 != 0 {
                return Err(format!("acknowledged {value:#x}"));
            }
            return Ok(Effect::Acknowledged);
        }
        reg::STATUS => {
            let status = u8::try_from(long).map_err(|_| format!("status {value:#x}"));
            return state.write_status(status?);
        }
        reg::QUEUE_DESC => return state.write_address(|at| &mut at.desc, false, value),
        0x084 => return state.write_address(|at| &mut at.desc, true, value),
        reg::QUEUE_DRIVER => return state.write_address(|at| &mut at.driver, false, value),
        0x094 => return state.write_address(|at| &mut at.driver, true, value),
        reg::QUEUE_DEVICE => return state.write_address(|at| &mut at.device, false, value),
        0x0a4 => return state.write_address(|at| &mut at.device, true, value),
        reg::QUEUE_RESET => return state.write_queue_reset(value),
        _ => {}
    }
    Ok(Effect::None)
}
