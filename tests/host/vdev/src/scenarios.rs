// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The scenarios that there are.

mod basic;
mod blk;
mod cache;
mod capacity;
mod claims;
mod deaf;
mod hostile;
mod legacy;
mod mmio;
mod moments;
mod net;
mod offers;
mod order;
mod places;
mod rings;
mod suspend;
mod transitional;
mod zoned;

use crate::scenario::Scenario;

/// All but the good one, and those of legacy interfaces.
static MODERN: &[&[Scenario]] = &[
    basic::ALL,
    blk::ALL,
    cache::ALL,
    capacity::ALL,
    claims::ALL,
    deaf::ALL,
    hostile::ALL,
    mmio::ALL,
    moments::ALL,
    net::ALL,
    offers::ALL,
    order::ALL,
    places::ALL,
    rings::ALL,
    suspend::ALL,
    transitional::ALL,
    zoned::ALL,
];

/// All but the good one.
pub(crate) fn all() -> impl Iterator<Item = &'static [Scenario]> {
    MODERN.iter().chain(legacy::ALL).copied()
}
