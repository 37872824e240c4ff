// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a network device makes of buffers: a driver of a few lines is on the other side.

use device::Memory;
use std::fs::File;
use std::sync::mpsc::{
    sync_channel,
    Receiver, //
};
use vdev::{
    common::{
        feature,
        reg, //
    },
    devices::net::{
        feature as net,
        station,
        Far,
        Net,
        CONTROL,
        RECEIVE,
        TRANSMIT, //
    },
    event::{
        Event,
        Log, //
    },
    machine::Machine,
    pci, //
};
use vmm_sys_util::tempfile::TempFile;

/// Where a queue is, and the buffers of each: a piece of memory for each descriptor.
const RING: u64 = 0x1000;
const BUFFERS: u64 = 0x10000;
const PIECE: u64 = 0x4000;

/// The address of the device.
const OWN: [u8; 6] = [0x52, 0x54, 0, 0x76, 0x64, 3];
const GROUP: [u8; 6] = [1, 0, 0x5e, 1, 2, 3];
const OTHER: [u8; 6] = [0x52, 0x54, 0, 1, 2, 3];

/// A driver of three split queues, and its device.
struct Driver {
    machine: Machine,
    /// Descriptors and buffers so far, queue by queue.
    next: [u16; 3],
    added: [u16; 3],
    /// Buffers that were used.
    seen: [u16; 3],
}

impl Driver {
    /// One that agrees on these features.
    fn new(far: Far, features: u128) -> Self {
        let machine = Machine::new(Box::new(Net::new(3, far)), 0, Log::new(None));
        let file: File = TempFile::new().unwrap().into_file();
        let len = BUFFERS + 3 * 64 * PIECE;
        file.set_len(len).unwrap();
        machine.map.map(0, len, Some((file, 0)), true).unwrap();
        let mut driver = Self {
            machine,
            next: [0; 3],
            added: [0; 3],
            seen: [0; 3],
        };
        driver.begin(features | feature::VERSION_1);
        driver
    }

    fn begin(&mut self, features: u128) {
        for status in [0, 1, 3] {
            self.machine.write(reg::STATUS, 1, status);
        }
        for word in 0..2 {
            self.machine.write(reg::DRIVER_FEATURE_SELECT, 4, word);
            let value = (features >> (32 * word)) as u64 & 0xffff_ffff;
            self.machine.write(reg::DRIVER_FEATURE, 4, value);
        }
        self.machine.write(reg::STATUS, 1, 11);
        for queue in 0..3 {
            let at = Self::ring(queue);
            self.machine.write(reg::QUEUE_SELECT, 2, queue.into());
            self.machine.write(reg::QUEUE_SIZE, 2, 16);
            for (field, value) in [
                (reg::QUEUE_DESC, at),
                (reg::QUEUE_DRIVER, at + 0x400),
                (reg::QUEUE_DEVICE, at + 0x800),
            ] {
                self.machine.write(field, 4, value);
            }
            self.machine.write(reg::QUEUE_ENABLE, 2, 1);
        }
        self.machine.write(reg::STATUS, 1, 15);
    }

    fn ring(queue: u16) -> u64 {
        RING + 0x1000 * u64::from(queue)
    }

    /// Where the memory of a descriptor is.
    fn memory(queue: u16, index: u16) -> u64 {
        BUFFERS + (64 * u64::from(queue) + u64::from(index)) * PIECE
    }

