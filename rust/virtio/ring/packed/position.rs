// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Positions in a packed ring.

use super::flags;

/// A position in the ring: the number of the descriptor, and the wrap counter of the round in which
/// it is meant (VIRTIO 1.4, 2.8.1). Kept as event suppression and notifications have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position(u16);

impl Position {
    /// The bit of the wrap counter.
    const WRAP: u16 = 1 << 15;

    /// Where both sides begin.
    pub(super) const START: Self = Self(Self::WRAP);

    /// As it is told to the device.
    #[inline]
    pub(super) fn get(self) -> u16 {
        self.0
    }

    /// What a device told, which may be no position at all.
    #[inline]
    pub(super) fn told(value: u16) -> Self {
        Self(value)
    }

    /// The number of the descriptor.
    #[inline]
    pub(super) fn offset(self) -> u16 {
        self.0 & !Self::WRAP
    }

    /// The wrap counter.
    #[inline]
    fn wrap(self) -> bool {
        self.0 & Self::WRAP != 0
    }

    /// The position `count` descriptors on, in a ring of `size`, which is no less than that.
    #[inline]
    pub(super) fn advance(self, count: u16, size: u16) -> Self {
        // Less than 2^15 and no more than 2^15.
        let offset = self.offset().wrapping_add(count);
        if offset >= size {
            self.next_round(offset.wrapping_sub(size))
        } else {
            Self(self.0.wrapping_add(count))
        }
    }

    /// This offset in the round after this one.
    #[cold]
    fn next_round(self, offset: u16) -> Self {
        Self(offset | (self.0 & Self::WRAP ^ Self::WRAP))
    }

    /// The flags by which a descriptor at this position is available.
    #[inline]
    pub(super) fn available(self) -> u16 {
        if self.wrap() {
            flags::AVAIL
        } else {
            flags::USED
        }
    }

    /// Whether flags say that the descriptor at this position is used.
    #[inline]
    pub(super) fn is_used(self, flags: u16) -> bool {
        let used = if self.wrap() {
            flags::AVAIL | flags::USED
        } else {
            0
        };
        flags & (flags::AVAIL | flags::USED) == used
    }

    /// The offset as seen from `end`, modulo 2^16, if this is no further back than one round: less
    /// than zero in the round before.
    #[inline]
    pub(super) fn before(self, end: Self, size: u16) -> u16 {
        if self.wrap() == end.wrap() {
            self.offset()
        } else {
            self.in_last_round(size)
        }
    }

    /// The offset as seen from the round after this one.
    #[cold]
    fn in_last_round(self, size: u16) -> u16 {
        self.offset().wrapping_sub(size)
    }
}
