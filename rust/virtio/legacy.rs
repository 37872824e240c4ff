// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the legacy interface asks of rings (VIRTIO 1.4, 2.7.2).
//!
//! A ring is one block of memory there, which the device is told the page of: descriptors, available
//! ring, nothing up to the next multiple of an alignment, used ring.

use super::{
    bringup::RingAddresses,
    ring::layout, //
};

/// Where a legacy device looks for rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legacy {
    /// Of what the place of the used ring is a multiple: a power of two.
    pub align: u32,
    /// Bytes of the pages by which it counts: a power of two.
    pub page: u32,
    /// Whether the size of a queue is the device's choice alone.
    pub fixed_size: bool,
}

impl Legacy {
    /// The number of the page at which the ring of `size` entries begins. [`None`] when the device
    /// could not find it: it is too far up in memory for a number of 32 bits, on page 0 (that says
    /// that there is none), not at the beginning of a page, or its parts are not where the device
    /// thinks that they are.
    pub fn page_number(&self, size: u16, ring: RingAddresses) -> Option<u32> {
        let align = usize::try_from(self.align).ok()?;
        if !layout::is_valid_size(size) || !align.is_power_of_two() {
            return None;
        }
        let parts = layout::parts(size, align);
        let at = |offset: usize| ring.descriptor.checked_add(u64::try_from(offset).ok()?);
        if at(parts.driver) != Some(ring.driver) || at(parts.device) != Some(ring.device) {
            return None;
        }
        let page = u64::from(self.page);
        if ring.descriptor.checked_rem(page)? != 0 {
            return None;
        }
        let number = u32::try_from(ring.descriptor.checked_div(page)?).ok()?;
        (number != 0).then_some(number)
    }
}
