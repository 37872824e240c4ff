// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Accesses to a device's registers, and to the configuration of its type.

use crate::{
    event::{
        Event,
        Register,
        Structure, //
    },
    machine::Machine,
    pci_legacy,
    transport::{
        Bar,
        Transport, //
    }, //
};

impl Machine {
    /// Notes what is wrong with an access, if something is.
    fn check(&mut self, register: Register, width: usize, written: Option<u64>) {
        let checked = self.transport.check(&self.state, register, width, written);
        if let Err(what) = checked {
            self.violation(what);
        }
    }

    /// Bytes of a BAR.
    pub fn bar_size(&self, bar: u8) -> u64 {
        match self.bar {
            Bar::Right | Bar::Memory => self.transport.bar_size(bar),
            Bar::Short if bar == 0 => pci_legacy::SHORT,
            Bar::Short | Bar::Missing => 0,
        }
    }

    /// Resets the whole function.
    pub fn reset_function(&mut self) {
        let (bar, at, width) = self.transport.status(self.state.is_legacy);
        self.write_bar(bar, at, width, 0);
    }

    /// Reads BAR 0.
    pub fn read(&mut self, offset: u64, width: usize) -> u64 {
        self.read_bar(0, offset, width)
    }

    /// Reads a BAR.
    pub fn read_bar(&mut self, bar: u8, offset: u64, width: usize) -> u64 {
        let Some(register) = self.transport.register(bar, offset, self.msix) else {
            self.violation(format!("read of {offset:#x}, where nothing is"));
            return u64::MAX;
        };
        self.check(register, width, None);
        let mut value = match register {
            (Structure::Device, at) => self.read_config(at, width),
            _ => self.transport.read(&mut self.state, register, width),
        };
        let mask = u64::MAX >> (64 - 8 * width.clamp(1, 8));
        value &= mask;
        if let Some(read) = &mut self.script.read {
            let right = value;
            value = read(register, right) & mask;
            if value != right {
                self.altered.register(register);
                let (structure, at) = register;
                self.log
                    .note(format!("altered {structure} {at:#x}, which was {right:#x}"));
            }
        }
        self.event(Event::Read(register, width, value));
        self.react();
        value
    }

    /// Reads the configuration of the type.
    fn read_config(&mut self, at: u64, width: usize) -> u64 {
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let bytes = start
            .checked_add(width)
            .and_then(|end| self.config.get(start..end));
        match bytes {
            Some(bytes) => {
                let fold = |value, byte: &u8| value << 8 | u64::from(*byte);
                bytes.iter().rev().fold(0, fold)
            }
            None => {
                self.violation(format!("read of the configuration at {at}, behind its end"));
                0
            }
        }
    }

    /// Writes BAR 0.
    pub fn write(&mut self, offset: u64, width: usize, value: u64) {
        self.write_bar(0, offset, width, value);
    }

    /// Writes a BAR.
    pub fn write_bar(&mut self, bar: u8, offset: u64, width: usize, value: u64) {
        let Some(register) = self.transport.register(bar, offset, self.msix) else {
            self.violation(format!("write of {offset:#x}, where nothing is"));
            return;
        };
        let is_status = Transport::is_status(register);
        if self.transport == Transport::PciTransitional && is_status && self.state.status == 0 {
            // 2.2.3: by which interface a driver begins says what the device is.
            self.state.is_legacy = register.0 == Structure::Legacy;
        }
        if is_status {
            self.event(Event::Status((value & 0xff) as u8));
        } else if !self.transport.is_notify(register) {
            self.event(Event::Write(register, width, value));
        }
        self.check(register, width, Some(value));
        // 3.4.1: nothing but the status is written once it is to suspend itself.
        if self.suspending && !is_status {
            self.violation(format!(
                "write of {} {:#x} while suspended",
                register.0, register.1
            ));
        }
        let passed = match &mut self.script.write {
            Some(write) => write(register, value),
            None => Some(value),
        };
        if let Some(value) = passed {
            if let (Structure::Device, at) = register {
                self.write_config(at, width, value);
            } else {
                match self.transport.write(&mut self.state, register, value) {
                    Err(what) => self.violation(what),
                    Ok(effect) => self.effect(effect),
                }
            }
        }
        self.react();
    }

    /// Writes the configuration of the type.
    fn write_config(&mut self, at: u64, width: usize, value: u64) {
        let bytes = value.to_le_bytes();
        let offset = usize::try_from(at).unwrap_or(usize::MAX);
        let written = bytes.get(..width).unwrap_or(&bytes);
        if let Err(what) = self.model.write_config(&mut self.config, offset, written) {
            self.violation(what);
        }
    }
}
