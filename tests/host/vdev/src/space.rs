// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Accesses to a device's configuration space.

use crate::{
    event::Event,
    machine::Machine,
    pci, //
};

impl Machine {
    /// Reads configuration space.
    pub fn read_space(&mut self, offset: usize, width: usize) -> u64 {
        if let Some(value) = self.control_read(offset, width) {
            return value;
        }
        if self.aimed(offset) {
            let (at, width) = self.aim();
            return self.read_bar(self.transport.modern_bar(), at, width);
        }
        if self.is_capability(offset) {
            self.event(Event::Capability(false, offset, width));
        }
        let mut bytes = [0; 8];
        for (at, byte) in (offset..).zip(bytes.iter_mut().take(width)) {
            let scripted = self.script.space.iter().find(|(place, _)| *place == at);
            let plain = self.space.get(at).copied().unwrap_or(0);
            *byte = scripted.map_or(plain, |(_, value)| *value);
            self.altered.capabilities += u64::from(*byte != plain);
        }
        u64::from_le_bytes(bytes)
    }

    /// Writes configuration space.
    pub fn write_space(&mut self, offset: usize, bytes: &[u8]) {
        if self.control_write(offset, bytes) {
            return;
        }
        if self.aimed(offset) {
            let (at, width) = self.aim();
            let fold = |value, byte: &u8| value << 8 | u64::from(*byte);
            let value = bytes.iter().rev().fold(0, fold);
            self.write_bar(self.transport.modern_bar(), at, width, value);
            return;
        }
        if self.is_capability(offset) {
            self.event(Event::Capability(true, offset, bytes.len()));
            // 4.1.4.1: all but the window into the BARs is for reading.
            if offset < pci::cap::PCI_CFG + 4 {
                self.violation(format!("write of {offset:#x}, in a capability"));
            }
        }
        for (at, byte) in (offset..).zip(bytes) {
            if at == pci::cap::MSIX + 3 {
                let msix = byte & 0x80 != 0;
                if msix != std::mem::replace(&mut self.msix, msix) {
                    self.log.note(if msix { "msix on" } else { "msix off" });
                }
            }
            let writable = matches!(at, 4..6 | 0x3c) || (pci::cap::PCI_CFG + 4..).contains(&at);
            if let Some(place) = self.space.get_mut(at).filter(|_| writable) {
                *place = *byte;
            }
        }
    }

    /// Whether this is in one of the standard's capabilities.
    fn is_capability(&self, offset: usize) -> bool {
        self.transport.has_capabilities() && pci::cap::ALL.contains(&offset)
    }

    /// Whether this is the window of the capability that reaches the BAR (4.1.4.9).
    fn aimed(&self, offset: usize) -> bool {
        self.transport.has_capabilities()
            && (pci::cap::PCI_CFG + 16..pci::cap::PCI_CFG + 20).contains(&offset)
    }

    /// Where that window is, and its bytes.
    fn aim(&self) -> (u64, usize) {
        let word = |at: usize| {
            let bytes = self.space.get(at..at + 4).unwrap_or(&[0; 4]);
            u32::from_le_bytes(bytes.try_into().unwrap_or_default())
        };
        let width = match word(pci::cap::PCI_CFG + 12) {
            1 => 1,
            2 => 2,
            _ => 4,
        };
        (word(pci::cap::PCI_CFG + 8).into(), width)
    }
}
