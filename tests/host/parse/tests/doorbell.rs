// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What doorbells are rung with, and which features of notifications are accepted.

use pure::{
    feature::{
        negotiate,
        transport,
        Feature,
        FeatureSet, //
    },
    id::DeviceId,
    transport::pci::{
        capability::{
            Notify,
            Region, //
        },
        common::{
            CommonConfig,
            Registers, //
        },
        doorbell::{
            self,
            Doorbell, //
        },
        features, //
    },
};
use std::cell::RefCell;

/// A write: width in bytes, offset, value.
type Write = (u8, usize, u32);

/// The index of the queue whose doorbell is rung.
const INDEX: u16 = 0x1234;
/// Its `queue_notif_config_data`.
const CONFIG_DATA: u16 = 0x5678;
/// Where that is.
const QUEUE_NOTIF_CONFIG_DATA: usize = 0x38;

/// Registers of some length that remember what was written.
struct Log {
    len: usize,
    writes: RefCell<Vec<Write>>,
    /// What was read, by offset.
    reads: RefCell<Vec<usize>>,
}

impl Log {
    /// `len` bytes of registers.
    fn new(len: usize) -> Self {
        Self {
            len,
            writes: RefCell::default(),
            reads: RefCell::default(),
        }
    }

    /// Remembers a write.
    fn log(&self, width: u8, offset: usize, value: u32) {
        self.writes.borrow_mut().push((width, offset, value));
    }
}

impl Registers for &Log {
    fn len(&self) -> usize {
        self.len
    }

    fn read8(&self, _offset: usize) -> u8 {
        0
    }

    fn read16(&self, offset: usize) -> u16 {
        self.reads.borrow_mut().push(offset);
        if offset == QUEUE_NOTIF_CONFIG_DATA {
            CONFIG_DATA
        } else {
            0
        }
    }

    fn read32(&self, _offset: usize) -> u32 {
        0
    }

    fn write8(&self, offset: usize, value: u8) {
        self.log(1, offset, value.into());
    }

    fn write16(&self, offset: usize, value: u16) {
        self.log(2, offset, value.into());
    }

    fn write32(&self, offset: usize, value: u32) {
        self.log(4, offset, value);
    }
}

/// What the doorbell of the queue is rung with, and whether the device was asked for that.
fn rung(negotiated: &[Feature], data: u16) -> (Vec<Write>, bool) {
    let features = FeatureSet::of(negotiated);
    let common = Log::new(60);
    let value = doorbell::value(&CommonConfig::new(&common).queue(INDEX), INDEX, features);
    let log = Log::new(doorbell::width(features).into());
    Doorbell::new(&log, value, features).ring(data);
    let asked = common.reads.borrow().contains(&QUEUE_NOTIF_CONFIG_DATA);
    (log.writes.into_inner(), asked)
}

/// NTF-01, PCI-NTF-05, PCI-NTF-07, PCI-COM-19: without the features it is the index, in 16 bits, and the
/// register that may not be there is not read.
#[test]
fn without_data_16_bits_are_written() {
    assert_eq!(rung(&[], 0x8765), (vec![(2, 0, 0x1234)], false));
}

/// NTF-01, PCI-NTF-09: what the device wants to be told stands for the index.
#[test]
fn with_config_data_it_is_what_is_written() {
    assert_eq!(
        rung(&[transport::NOTIF_CONFIG_DATA], 0x8765),
        (vec![(2, 0, 0x5678)], true)
    );
}

/// PCI-NTF-06, PCI-NTF-08, PCI-NTF-10: the index or what stands for it is the lower half.
#[test]
fn with_data_32_bits_are_written_in_one_piece() {
    let both = [transport::NOTIFICATION_DATA, transport::NOTIF_CONFIG_DATA];
    assert_eq!(rung(&both[..1], 0x8765), (vec![(4, 0, 0x8765_1234)], false));
    assert_eq!(rung(&both, 0x8765), (vec![(4, 0, 0x8765_5678)], true));
}

/// What is accepted of a device with this much of a common configuration, and with notifications
/// so laid out.
fn accepted(len: usize, offset: u64, length: u64, multiplier: u32) -> FeatureSet {
    let log = Log::new(len);
    let notify = Notify {
        region: Region {
            bar: 0,
            offset,
            length,
        },
        multiplier,
    };
    features::supported(&CommonConfig::new(&log), &notify, false)
}

/// PCI-COM-19, RSV-13: what a device offers is accepted if it has the register for it, and else not.
#[test]
fn features_whose_registers_are_missing_are_left_alone() {
    for (len, notif_config_data, queue_reset) in [
        (56, false, false),
        (57, false, false),
        (58, true, false),
        (59, true, false),
        (60, true, true),
        (64, true, true),
    ] {
        let features = accepted(len, 0, 4096, 4);
        assert_eq!(
            features.contains(transport::NOTIF_CONFIG_DATA),
            notif_config_data,
            "{len} bytes"
        );
        assert_eq!(
            features.contains(transport::RING_RESET),
            queue_reset,
            "{len} bytes"
        );
    }
}

/// PCI-NTF-02, PCI-NTF-03, PCI-NTF-04: doorbells of 32 bits are 4 bytes apart and aligned, or there
/// are none.
#[test]
fn data_is_left_alone_where_doorbells_are_too_narrow() {
    let data = |offset, length, multiplier| {
        accepted(64, offset, length, multiplier).contains(transport::NOTIFICATION_DATA)
    };
    assert!(data(0, 4096, 4));
    assert!(data(4, 4, 0));
    assert!(!data(2, 4096, 4), "not aligned");
    assert!(!data(0, 3, 0), "too short");
    assert!(!data(0, 4096, 2), "doorbells that overlap");
}

/// RSV-06, RSV-07, RSV-21, RSV-23: what needs nothing but a driver that knows of it is accepted;
/// administration queues, of which the drivers know nothing, are not.
#[test]
fn what_is_known_is_accepted() {
    let features = accepted(56, 0, 4096, 2);
    for known in [
        transport::INDIRECT_DESC,
        transport::EVENT_IDX,
        transport::VERSION_1,
        transport::ACCESS_PLATFORM,
        transport::RING_PACKED,
        transport::IN_ORDER,
        transport::ORDER_PLATFORM,
        transport::SUSPEND,
    ] {
        assert!(features.contains(known), "{known:?}");
        assert!(accepted(64, 0, 4096, 4).contains(known), "{known:?}");
    }
    assert!(!accepted(64, 0, 4096, 4).contains(transport::ADMIN_VQ));
}

/// RSV-10, RSV-16: SR_IOV is for functions that can have virtual ones, whatever the device offers.
#[test]
fn sr_iov_needs_the_capability() {
    let log = Log::new(64);
    let common = CommonConfig::new(&log);
    let region = Region {
        bar: 0,
        offset: 0,
        length: 4096,
    };
    let notify = Notify {
        region,
        multiplier: 4,
    };
    let offered = FeatureSet::from_words([u32::MAX; 4]);
    for capable in [false, true] {
        let supported = features::supported(&common, &notify, capable);
        let accepted = negotiate(offered, FeatureSet::empty(), supported, DeviceId::ENTROPY);
        assert_eq!(accepted.contains(transport::SR_IOV), capable);
    }
}
