// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The configuration space behind a legacy interface: byte by byte, in the order of the guest (VIRTIO
//! 1.4, 2.5.3).
//!
//! Any width is allowed there. Bytes are what no device and no bridge has ever got wrong, and what the
//! drivers of the time used.

use super::registers::Registers;
use crate::virtio::{
    byte_order::{
        ByteOrder,
        Guest,
        Machine, //
    },
    config::ConfigAccess,
};

/// Fields among registers, which are read and written byte by byte.
#[derive(Clone, Copy, Debug)]
pub struct Bytewise<'a, R: ?Sized, M = Guest> {
    /// The registers.
    registers: &'a R,
    /// Where the fields begin.
    base: usize,
    /// How their bytes are ordered.
    order: ByteOrder<M>,
}

impl<'a, R: Registers + ?Sized, M: Machine> Bytewise<'a, R, M> {
    /// The fields of `registers` from `base` on.
    pub fn new(registers: &'a R, base: usize) -> Self {
        Self {
            registers,
            base,
            order: ByteOrder::NATIVE,
        }
    }

    /// Bytes there are.
    pub fn len(&self) -> usize {
        self.registers.len().saturating_sub(self.base)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the byte at `offset` is. What overflows is beyond the end of the registers.
    fn place(&self, offset: usize) -> usize {
        self.base.saturating_add(offset)
    }

    /// Reads a byte.
    pub fn read8(&self, offset: usize) -> u8 {
        self.registers.read8(self.place(offset))
    }

    /// Reads bytes, the first one first.
    fn read<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut bytes = [0; N];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = self.read8(offset.saturating_add(at));
        }
        bytes
    }

    /// Reads a 16-bit field.
    pub fn read16(&self, offset: usize) -> u16 {
        self.order.join16(self.read(offset))
    }

    /// Reads a 32-bit field.
    pub fn read32(&self, offset: usize) -> u32 {
        self.order.join32(self.read(offset))
    }

    /// Reads a 64-bit field.
    pub fn read64(&self, offset: usize) -> u64 {
        self.order.join64(self.read(offset))
    }

    /// Writes a byte.
    pub fn write8(&self, offset: usize, value: u8) {
        self.registers.write8(self.place(offset), value);
    }

    /// Writes bytes, the first one first.
    fn write<const N: usize>(&self, offset: usize, bytes: [u8; N]) {
        for (at, byte) in bytes.into_iter().enumerate() {
            self.write8(offset.saturating_add(at), byte);
        }
    }

    /// Writes a 16-bit field.
    pub fn write16(&self, offset: usize, value: u16) {
        self.write(offset, self.order.split16(value));
    }

    /// Writes a 32-bit field.
    pub fn write32(&self, offset: usize, value: u32) {
        self.write(offset, self.order.split32(value));
    }

    /// Writes a 64-bit field.
    pub fn write64(&self, offset: usize, value: u64) {
        self.write(offset, self.order.split64(value));
    }
}

/// A device behind a legacy interface, whose configuration space is [`Bytewise`].
pub trait Legacy {
    /// How the registers are reached.
    type Registers: Registers;

    /// Whose order of bytes the fields have.
    type Machine: Machine;

    /// The configuration space, where it is now.
    fn fields(&self) -> Bytewise<'_, Self::Registers, Self::Machine>;
}

impl<T: Legacy> ConfigAccess for T {
    fn len(&self) -> usize {
        self.fields().len()
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn generation(&self) -> u32 {
        0
    }

    fn read8(&self, offset: usize) -> u8 {
        self.fields().read8(offset)
    }

    fn read16(&self, offset: usize) -> u16 {
        self.fields().read16(offset)
    }

    fn read32(&self, offset: usize) -> u32 {
        self.fields().read32(offset)
    }

    fn read64(&self, offset: usize) -> u64 {
        self.fields().read64(offset)
    }

    fn write8(&self, offset: usize, value: u8) {
        self.fields().write8(offset, value);
    }

    fn write16(&self, offset: usize, value: u16) {
        self.fields().write16(offset, value);
    }

    fn write32(&self, offset: usize, value: u32) {
        self.fields().write32(offset, value);
    }

    fn write64(&self, offset: usize, value: u64) {
        self.fields().write64(offset, value);
    }
}
