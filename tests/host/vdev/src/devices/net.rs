// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A network device (5.1) with one pair of queues and a control queue.
//!
//! On its other side is a station that answers, or another device: see [`station`]. What a frame
//! carries in front is in [`header`], what the driver asks for in [`control`].

pub mod control;
pub mod header;
pub mod station;

use self::{
    control::Filter,
    header::Header,
    station::{
        station,
        Mac, //
    }, //
};
use crate::{
    dma::Map,
    event::{
        Event,
        Log, //
    },
    model::{
        gather,
        scatter,
        Model, //
    }, //
};
use device::{
    Chain,
    Violation, //
};
use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;

/// Feature bits of the type (5.1.3).
pub mod feature {
    /// The device completes checksums.
    pub const CSUM: u128 = 1 << 0;
    /// `mtu` is valid.
    pub const MTU: u128 = 1 << 3;
    /// `mac` is valid.
    pub const MAC: u128 = 1 << 5;
    /// A frame may be in several receive buffers.
    pub const MRG_RXBUF: u128 = 1 << 15;
    /// `status` is valid.
    pub const STATUS: u128 = 1 << 16;
    /// There is a control queue.
    pub const CTRL_VQ: u128 = 1 << 17;
    /// It takes receive modes and a table of addresses.
    pub const CTRL_RX: u128 = 1 << 18;
    /// It takes a table of VLANs.
    pub const CTRL_VLAN: u128 = 1 << 19;
    /// It can ask that the driver make itself known.
    pub const GUEST_ANNOUNCE: u128 = 1 << 21;
    /// It takes an address.
    pub const CTRL_MAC_ADDR: u128 = 1 << 23;
    /// `speed` and `duplex` are valid.
    pub const SPEED_DUPLEX: u128 = 1 << 63;
}

/// Offsets in the configuration (5.1.4).
pub mod config {
    /// The address: 6 bytes.
    pub const MAC: usize = 0;
    /// The status: 2 bytes.
    pub const STATUS: usize = 6;
    /// Pairs of queues: 2 bytes.
    pub const MAX_VIRTQUEUE_PAIRS: usize = 8;
    /// The longest payload of a frame: 2 bytes.
    pub const MTU: usize = 10;
    /// Mbit/s: 4 bytes.
    pub const SPEED: usize = 12;
    /// 1: full duplex.
    pub const DUPLEX: usize = 16;
    /// Bytes in all, up to there.
    pub const END: usize = 17;

    /// In the status: the link is up.
    pub const LINK_UP: u8 = 1;
    /// In the status: the driver is to make itself known.
    pub const ANNOUNCE: u8 = 2;
}

/// The queues (5.1.2).
pub const RECEIVE: u16 = 0;
/// Frames of the driver.
pub const TRANSMIT: u16 = 1;
/// What the driver asks for.
pub const CONTROL: u16 = 2;

/// The longest payload of a frame.
pub const MTU: u16 = 9000;

/// Bytes in front of the payload of a frame: addresses and type.
const ETHERNET: usize = 14;

/// Bytes of a VLAN's tag.
const TAG: usize = 4;

/// Frames that wait for a buffer at most.
const BACKLOG: usize = 256;

/// The other side.
pub enum Far {
    /// The station.
    Station,
    /// Another device, which gets the frames.
    Peer(SyncSender<Vec<u8>>),
}

/// The device.
pub struct Net {
    /// Its own address.
    mac: Mac,
    /// The other side.
    far: Far,
    /// What was agreed on, once the driver is there.
    agreed: Option<u128>,
    /// Which frames the driver wants.
    filter: Filter,
    /// The address of the configuration, where the driver has set another.
    replaced: Option<Vec<u8>>,
    /// Whether the link is up, as the configuration says.
    link: bool,
    /// Frames for the driver that no buffer was there for.
    backlog: VecDeque<Vec<u8>>,
}

impl Net {
    /// The device of this number; it is in the address.
    pub fn new(number: u8, far: Far) -> Self {
        Self {
            mac: [0x52, 0x54, 0, 0x76, 0x64, number],
            far,
            agreed: None,
            filter: Filter::default(),
            replaced: None,
            link: true,
            backlog: VecDeque::new(),
        }
    }