    /// Makes a buffer available: what is to be read, and what may be written. Its head.
    fn add(&mut self, queue: u16, read: &[u8], write: u32) -> u16 {
        let at = Self::ring(queue);
        let place = usize::from(queue);
        let head = self.next[place];
        let elements = [(read.len() as u32, 0), (write, 2)];
        let elements: Vec<_> = elements.into_iter().filter(|(len, _)| *len != 0).collect();
        let map = self.machine.map.clone();
        for (position, (len, flags)) in elements.iter().enumerate() {
            let index = self.next[place];
            self.next[place] += 1;
            let more = u16::from(position + 1 < elements.len());
            let desc = at + 16 * u64::from(index);
            let memory = Self::memory(queue, index);
            map.write64(desc, memory).unwrap();
            map.write32(desc + 8, *len).unwrap();
            map.write16(desc + 12, flags | more).unwrap();
            map.write16(desc + 14, index + more).unwrap();
            if flags & 2 == 0 {
                map.write(memory, read).unwrap();
            }
        }
        let slot = at + 0x404 + 2 * u64::from(self.added[place] % 16);
        map.write16(slot, head).unwrap();
        self.added[place] += 1;
        map.write16(at + 0x402, self.added[place]).unwrap();
        self.machine.write(
            pci::at::NOTIFY.0 + 4 * u64::from(queue),
            2,
            u64::from(queue),
        );
        self.machine.work();
        head
    }

    /// Buffers that were used since the last call: what was written into each.
    fn used(&mut self, queue: u16) -> Vec<Vec<u8>> {
        let at = Self::ring(queue) + 0x800;
        let map = self.machine.map.clone();
        let index = map.read16(at + 2).unwrap();
        let mut all = Vec::new();
        while self.seen[usize::from(queue)] != index {
            let seen = &mut self.seen[usize::from(queue)];
            let entry = at + 4 + 8 * u64::from(*seen % 16);
            *seen += 1;
            let id = map.read32(entry).unwrap();
            let len = map.read32(entry + 4).unwrap();
            let mut bytes = vec![0; len as usize];
            // What was written is in the last descriptor: in the first for what is received.
            let index = id as u16 + u16::from(queue == CONTROL);
            map.read(Self::memory(queue, index), &mut bytes).unwrap();
            all.push(bytes);
        }
        all
    }

    /// Sends a frame with an empty header.
    fn send(&mut self, frame: &[u8]) {
        self.add(TRANSMIT, &[&[0; 12], frame].concat(), 0);
        assert_eq!(self.used(TRANSMIT), [[0; 0]], "nothing is written there");
    }

    /// The answer to a command.
    fn command(&mut self, command: &[u8]) -> u8 {
        self.add(CONTROL, command, 1);
        match &self.used(CONTROL)[..] {
            [answer] => answer[0],
            answers => panic!("{} answers", answers.len()),
        }
    }

    /// Whether a frame to an address comes in.
    fn hears(&mut self, frame: &[u8]) -> bool {
        self.machine.arrive(frame.to_vec());
        self.machine.work();
        match &self.used(RECEIVE)[..] {
            [] => false,
            [received] => {
                assert_eq!(received[12..], *frame);
                true
            }
            received => panic!("{} frames", received.len()),
        }
    }

    fn violations(&self) -> Vec<String> {
        let events = self.machine.log.events().iter();
        events
            .filter(|event| matches!(event, Event::Violation(_)))
            .map(Event::to_string)
            .collect()
    }
}

/// A frame of this type.
fn frame(to: [u8; 6], from: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    [&to[..], &from, &kind.to_be_bytes(), payload].concat()
}

/// A device whose frames come here.
fn peer(features: u128) -> (Driver, Receiver<Vec<u8>>) {
    let (to, from) = sync_channel(8);
    (Driver::new(Far::Peer(to), features), from)
}

const BASE: u128 = net::MAC | net::MTU | net::STATUS;
const ALL: u128 = net::CTRL_VQ
    | net::CTRL_RX
    | net::CTRL_VLAN
    | net::CTRL_MAC_ADDR
    | net::GUEST_ANNOUNCE
    | net::MRG_RXBUF
    | BASE;

#[test]
fn what_is_none_of_the_internets_comes_back() {
    let mut driver = Driver::new(Far::Station, BASE);
    driver.add(RECEIVE, &[], 9026);
    driver.send(&frame(station::MAC, OWN, 0x88b5, b"payload"));
    let received = driver.used(RECEIVE);
    let header = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
    let back = frame(OWN, station::MAC, 0x88b5, b"payload");
    assert_eq!(received, [[&header[..], &back].concat()]);
    assert_eq!(driver.violations(), [""; 0]);
}

