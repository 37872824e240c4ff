// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The order of bytes, on machines of both kinds.

use pure::byte_order::{
    ByteOrder,
    Guest,
    Machine, //
};

/// A machine whose highest byte comes first.
#[derive(Clone, Copy)]
enum Big {}

impl Machine for Big {
    const IS_BIG: bool = true;
}

/// A machine whose lowest byte comes first.
#[derive(Clone, Copy)]
enum Little {}

impl Machine for Little {
    const IS_BIG: bool = false;
}

/// The bytes that a number has in memory, when a processor stores it.
fn stored<M: Machine>(order: ByteOrder<M>) -> ([u8; 2], [u8; 4], [u8; 8]) {
    (
        order.encode(0x0102_u16).to_ne_bytes(),
        order.encode(0x0102_0304_u32).to_ne_bytes(),
        order.encode(0x0102_0304_0506_0708_u64).to_ne_bytes(),
    )
}

/// Lowest byte first.
const UP: ([u8; 2], [u8; 4], [u8; 8]) = ([2, 1], [4, 3, 2, 1], [8, 7, 6, 5, 4, 3, 2, 1]);
/// Highest byte first.
const DOWN: ([u8; 2], [u8; 4], [u8; 8]) = ([1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8]);

/// VQ-SPLIT-06, CFG-08, BLK-LEG-03: what lies in memory is the lowest byte first, unless it is in the order of a
/// guest that has its highest first.
#[test]
fn numbers_are_stored_in_the_order_that_was_chosen() {
    assert_eq!(stored(ByteOrder::<Little>::LITTLE), UP);
    assert_eq!(stored(ByteOrder::<Little>::NATIVE), UP);
    assert_eq!(stored(ByteOrder::<Big>::LITTLE), UP);
    assert_eq!(stored(ByteOrder::<Big>::NATIVE), DOWN);
    let here = if cfg!(target_endian = "big") {
        DOWN
    } else {
        UP
    };
    assert_eq!(stored(ByteOrder::<Guest>::NATIVE), here);
    assert_eq!(stored(ByteOrder::<Guest>::LITTLE), UP);
}

/// What was stored is read as the same number, whole or by bytes.
fn check_reading<M: Machine>(order: ByteOrder<M>, expected: ([u8; 2], [u8; 4], [u8; 8])) {
    let (two, four, eight) = expected;
    assert_eq!(order.decode(u16::from_ne_bytes(two)), 0x0102);
    assert_eq!(order.join16(two), 0x0102);
    assert_eq!(order.join32(four), 0x0102_0304);
    assert_eq!(order.join64(eight), 0x0102_0304_0506_0708);
    assert_eq!(order.split16(0x0102), two);
    assert_eq!(order.split32(0x0102_0304), four);
    assert_eq!(order.split64(0x0102_0304_0506_0708), eight);
}

/// CFG-08: the same by bytes.
#[test]
fn numbers_are_read_in_the_order_that_was_chosen() {
    check_reading(ByteOrder::<Little>::NATIVE, UP);
    check_reading(ByteOrder::<Big>::LITTLE, UP);
    check_reading(ByteOrder::<Big>::NATIVE, DOWN);
}

/// VQ-SPLIT-06: what is stored as one number lies as if each part of it had been stored by itself.
#[test]
fn three_fields_are_stored_as_one() {
    fn check<M: Machine>(order: ByteOrder<M>) {
        let whole = order
            .encode_three(0x0102_0304, 0x0506, 0x0708)
            .to_ne_bytes();
        let first = order.encode(0x0102_0304_u32).to_ne_bytes();
        let second = order.encode(0x0506_u16).to_ne_bytes();
        let third = order.encode(0x0708_u16).to_ne_bytes();
        assert_eq!(whole[..], [&first[..], &second, &third].concat());
    }
    check(ByteOrder::<Little>::LITTLE);
    check(ByteOrder::<Big>::LITTLE);
    check(ByteOrder::<Big>::NATIVE);
}