    /// Whether a feature was agreed on.
    fn has(&self, feature: u128) -> bool {
        self.agreed.is_some_and(|agreed| agreed & feature != 0)
    }

    /// The bytes of a frame at most: a tag is not counted as payload.
    fn longest(&self, frame: &[u8]) -> usize {
        let tagged = frame.get(12..14) == Some(&[0x81, 0]);
        let mtu = if self.has(feature::MTU) { MTU } else { 1500 };
        usize::from(mtu) + ETHERNET + if tagged { TAG } else { 0 }
    }

    /// The bytes that a receive buffer has at least (5.1.4.2, 5.1.9.3.1).
    fn room(&self) -> u64 {
        if self.has(feature::MRG_RXBUF) {
            header::LEN as u64
        } else if self.has(feature::MTU) {
            (header::LEN + ETHERNET) as u64 + u64::from(MTU)
        } else {
            1526
        }
    }

    /// Notes a receive buffer, and what is wrong with it.
    fn supplied(&self, chain: &Chain, log: &mut Log) {
        let least = self.room();
        if chain.readable != 0 || chain.writable < least {
            log.add(Event::Violation(format!(
                "receive buffer with {} bytes to read and {} to write, of which {least} are needed",
                chain.readable, chain.writable
            )));
        }
    }

    /// A frame of the driver (5.1.9.2).
    fn send(&mut self, chain: &Chain, map: &Map, log: &mut Log) -> Result<(), Violation> {
        let bytes = gather(chain, map, header::LEN + (1 << 16))?;
        let Some((header, mut frame)) = Header::split(&bytes) else {
            log.add(Event::Violation(format!(
                "{} bytes to send, which is no header and no frame",
                bytes.len()
            )));
            return Ok(());
        };
        let kind = u16::from_be_bytes([frame[12], frame[13]]);
        log.add(Event::Request(format!(
            "send {} type {kind:#x} flags {} gso {} elements {}",
            frame.len(),
            header.flags,
            header.gso_type,
            chain.elements.len(),
        )));
        if chain.writable != 0 {
            log.add(Event::Violation("frame that is to be written to".into()));
        }
        if frame.len() > self.longest(&frame) {
            let what = format!("frame of {} bytes", frame.len());
            log.add(Event::Violation(what));
        }
        if let Err(what) = header.check(self.has(feature::CSUM), frame.len()) {
            log.add(Event::Violation(what));
        } else if header.flags & header::NEEDS_CSUM != 0 {
            header.complete(&mut frame);
        }
        if !self.link {
            log.note("no link: the frame is dropped");
            return Ok(());
        }
        match &self.far {
            Far::Station => {
                if let Some(answer) = station(&frame) {
                    self.arrive(answer);
                }
            }
            // One that does not keep up loses frames, as on any wire.
            Far::Peer(peer) => drop(peer.try_send(frame)),
        }
        Ok(())
    }

    /// Something that the driver asks for (5.1.9.5). The bytes that were written: whether it is done.
    fn control(&mut self, chain: &Chain, map: &Map, log: &mut Log) -> Result<u32, Violation> {
        let bytes = gather(chain, map, 1 << 16)?;
        let agreed = self.agreed.unwrap_or(0);
        let result = match chain.writable {
            0 => Err("there is no room for the answer".into()),
            _ => self.filter.command(&bytes, agreed),
        };
        let name = bytes.get(..2).unwrap_or_default();
        let len = bytes.len().saturating_sub(2);
        log.add(Event::Request(format!("control {name:?} with {len} bytes")));
        let ack = match result {
            Ok(()) => control::OK,
            Err(what) => {
                log.add(Event::Violation(format!("control {name:?}: {what}")));
                control::ERR
            }
        };
        let written = scatter(chain, map, 0, &[ack])?;
        Ok(u32::try_from(written).unwrap_or(0))
    }
}

impl Model for Net {
    fn device_type(&self) -> u8 {
        1
    }

    fn class(&self) -> [u8; 3] {
        [2, 0, 0]
    }

    fn features(&self) -> u128 {
        use feature::*;
        CSUM | MTU
            | MAC
            | MRG_RXBUF
            | STATUS
            | CTRL_VQ
            | CTRL_RX
            | CTRL_VLAN
            | GUEST_ANNOUNCE
            | CTRL_MAC_ADDR
            | SPEED_DUPLEX
    }