#[test]
fn the_station_is_found_and_answers_a_ping() {
    let mut driver = Driver::new(Far::Station, BASE);
    driver.add(RECEIVE, &[], 9026);
    let (me, it) = ([10, 0, 0, 1], [10, 0, 0, 9]);
    let ask = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &OWN, &me, &[0; 6], &it].concat();
    driver.send(&frame([0xff; 6], OWN, 0x806, &ask));
    let tell = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &station::MAC, &it, &OWN, &me];
    let back = frame(OWN, station::MAC, 0x806, &tell.concat());
    assert_eq!(driver.used(RECEIVE)[0][12..], back);

    // Header of 20 bytes with its sum; an echo request with one byte.
    let mut ip = [&[0x45, 0, 0, 29, 0, 0, 0, 0, 64, 1, 0, 0][..], &me, &it].concat();
    let sum = vdev::devices::net::header::checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut icmp = [8, 0, 0, 0, 0, 7, 0, 1, b'x'];
    let sum = vdev::devices::net::header::checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    let ping = [&ip[..], &icmp].concat();
    driver.add(RECEIVE, &[], 9026);
    driver.send(&frame(station::MAC, OWN, 0x800, &ping));
    let received = driver.used(RECEIVE);
    let packet = &received[0][26..];
    assert_eq!(packet[12..20], [it, me].concat());
    assert_eq!(packet[20..22], [0, 0]);
    assert_eq!(packet[24..], icmp[4..]);
    assert_eq!(vdev::devices::net::header::checksum(&packet[20..]), 0);
    // One whose sum is wrong is not answered.
    let mut wrong = ping;
    wrong[28] ^= 1;
    driver.add(RECEIVE, &[], 9026);
    driver.send(&frame(station::MAC, OWN, 0x800, &wrong));
    assert!(driver.used(RECEIVE).is_empty());
    assert_eq!(driver.violations(), [""; 0]);
}

#[test]
fn a_long_frame_fills_all_but_the_last_of_its_buffers() {
    let (mut driver, _peer) = peer(BASE | net::MRG_RXBUF);
    let payload: Vec<u8> = (0..1000u16).map(|at| (at % 251) as u8).collect();
    let sent = frame(OWN, OTHER, 0x88b5, &payload);
    for _ in 0..2 {
        driver.add(RECEIVE, &[], 400);
    }
    assert!(!driver.hears(&sent), "there is not enough room");
    driver.add(RECEIVE, &[], 400);
    let received = driver.used(RECEIVE);
    let lengths: Vec<usize> = received.iter().map(Vec::len).collect();
    assert_eq!(lengths, [400, 400, 226]);
    let bytes = received.concat();
    assert_eq!(bytes[..12], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0]);
    assert_eq!(bytes[12..], sent);
    assert_eq!(driver.violations(), [""; 0]);
}

#[test]
fn buffers_that_are_too_small_are_noticed() {
    for (features, least) in [(0, 1526), (BASE, 9026), (BASE | net::MRG_RXBUF, 12)] {
        let (mut driver, _peer) = peer(features);
        driver.add(RECEIVE, &[], least);
        assert_eq!(driver.violations(), [""; 0], "{least}");
        driver.add(RECEIVE, &[], least - 1);
        assert_eq!(driver.violations().len(), 1, "{least}");
        driver.add(RECEIVE, &[0; 2], least);
        assert_eq!(driver.violations().len(), 2, "{least}");
    }
}

