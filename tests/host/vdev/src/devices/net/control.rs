// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a driver asks for by the control queue (5.1.9.5), and which frames it wants by that.

use super::{
    feature,
    station::Mac, //
};
use std::collections::BTreeSet;

/// The answer: it is done.
pub const OK: u8 = 0;
/// The answer: it is not.
pub const ERR: u8 = 1;

/// Classes of commands, and their commands.
mod class {
    /// Receive modes (5.1.9.5.1): promiscuous, all multicast.
    pub const RX: u8 = 0;
    /// Addresses (5.1.9.5.2): a table, the address.
    pub const MAC: u8 = 1;
    /// VLANs (5.1.9.5.3): add, delete.
    pub const VLAN: u8 = 2;
    /// The driver has made itself known (5.1.9.5.4).
    pub const ANNOUNCE: u8 = 3;
}

/// Which frames the driver wants.
#[derive(Default)]
pub struct Filter {
    /// Its address. Without, there is none that the device knows of.
    pub mac: Option<Mac>,
    /// It wants all.
    promiscuous: bool,
    /// It wants all to groups.
    all_multicast: bool,
    /// More addresses that it wants.
    table: BTreeSet<Mac>,
    /// VLANs that it wants.
    vlans: BTreeSet<u16>,
    /// An address was set since this was looked at.
    address: Option<Mac>,
    /// The driver made itself known since this was looked at.
    announced: bool,
}

/// Whether an address is of a group.
fn is_group(mac: &Mac) -> bool {
    mac[0] & 1 != 0
}

impl Filter {
    /// Carries out a command: class, command, and what belongs to it.
    ///
    /// # Errors
    ///
    /// When the driver must not give it, or not so.
    pub fn command(&mut self, bytes: &[u8], agreed: u128) -> Result<(), String> {
        let Some((&[class, command], data)) = bytes.split_first_chunk::<2>() else {
            return Err("no class and command".into());
        };
        let need = match (class, command) {
            (class::RX, 0 | 1) | (class::MAC, 0) => feature::CTRL_RX,
            (class::MAC, 1) => feature::CTRL_MAC_ADDR,
            (class::VLAN, 0 | 1) => feature::CTRL_VLAN,
            (class::ANNOUNCE, 0) => feature::GUEST_ANNOUNCE,
            _ => return Err("there is no such command".into()),
        };
        if agreed & need == 0 {
            return Err("its feature was not agreed on".into());
        }
        match (class, command, data) {
            (class::RX, 0, [on @ 0..=1]) => self.promiscuous = *on == 1,
            (class::RX, _, [on @ 0..=1]) => self.all_multicast = *on == 1,
            (class::MAC, 0, data) => self.table = table(data)?,
            (class::MAC, _, data) => {
                let mac = data.try_into().map_err(|_| "no address")?;
                self.mac = Some(mac);
                self.address = Some(mac);
            }
            (class::VLAN, add, &[low, high]) => {
                let vlan = u16::from_le_bytes([low, high]);
                match (vlan, add) {
                    (0..4096, 0) => drop(self.vlans.insert(vlan)),
                    (0..4096, _) => drop(self.vlans.remove(&vlan)),
                    _ => return Err(format!("VLAN {vlan}")),
                }
            }
            (class::ANNOUNCE, _, []) => self.announced = true,
            _ => return Err(format!("{} bytes: {data:?}", data.len())),
        }
        Ok(())
    }

    /// Whether the driver wants a frame (5.1.9.5.1.1, 5.1.9.5.2.1, 5.1.9.5.3).
    pub fn wants(&self, frame: &[u8], agreed: u128) -> bool {
        let Some(mac) = frame.first_chunk::<6>() else {
            return false;
        };
        if let (Some([0x81, 0]), true) = (frame.get(12..14), agreed & feature::CTRL_VLAN != 0) {
            let tag = frame.get(14..16).unwrap_or(&[0, 0]);
            let vlan = u16::from_be_bytes([tag[0], tag[1]]) & 0xfff;
            if !self.vlans.contains(&vlan) {
                return false;
            }
        }
        let can_tell = agreed & feature::CTRL_RX != 0;
        self.promiscuous
            || *mac == [0xff; 6]
            || match is_group(mac) {
                true => !can_tell || self.all_multicast || self.table.contains(mac),
                // A driver whose address is not known is one that gets all.
                false => self.mac.is_none_or(|own| own == *mac) || self.table.contains(mac),
            }
    }

    /// The address that was set since the last call.
    pub fn take_address(&mut self) -> Option<Mac> {
        self.address.take()
    }

    /// Whether the driver made itself known since the last call.
    pub fn take_announced(&mut self) -> bool {
        std::mem::take(&mut self.announced)
    }
}

/// The table of a command: a number and as many addresses of stations, and the same of groups
/// (5.1.9.5.2.2).
fn table(data: &[u8]) -> Result<BTreeSet<Mac>, String> {
    let mut rest = data;
    let mut all = BTreeSet::new();
    for groups in [false, true] {
        let (count, behind) = rest.split_first_chunk::<4>().ok_or("no number")?;
        let count = usize::try_from(u32::from_le_bytes(*count)).unwrap_or(usize::MAX);
        let bytes = count.checked_mul(6).and_then(|len| behind.get(..len));
        let bytes = bytes.ok_or_else(|| format!("{count} addresses"))?;
        for mac in bytes.chunks_exact(6) {
            let mac: Mac = mac.try_into().map_err(|_| "no address")?;
            if is_group(&mac) != groups {
                return Err(format!("{mac:x?} among the others"));
            }
            all.insert(mac);
        }
        rest = &behind[bytes.len()..];
    }
    match rest {
        [] => Ok(all),
        _ => Err(format!("{} bytes behind the table", rest.len())),
    }
}
