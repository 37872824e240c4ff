// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! How much of what a driver was told is not as it should be, by kind.

use crate::{
    event::{
        Register,
        Structure, //
    },
    script::{
        Action,
        Answer, //
    },
};
use std::fmt;

/// Numbers since the device was made, whatever its scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Altered {
    /// Buffers used with another id, length, index, status or contents, or twice, or when
    /// descriptors were overwritten.
    pub completions: u64,
    /// Buffers that were kept.
    pub withheld: u64,
    /// Buffers that were used later than they could have been.
    pub late: u64,
    /// Interrupts without a reason, and reasons without an interrupt.
    pub interrupts: u64,
    /// Answers of registers of the transport.
    pub registers: u64,
    /// Answers of the configuration of the device's type, and changes of it.
    pub configuration: u64,
    /// Resets that were asked for.
    pub resets: u64,
    /// Bytes of capabilities.
    pub capabilities: u64,
}

impl Altered {
    /// A register was read as something else.
    pub(crate) fn register(&mut self, (structure, _): Register) {
        match structure {
            Structure::Device => self.configuration += 1,
            _ => self.registers += 1,
        }
    }

    /// Something was done out of turn. Interrupts are counted one by one, where they are made.
    pub(crate) fn action(&mut self, action: &Action) {
        match action {
            Action::NeedsReset => self.resets += 1,
            Action::Configure(_) | Action::ConfigureQuietly(_) => self.configuration += 1,
            Action::Forge(..) => self.completions += 1,
            Action::InterruptAll | Action::Release | Action::After(..) => {}
        }
    }

    /// A request will be answered like this.
    pub(crate) fn answer(&mut self, answer: &Answer) {
        self.withheld += u64::from(answer.keep);
        self.late += u64::from(!answer.after.is_zero());
    }

    /// Buffer `id` was used like this, and so many bytes were written; `wanted` says whether the
    /// driver wanted to be told.
    pub(crate) fn completion(&mut self, answer: &Answer, id: u32, written: u32, wanted: bool) {
        let differs = answer.entry.is_some_and(|entry| entry != id)
            || answer.claim.is_some_and(|claim| claim != written)
            || answer.jump != 0
            || answer.tail.is_some()
            || answer.twice
            || answer.scribble
            || answer.deface
            || !answer.execute;
        self.completions += u64::from(differs);
        self.interrupts += u64::from(wanted && answer.silent);
    }
}

impl fmt::Display for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "completions {} withheld {} late {} interrupts {} registers {} configuration {} \
             resets {} capabilities {}",
            self.completions,
            self.withheld,
            self.late,
            self.interrupts,
            self.registers,
            self.configuration,
            self.resets,
            self.capabilities,
        )
    }
}
