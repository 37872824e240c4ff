// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Resetting one queue.

use mmio::{
    access::reg,
    ring,
    Access,
    Device,
    Driver,
    Kind, //
};
use pure::bringup::{
    self,
    Failure,
    QUEUE_RESET_TIMEOUT, //
};

/// A device at work, whose queues reset like this.
fn device(queue_reset: (u32, u32)) -> (Device, Driver) {
    let device = Device::new(Kind {
        queue_reset,
        ..Kind::default()
    });
    let driver = Driver::new(&device);
    let _ = driver.probe(&[256, 128]).expect("comes up");
    device.forget();
    (device, driver)
}

/// MMIO-REG-21, MMIO-REG-22, MMIO-REG-23, MMIO-REG-26: a queue is taken back when neither register says
/// that the device has it, and not before; it may have another size and place then.
#[test]
fn a_queue_comes_back_at_another_size() {
    for (busy, lingers) in [(0, 0), (3, 0), (0, 3), (5, 2)] {
        let (device, driver) = device((busy, lingers));
        let renew = |_: &_| {
            assert!(!device.queue(1).ready, "the device has it");
            assert!(device.waited() >= u64::from(busy));
            Ok((32, ring(5)))
        };
        bringup::renew_queue(&driver.0, 1, renew, || true).expect("resets");
        let queue = device.queue(1);
        assert_eq!((queue.size, queue.ready), (Some(32), true));
        assert_eq!(queue.words[&(reg::QUEUE_DESC + 4)], 6);
        assert!(device.queue(0).ready);
        // The registers of the other queue are not touched.
        let selected = device.written(reg::QUEUE_SEL);
        assert!(selected.iter().all(|index| *index == 1));
        assert!(!device.log().contains(&Access::Write(reg::STATUS, 4, 0)));
    }
}

/// MMIO-REG-28: a reset that does not end is given up, and so is one after which the queue is in use.
#[test]
fn a_queue_that_does_not_reset() {
    for queue_reset in [(u32::MAX, 0), (0, u32::MAX)] {
        let (device, driver) = device(queue_reset);
        let renew = |_: &_| panic!("the device has it");
        let result = bringup::renew_queue(&driver.0, 1, renew, || true);
        assert_eq!(result, Err(Failure::Timeout));
        assert!(device.waited() <= QUEUE_RESET_TIMEOUT + 1);
    }
}
