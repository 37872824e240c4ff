// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Virtqueue rings.
//!
//! What is here knows the rules of a ring and nothing of where it lies: memory and barriers come
//! through a trait. It depends on [`core`] only, so the same source is built into the module and
//! into host tests.
//!
//! There are two forms of rings, [`split`] and [`packed`] ones; a [`Ring`] is either. What the driver
//! knows of its chains, the device's faults, and what is counted is the same for both: [`Base`].

mod base;
mod chain;
mod chains;
pub mod descriptor;
mod either;
pub mod event;
mod health;
pub mod layout;
mod memory;
mod options;
pub mod packed;
pub mod size;
pub mod split;
pub mod stats;
mod table;
mod trust;
mod violation;
mod writer;

pub use self::{
    base::Base,
    chain::{
        ChainError,
        Place,
        Used, //
    },
    chains::Slot,
    either::{
        Chain,
        Either,
        Ring, //
    },
    memory::Memory,
    options::{
        LayoutError,
        Options, //
    },
    table::Table,
    violation::Violation,
    writer::ChainWriter,
};