#[test]
fn headers_that_a_driver_must_not_send_are_noticed() {
    let good = frame(OTHER, OWN, 0x88b5, &[0; 50]);
    let cases: &[(&str, u128, &[u8])] = &[
        ("flags without CSUM", 0, &[1]),
        ("unknown flags", net::CSUM, &[4]),
        ("segmentation", net::CSUM, &[1, 1]),
        ("num_buffers", 0, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("a sum outside", net::CSUM, &[1, 0, 0, 0, 0, 0, 60, 0, 3]),
    ];
    for (what, features, start) in cases {
        let (mut driver, _peer) = peer(*features);
        let mut header = [0; 12];
        header[..start.len()].copy_from_slice(start);
        driver.add(TRANSMIT, &[&header[..], &good].concat(), 0);
        assert_eq!(driver.violations().len(), 1, "{what}");
    }
    let (mut driver, from) = peer(BASE);
    driver.add(TRANSMIT, &[0; 20], 0);
    assert_eq!(driver.violations().len(), 1, "no frame");
    driver.used(TRANSMIT);
    driver.send(&frame(OTHER, OWN, 0x88b5, &[0; 9000]));
    assert_eq!(driver.violations().len(), 1, "as long as it may be");
    driver.send(&frame(OTHER, OWN, 0x88b5, &[0; 9001]));
    assert_eq!(driver.violations().len(), 2, "too long");
    assert_eq!(from.try_iter().count(), 2);
}

#[test]
fn checksums_are_completed() {
    let (mut driver, from) = peer(BASE | net::CSUM);
    // The sum from byte 14 on, at 2 bytes behind that, which hold 1 from elsewhere.
    let header = [1, 0, 0, 0, 0, 0, 14, 0, 2, 0, 0, 0];
    let sent = frame(OTHER, OWN, 0x88b5, &[0x12, 0x34, 0, 1, 0x56]);
    driver.add(TRANSMIT, &[&header[..], &sent].concat(), 0);
    let sum = !(0x1234u16 + 1 + 0x5600);
    let [high, low] = sum.to_be_bytes();
    let came = from.try_recv().unwrap();
    assert_eq!(came[14..], [0x12, 0x34, high, low, 0x56]);
    assert_eq!(driver.violations(), [""; 0]);
}

#[test]
fn frames_come_in_as_the_driver_asked_for() {
    let (mut driver, _peer) = peer(ALL);
    for _ in 0..15 {
        driver.add(RECEIVE, &[], 2000);
    }
    let to = |mac| frame(mac, station::MAC, 0x88b5, &[1; 50]);
    assert!(driver.hears(&to(OWN)) && driver.hears(&to([0xff; 6])));
    assert!(!driver.hears(&to(OTHER)) && !driver.hears(&to(GROUP)));
    assert_eq!(driver.command(&[0, 1, 1]), 0);
    assert!(driver.hears(&to(GROUP)) && !driver.hears(&to(OTHER)));
    assert_eq!(driver.command(&[0, 1, 0]), 0);
    assert_eq!(driver.command(&[0, 0, 1]), 0);
    assert!(driver.hears(&to(OTHER)));
    assert_eq!(driver.command(&[0, 0, 0]), 0);
    let table = [&[1, 0, 1, 0, 0, 0][..], &OTHER, &[1, 0, 0, 0], &GROUP].concat();
    driver.next[2] = 0;
    assert_eq!(driver.command(&table), 0);
    assert!(driver.hears(&to(OTHER)) && driver.hears(&to(GROUP)));
    assert_eq!(driver.command(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 0);
    assert!(!driver.hears(&to(OTHER)) && !driver.hears(&to(GROUP)));

    let tagged = frame(OWN, station::MAC, 0x8100, &[0x20, 5, 0x88, 0xb5, 1]);
    assert!(!driver.hears(&tagged));
    assert_eq!(driver.command(&[2, 0, 5, 0]), 0);
    assert!(driver.hears(&tagged));
    assert_eq!(driver.command(&[2, 1, 5, 0]), 0);
    assert!(!driver.hears(&tagged));
    assert_eq!(driver.violations(), [""; 0]);
}

#[test]
fn the_address_is_the_one_that_was_set_until_a_reset() {
    let (mut driver, _peer) = peer(ALL);
    let read = |driver: &mut Driver| -> Vec<u8> {
        let byte = |at| driver.machine.read(pci::at::DEVICE.0 + at, 1) as u8;
        (0..6).map(byte).collect()
    };
    assert_eq!(read(&mut driver), OWN);
    assert_eq!(driver.command(&[&[1, 1][..], &OTHER].concat()), 0);
    assert_eq!(read(&mut driver), OTHER);
    driver.add(RECEIVE, &[], 2000);
    assert!(!driver.hears(&frame(OWN, station::MAC, 0x88b5, &[1; 50])));
    assert!(driver.hears(&frame(OTHER, station::MAC, 0x88b5, &[1; 50])));
    driver.machine.write(reg::STATUS, 1, 0);
    assert_eq!(read(&mut driver), OWN);
}

#[test]
fn commands_that_a_driver_must_not_give_are_refused() {
    let commands: &[&[u8]] = &[
        &[0, 0, 2],
        &[0, 0],
        &[0, 2, 1],
        &[1, 1, 1, 2, 3],
        &[1, 0, 1, 0, 0, 0, 0, 0, 0, 0],
        // One of a group among the others.
        &[1, 0, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0],
        &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
        &[1, 0, 0xff, 0xff, 0xff, 0xff],
        &[2, 0, 0, 0x10],
        &[3, 0, 0],
        &[4, 0, 1, 0],
        &[7],
    ];
    for command in commands {
        let (mut driver, _peer) = peer(ALL);
        assert_eq!(driver.command(command), 1, "{command:?}");
        assert_eq!(driver.violations().len(), 1, "{command:?}");
    }
    let without: &[&[u8]] = &[
        &[0, 0, 1],
        &[2, 0, 1, 0],
        &[3, 0],
        &[1, 1, 2, 2, 3, 4, 5, 6],
    ];
    for command in without {
        let (mut driver, _peer) = peer(net::CTRL_VQ);
        assert_eq!(driver.command(command), 1, "{command:?}");
        assert_eq!(driver.violations().len(), 1, "{command:?}");
    }
}

#[test]
fn nothing_comes_in_or_goes_out_without_a_link() {
    let (mut driver, from) = peer(ALL);
    driver.add(RECEIVE, &[], 2000);
    let sent = frame(OTHER, OWN, 0x88b5, &[1; 50]);
    let came = frame(OWN, OTHER, 0x88b5, &[2; 50]);
    driver.machine.command("do link-down");
    assert_eq!(driver.machine.read(pci::at::DEVICE.0 + 6, 2), 0);
    driver.send(&sent);
    assert!(!driver.hears(&came));
    assert_eq!(from.try_iter().count(), 0);
    driver.machine.command("do link-up");
    assert_eq!(driver.machine.read(pci::at::DEVICE.0 + 6, 2), 1);
    driver.send(&sent);
    assert!(driver.hears(&came));
    assert_eq!(from.try_iter().count(), 1);
}

#[test]
fn a_driver_that_made_itself_known_is_not_asked_again() {
    let (mut driver, _peer) = peer(ALL);
    driver.machine.command("do announce");
    assert_eq!(driver.machine.read(pci::at::DEVICE.0 + 6, 2), 3);
    let generation = driver.machine.read(reg::GENERATION, 1);
    assert_eq!(driver.command(&[3, 0]), 0);
    assert_eq!(driver.machine.read(pci::at::DEVICE.0 + 6, 2), 1);
    assert_ne!(driver.machine.read(reg::GENERATION, 1), generation);
    assert_eq!(driver.violations(), [""; 0]);
}

#[test]
fn a_device_without_a_driver_keeps_nothing() {
    let (mut driver, _peer) = peer(ALL);
    let came = frame(OWN, OTHER, 0x88b5, &[2; 50]);
    assert!(!driver.hears(&came), "no buffer yet");
    driver.machine.write(reg::STATUS, 1, 0);
    driver.machine.arrive(came.clone());
    driver.next = [0; 3];
    driver.added = [0; 3];
    driver.seen = [0; 3];
    let map = driver.machine.map.clone();
    for queue in 0..3 {
        map.write(Driver::ring(queue), &[0; 0x1000]).unwrap();
    }
    driver.begin(ALL | feature::VERSION_1);
    driver.add(RECEIVE, &[], 2000);
    assert!(driver.used(RECEIVE).is_empty());
    assert!(driver.hears(&came));
}
