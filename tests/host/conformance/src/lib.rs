// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The checker of the conformance table, `Documentation/conformance.tsv`.
//!
//! It makes sure that the table is complete and that each test that it names is there. That the
//! test asserts what the requirement says is for people to see to; but the test has to name the
//! requirement as well, so that nobody changes one without coming across the other.

mod source;
mod table;
mod tree;

pub use self::{
    table::{
        check,
        Group,
        Status,
        Summary, //
    },
    tree::Tree, //
};

/// The groups of the table, and how many requirements each has.
///
/// The numbers are those of the list from which the table was made: VIRTIO 1.4, committee
/// specification 1.
pub const GROUPS: &[Group] = &[
    Group("basic", 102),
    Group("split", 48),
    Group("packed", 38),
    Group("pci", 76),
    Group("pci-legacy", 20),
    Group("mmio", 42),
    Group("mmio-legacy", 13),
    Group("blk", 65),
    Group("rng", 6),
    Group("reserved-features", 23),
];
