// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The scenarios that there are.

mod basic;
mod blk;
mod claims;
mod hostile;
mod moments;
mod net;
mod rings;
mod suspend;

use crate::scenario::Scenario;

/// All but the good one.
pub(crate) static ALL: &[&[Scenario]] = &[
    basic::ALL,
    blk::ALL,
    claims::ALL,
    hostile::ALL,
    moments::ALL,
    net::ALL,
    rings::ALL,
    suspend::ALL,
];