    fn queues(&self) -> Vec<u16> {
        vec![64, 64, 16]
    }

    fn config(&self) -> Vec<u8> {
        let mut bytes = vec![0; config::END];
        bytes[config::MAC..][..6].copy_from_slice(&self.mac);
        bytes[config::STATUS] = config::LINK_UP;
        bytes[config::MTU..][..2].copy_from_slice(&MTU.to_le_bytes());
        bytes[config::SPEED..][..4].copy_from_slice(&1000u32.to_le_bytes());
        bytes[config::DUPLEX] = 1;
        bytes
    }

    fn start(&mut self, features: u128) {
        self.agreed = Some(features);
    }

    fn request(
        &mut self,
        queue: u16,
        chain: &Chain,
        map: &Map,
        log: &mut Log,
    ) -> Result<Option<u32>, Violation> {
        match queue {
            RECEIVE => {
                self.supplied(chain, log);
                Ok(None)
            }
            TRANSMIT => self.send(chain, map, log).map(|()| Some(0)),
            _ => self.control(chain, map, log).map(Some),
        }
    }

    fn arrive(&mut self, frame: Vec<u8>) {
        let wanted = self
            .agreed
            .is_some_and(|agreed| self.filter.wants(&frame, agreed));
        // 5.1.4.1: nothing longer than what was agreed on is passed on.
        let fits = frame.len() <= self.longest(&frame);
        if wanted && fits && self.link && self.backlog.len() < BACKLOG {
            self.backlog.push_back(frame);
        }
    }

    fn deliver(
        &mut self,
        _queue: u16,
        chains: &[&Chain],
        map: &Map,
        log: &mut Log,
    ) -> Result<Vec<u32>, Violation> {
        let Some(frame) = self.backlog.front() else {
            return Ok(Vec::new());
        };
        let total = (header::LEN + frame.len()) as u64;
        // Only as many as are needed, and only one where they are not merged.
        let most = match self.has(feature::MRG_RXBUF) {
            true => chains.len(),
            false => chains.len().min(1),
        };
        let (mut count, mut room) = (0, 0);
        while room < total && count < most {
            room += chains[count].writable;
            count += 1;
        }
        if room < total {
            if count == 0 || self.has(feature::MRG_RXBUF) {
                // There may be more later.
                return Ok(Vec::new());
            }
            // It is for no buffer of this driver, and that is its fault.
            log.note(format!("frame of {} bytes is dropped", frame.len()));
            self.backlog.pop_front();
            return self.deliver(_queue, chains, map, log);
        }

        log.add(Event::Request(format!(
            "receive {} in {count}",
            frame.len()
        )));
        // CAST: There are no more than a queue has entries.
        let mut bytes = Header::received(count as u16).to_vec();
        bytes.extend(frame);
        self.backlog.pop_front();
        let (mut done, mut written) = (0, Vec::new());
        for chain in &chains[..count] {
            // 5.1.9.4.1: all but the last are filled.
            let count = scatter(chain, map, 0, &bytes[done..])?;
            done += count;
            written.push(u32::try_from(count).unwrap_or(u32::MAX));
        }
        Ok(written)
    }

    fn settle(&mut self, config: &mut [u8]) -> bool {
        let before = config.to_vec();
        if let Some(mac) = self.filter.take_address() {
            // 5.1.9.5.2.1: where the driver looks for it, the address is the one that it has set.
            if self.has(feature::MAC) {
                let place = &mut config[config::MAC..][..6];
                self.replaced.get_or_insert_with(|| place.to_vec());
                place.copy_from_slice(&mac);
            }
        }
        if let Some(mac) = self.replaced.take_if(|_| self.agreed.is_none()) {
            config[config::MAC..][..6].copy_from_slice(&mac);
        }
        if self.filter.take_announced() {
            config[config::STATUS] &= !config::ANNOUNCE;
        }
        if self.has(feature::MAC) {
            self.filter.mac = config[config::MAC..][..6].try_into().ok();
        }
        self.link = !self.has(feature::STATUS) || config[config::STATUS] & config::LINK_UP != 0;
        config != before
    }

    fn reset(&mut self) {
        self.agreed = None;
        self.filter = Filter::default();
        self.backlog.clear();
    }
}
