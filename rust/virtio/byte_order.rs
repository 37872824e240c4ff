// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! In which order the bytes of a number lie, where driver and device both look (VIRTIO 1.4, 1.4,
//! 2.5.3 and 2.7.3).
//!
//! The lowest byte comes first, unless the legacy interface of a device is used: there it is the order
//! of the guest, for rings, for requests and for the configuration of most types of devices (not of
//! balloons, 5.5.4). Which one holds is known once a device has been negotiated with, and is a
//! [`ByteOrder`] from then on. Nobody else has to ask.
//!
//! On a machine whose lowest byte comes first both are the same, which the compiler knows.

use core::marker::PhantomData;

/// A kind of machine. Only tests know any but [`Guest`].
pub trait Machine: Copy {
    /// Whether the highest byte comes first.
    const IS_BIG: bool;
}

/// The machine that runs this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {}

impl Machine for Guest {
    const IS_BIG: bool = cfg!(target_endian = "big");
}

/// What a number can be.
mod sealed {
    /// Keeps [`Number`](super::Number) to the types that are here.
    pub trait Sealed {}
}

/// A number that lies in shared memory.
pub trait Number: sealed::Sealed + Copy {
    /// What a processor has to store for the highest byte to come first, and the other way round.
    #[doc(hidden)]
    fn big(self) -> Self;
    /// What a processor has to store for the lowest byte to come first, and the other way round.
    #[doc(hidden)]
    fn little(self) -> Self;
}

/// Makes integers numbers.
macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl sealed::Sealed for $type {}

        impl Number for $type {
            #[inline]
            fn big(self) -> Self {
                self.to_be()
            }

            #[inline]
            fn little(self) -> Self {
                self.to_le()
            }
        }
    )*};
}

numbers!(u16, u32, u64);

/// The order of bytes that driver and device have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteOrder<M = Guest> {
    /// Whether it is the guest's.
    native: bool,
    /// The guest.
    machine: PhantomData<M>,
}

impl<M: Machine> ByteOrder<M> {
    /// The lowest byte first: the order of the specification.
    pub const LITTLE: Self = Self {
        native: false,
        machine: PhantomData,
    };

    /// The order of the guest: that of the legacy interface.
    pub const NATIVE: Self = Self {
        native: true,
        machine: PhantomData,
    };

    /// Whether the highest byte comes first.
    #[inline]
    const fn is_big(self) -> bool {
        M::IS_BIG && self.native
    }

    /// What to store for `value`.
    #[inline]
    pub fn encode<T: Number>(self, value: T) -> T {
        if self.is_big() {
            value.big()
        } else {
            value.little()
        }
    }

    /// The value that is stored as `raw`.
    #[inline]
    pub fn decode<T: Number>(self, raw: T) -> T {
        // Either way it is the same exchange of bytes, or none.
        self.encode(raw)
    }

    /// Two numbers that lie behind each other, as one.
    #[inline]
    pub fn pair(self, first: u16, second: u16) -> u32 {
        let [first, second] = [u32::from(first), second.into()];
        if self.is_big() {
            first << 16 | second
        } else {
            first | second << 16
        }
    }

    /// What to store, as one number, for two that lie behind each other.
    #[inline]
    pub fn encode_pair(self, first: u16, second: u16) -> u32 {
        self.encode(self.pair(first, second))
    }

    /// What to store, as one number, for one and a [`pair`](Self::pair) behind it.
    #[inline]
    pub fn encode_both(self, first: u32, pair: u32) -> u64 {
        let [first, pair] = [u64::from(first), pair.into()];
        if self.is_big() {
            (first << 32 | pair).big()
        } else {
            (first | pair << 32).little()
        }
    }

    /// What to store, as one number, for three that lie behind each other.
    #[inline]
    pub fn encode_three(self, first: u32, second: u16, third: u16) -> u64 {
        self.encode_both(first, self.pair(second, third))
    }

    /// The number that has these bytes.
    pub fn join16(self, bytes: [u8; 2]) -> u16 {
        self.decode(u16::from_ne_bytes(bytes))
    }

    /// The number that has these bytes.
    pub fn join32(self, bytes: [u8; 4]) -> u32 {
        self.decode(u32::from_ne_bytes(bytes))
    }

    /// The number that has these bytes.
    pub fn join64(self, bytes: [u8; 8]) -> u64 {
        self.decode(u64::from_ne_bytes(bytes))
    }

    /// The bytes of a number.
    pub fn split16(self, value: u16) -> [u8; 2] {
        self.encode(value).to_ne_bytes()
    }

    /// The bytes of a number.
    pub fn split32(self, value: u32) -> [u8; 4] {
        self.encode(value).to_ne_bytes()
    }

    /// The bytes of a number.
    pub fn split64(self, value: u64) -> [u8; 8] {
        self.encode(value).to_ne_bytes()
    }
}
