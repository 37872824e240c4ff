// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Why a device interrupts (VIRTIO 1.4, 4.2.3.4).

use super::registers::reg;
use crate::virtio::transport::registers::Registers;

/// The bits that there are.
const DEFINED: u32 = 3;

/// What a device that is gone reads as, in the width of [`line`](crate::virtio::transport::line).
const GONE: u8 = !0;

/// Asks why the device interrupts, and has it let go of its line: what is returned is for
/// [`Line::interrupt`](crate::virtio::transport::line::Line::interrupt).
///
/// The reasons are acknowledged before anything is done about them. What the device does after that
/// interrupts again; acknowledged after the queues were looked at, what it did in between would be
/// lost. Nothing is acknowledged that was not read.
pub fn take<R: Registers>(registers: &R) -> u8 {
    let status = registers.read32(reg::INTERRUPT_STATUS);
    if status == u32::MAX {
        return GONE;
    }
    let reasons = status & DEFINED;
    if reasons != 0 {
        registers.write32(reg::INTERRUPT_ACK, reasons);
    }
    // CAST: Two bits.
    reasons as u8
}
