// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Notifying a device.

use mmio::{
    access::reg,
    Device,
    Driver,
    Kind, //
};
use pure::{
    feature::{
        transport,
        FeatureSet, //
    },
    transport::{
        doorbell::Doorbell,
        mmio::registers::{
            DOORBELL,
            DOORBELL_LEN, //
        },
        registers::Registers, //
    },
};

/// The doorbell in the registers of a device.
struct Bell(Device);

impl Registers for Bell {
    fn len(&self) -> usize {
        DOORBELL_LEN
    }

    fn read8(&self, _: usize) -> u8 {
        panic!("a doorbell is not read");
    }

    fn read16(&self, _: usize) -> u16 {
        panic!("a doorbell is not read");
    }

    fn read32(&self, _: usize) -> u32 {
        panic!("a doorbell is not read");
    }

    fn write8(&self, offset: usize, value: u8) {
        self.0.write8(DOORBELL + offset, value);
    }

    fn write16(&self, offset: usize, value: u16) {
        self.0.write16(DOORBELL + offset, value);
    }

    fn write32(&self, offset: usize, value: u32) {
        self.0.write32(DOORBELL + offset, value);
    }
}

/// MMIO-NTF-01: the doorbell is one register of 32 bits for all queues. Without NOTIFICATION_DATA the
/// index is all that is written, with it also how far the ring is filled.
#[test]
fn doorbells_are_rung() {
    let device = Device::new(Kind::default());
    let _ = Driver::new(&device).probe(&[256, 128]).expect("comes up");
    device.forget();

    let without = FeatureSet::of(&[transport::VERSION_1, transport::NOTIF_CONFIG_DATA]);
    let with = without.with(transport::NOTIFICATION_DATA);
    for index in [0, 1, 0x1234] {
        for data in [0, 7, 0x8765, u16::MAX] {
            Doorbell::wide(Bell(device.clone()), index, without).ring(data);
            Doorbell::wide(Bell(device.clone()), index, with).ring(data);
            let expected = [u32::from(index), u32::from(index) | u32::from(data) << 16];
            let all = device.notified();
            assert_eq!(all[all.len() - 2..], expected);
        }
    }
    assert_eq!(device.log().len(), device.written(reg::QUEUE_NOTIFY).len());
}
