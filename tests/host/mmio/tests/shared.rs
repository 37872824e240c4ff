// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Shared memory.

use mmio::{
    access::reg,
    Access,
    Device,
    Kind, //
};
use pure::transport::mmio::registers::{
    Block,
    SharedMemory, //
};

/// MMIO-REG-29: a region that is not there reads as all ones, and is none; nor is one that is empty, or
/// that has no end.
#[test]
fn regions_that_are_not_there() {
    let device = Device::new(Kind {
        may_share: true,
        ..Kind::default()
    });
    let block = Block::new(device.clone());
    let expected = SharedMemory {
        base: 0x7_4000_0000,
        length: 0x7_4000_0001,
    };
    assert_eq!(block.shared_memory(1), Some(expected));
    assert_eq!(device.log()[0], Access::Write(reg::SHM_SEL, 4, 1));
    for id in [0, 2, 3, 4, 5, u8::MAX] {
        assert_eq!(block.shared_memory(id), None, "region {id}");
    }
}
