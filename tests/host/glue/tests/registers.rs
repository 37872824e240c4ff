// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Registers as bytes.

use glue::pci::{
    map,
    Function, //
};
use pure::{
    bringup::RingAddresses,
    transport::pci::common::{
        CommonConfig,
        Registers, //
    }, //
};
use std::cell::Cell;
use std::sync::Arc;

/// Bytes that are registers.
fn bytes(values: &[u8]) -> Vec<Cell<u8>> {
    values.iter().copied().map(Cell::new).collect()
}

/// What is in them.
fn values(bytes: &[Cell<u8>]) -> Vec<u8> {
    bytes.iter().map(Cell::get).collect()
}

/// PCI-LAY-03: the first byte of a register is the lowest one of its value, in either direction.
#[test]
fn registers_are_little_endian() {
    let cells = bytes(&[0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
    let function = Arc::new(Function::default());
    let registers = map(&cells, &function);
    assert_eq!(registers.read8(1), 0x22);
    assert_eq!(registers.read16(2), 0x4433);
    assert_eq!(registers.read32(4), 0x8877_6655);
    registers.write8(0, 0xa1);
    registers.write16(2, 0xb1b2);
    registers.write32(4, 0xc1c2_c3c4);
    let expected = [0xa1, 0x22, 0xb2, 0xb1, 0xc4, 0xc3, 0xc2, 0xc1];
    assert_eq!(values(&cells), expected);
    drop(registers);
    assert_eq!(function.unmapped(), 1);
}

/// Beyond the end, reads give all ones and writes do nothing.
#[test]
fn registers_end() {
    let cells = bytes(&[0; 8]);
    let registers = map(&cells[..6], &Arc::new(Function::default()));
    for offset in [3, 4, 5, 6, usize::MAX - 3, usize::MAX] {
        assert_eq!(registers.read32(offset), u32::MAX);
        registers.write32(offset, u32::MAX);
    }
    assert_eq!(registers.read16(5), u16::MAX);
    assert_eq!(registers.read8(6), u8::MAX);
    assert_eq!(values(&cells), [0; 8]);
}

/// PCI-LAY-03: the addresses of a ring are little-endian as a whole, and so are a queue's size and the
/// features.
#[test]
fn what_a_queue_is_told_is_little_endian() {
    let cells = bytes(&[0; 0x40]);
    let config = CommonConfig::new(map(&cells, &Arc::new(Function::default())));
    let queue = config.queue(0x0102);
    assert!(queue.set_size(0x0304));
    queue.place(RingAddresses {
        descriptor: 0x1112_1314_1516_1718,
        driver: 0x2122_2324_2526_2728,
        device: 0x3132_3334_3536_3738,
    });
    let found = values(&cells);
    assert_eq!(found[0x16..0x1a], [0x02, 0x01, 0x04, 0x03]);
    let ascending = |first: u8| (first..first + 8).rev();
    let expected = ascending(0x11)
        .chain(ascending(0x21))
        .chain(ascending(0x31));
    assert!(found[0x20..0x38].iter().copied().eq(expected));
}
