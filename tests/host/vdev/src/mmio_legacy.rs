// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The registers of a device of memory-mapped I/O, version 1: the legacy interface (4.2.4).
//!
//! They differ from those of [version 2](mmio) in how a queue is placed: by the number of a page,
//! whose size the driver says, with all of the queue in one block.

use crate::{
    mmio::{
        self,
        Access::{
            self,
            R,
            RW,
            W, //
        }, //
    },
    state::{
        Effect,
        State, //
    }, //
};

/// Offsets of the registers.
pub mod reg {
    pub use crate::mmio::reg::{
        DEVICE_FEATURES,
        DEVICE_FEATURES_SEL,
        DEVICE_ID,
        DRIVER_FEATURES,
        DRIVER_FEATURES_SEL,
        INTERRUPT_ACK,
        INTERRUPT_STATUS,
        MAGIC,
        QUEUE_NOTIFY,
        QUEUE_SEL,
        QUEUE_SIZE,
        QUEUE_SIZE_MAX,
        STATUS,
        VENDOR_ID,
        VERSION, //
    };
    /// Bytes of the driver's pages.
    pub const GUEST_PAGE_SIZE: u64 = 0x028;
    /// How the used ring of the queue is aligned.
    pub const QUEUE_ALIGN: u64 = 0x03c;
    /// The number of its first page.
    pub const QUEUE_PFN: u64 = 0x040;
}

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
    (reg::GUEST_PAGE_SIZE, W),
    (reg::QUEUE_SEL, W),
    (reg::QUEUE_SIZE_MAX, R),
    (reg::QUEUE_SIZE, W),
    (reg::QUEUE_ALIGN, W),
    (reg::QUEUE_PFN, RW),
    (reg::QUEUE_NOTIFY, W),
    (reg::INTERRUPT_STATUS, R),
    (reg::INTERRUPT_ACK, W),
    (reg::STATUS, RW),
];

/// Whether there is such a register.
fn is_there(offset: u64) -> bool {
    REGISTERS.iter().any(|(at, _)| *at == offset)
}

/// What is wrong with an access of this kind, whatever its value.
pub fn check(state: &State, offset: u64, width: usize, is_write: bool) -> Result<(), String> {
    mmio::check_table(REGISTERS, offset, width, is_write)?;
    match offset {
        reg::QUEUE_SIZE_MAX if state.of_queue(|queue| queue.enabled.into()) != 0 => {
            Err("QueueSizeMax of a queue that is in use".into())
        }
        _ => mmio::check_select(state, offset),
    }
}

/// Reads a register.
pub fn read(state: &State, offset: u64) -> u64 {
    match offset {
        reg::VERSION => 1,
        reg::QUEUE_PFN => state.of_queue(|queue| queue.page.into()),
        _ if is_there(offset) => mmio::read(state, offset),
        _ => 0,
    }
}

/// Writes a register: what that asks of the device, or which rule the driver broke.
pub fn write(state: &mut State, offset: u64, value: u64) -> Result<Effect, String> {
    let is_power = value.is_power_of_two();
    match offset {
        reg::GUEST_PAGE_SIZE => {
            if state.queues.iter().any(|queue| queue.enabled) {
                return Err("page size written while queues are in use".into());
            }
            state.page_size = value;
        }
        reg::QUEUE_ALIGN => {
            state.change("alignment", |queue| queue.align = value)?;
        }
        reg::QUEUE_PFN => {
            // CAST: Registers have 32 bits.
            let page = (value & 0xffff_ffff) as u32;
            let align = state.of_queue(|queue| queue.align);
            return state.write_queue_page(page, state.page_size, align);
        }
        _ if is_there(offset) => return mmio::write(state, offset, value),
        _ => return Ok(Effect::None),
    }
    match is_power {
        true => Ok(Effect::None),
        false => Err(format!("{value} written to {offset:#x}: no power of 2")),
    }
}
