// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Numbers in what drivers and devices send each other.

use kernel::prelude::*;

use super::byte_order::{
    ByteOrder,
    Number, //
};

/// A number in memory that a device reads or writes.
///
/// It is made with the byte order that the device has, and read with that: there is no other way to
/// it.
#[derive(Clone, Copy, FromBytes, IntoBytes)]
#[repr(transparent)]
pub struct Wire<T>(T);

impl<T: Number> Wire<T> {
    /// A number for a device with this byte order.
    #[inline]
    pub fn new(order: ByteOrder, value: T) -> Self {
        Self(order.encode(value))
    }

    /// The number that a device with this byte order wrote.
    #[inline]
    pub fn get(self, order: ByteOrder) -> T {
        order.decode(self.0)
    }
}
