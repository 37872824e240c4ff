// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A station on the other side. It has every internet address that somebody looks for, answers when
//! it is pinged, and sends back what is none of the internet's.

use super::header::checksum;

/// The address of a station.
pub type Mac = [u8; 6];

/// The address of this one.
pub const MAC: Mac = [0x52, 0x54, 0, 0x76, 0x64, 0xff];

/// Types of frames.
const IPV4: [u8; 2] = [0x08, 0x00];
const ARP: [u8; 2] = [0x08, 0x06];
const IPV6: [u8; 2] = [0x86, 0xdd];

/// What the station has to say to a frame.
pub fn station(frame: &[u8]) -> Option<Vec<u8>> {
    let (addresses, rest) = frame.split_first_chunk::<12>()?;
    let (to, from) = addresses.split_at(6);
    let (kind, payload) = rest.split_first_chunk::<2>()?;
    let answer = match *kind {
        ARP => arp(payload)?,
        _ if *to != MAC => return None,
        IPV4 => ping(payload)?,
        IPV6 => return None,
        _ => payload.to_vec(),
    };
    Some([from, &MAC, kind, &answer].concat())
}

/// The answer to who looks for an address: it is here.
fn arp(payload: &[u8]) -> Option<Vec<u8>> {
    let asked = payload.first_chunk::<28>()?;
    // Ethernet and IPv4; a question.
    if asked[..8] != [0, 1, 8, 0, 6, 4, 0, 1] {
        return None;
    }
    let (sender, address) = (&asked[8..18], &asked[24..28]);
    // Who asks for its own address makes itself known, or looks whether it is the only one.
    if sender[6..] == *address || sender[6..] == [0; 4] {
        return None;
    }
    Some([&[0, 1, 8, 0, 6, 4, 0, 2], &MAC[..], address, sender].concat())
}

/// The answer to an echo request in a packet that is whole. Of others there is none.
fn ping(payload: &[u8]) -> Option<Vec<u8>> {
    let start = payload.first_chunk::<20>()?;
    let header = usize::from(start[0] & 15) * 4;
    let total = usize::from(u16::from_be_bytes([start[2], start[3]]));
    let is_piece = start[6] & 0x3f != 0 || start[7] != 0;
    if start[0] >> 4 != 4 || header < 20 || is_piece || start[9] != 1 {
        return None;
    }
    let mut packet = payload.get(..total)?.to_vec();
    let (ip, icmp) = packet.split_at_mut_checked(header)?;
    if checksum(ip) != 0 || checksum(icmp) != 0 || icmp.len() < 8 || icmp[..2] != [8, 0] {
        return None;
    }
    // The sum of the header stays what it is.
    let (from, to) = ip[12..20].split_at_mut(4);
    from.swap_with_slice(to);
    icmp[..4].fill(0);
    let sum = checksum(icmp);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    Some(packet)
}
