// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a device does otherwise than it should.
//!
//! A [`Script`] is asked at each register access, each request and each event, and may change the
//! answer or have something done. One that says nothing leaves the device well-behaved.

use crate::event::{
    Event,
    Register, //
};
use device::Chain;
use std::time::Duration;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Whether it is carried out at all.
    pub execute: bool,
    /// What is written to the last byte of its memory, in the end.
    pub tail: Option<u8>,
    /// How much was written, in the words of the device, if that is not so.
    pub claim: Option<u32>,
    /// The id under which it is used, if that is not its own. It is then never used under its own.
    pub entry: Option<u32>,
    /// By how much the used index goes too far.
    pub jump: u16,
    /// Whether it is used twice.
    pub twice: bool,
    /// Whether it is never used.
    pub keep: bool,
    /// Whether there is no interrupt for it.
    pub silent: bool,
    /// How long it takes.
    pub after: Duration,
    /// Whether all descriptors are overwritten first, with flags that make lists of them.
    pub scribble: bool,
    /// Whether the driver's area is overwritten first, which is the driver's to write.
    pub deface: bool,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            execute: true,
            tail: None,
            claim: None,
            entry: None,
            jump: 0,
            twice: false,
            keep: false,
            silent: false,
            after: Duration::ZERO,
            scribble: false,
            deface: false,
        }
    }
}

/// A request that the device is about to answer.
pub struct Taken<'a> {
    /// Its queue.
    pub queue: u16,
    /// How many requests there were before it since the script began.
    pub before: u64,
    /// How often the device was started since then.
    pub starts: u64,
    /// The buffer.
    pub chain: &'a Chain,
}

/// Something that a device does out of turn.
#[derive(Clone, Debug)]
pub enum Action {
    /// Interrupts by all vectors that it ever had, and its line, whatever it was told.
    InterruptAll,
    /// Asks for a reset.
    NeedsReset,
    /// Changes its configuration, and says so unless it is suspended; then it does later.
    Configure(fn(&mut [u8])),
    /// Changes its configuration, and says nothing.
    ConfigureQuietly(fn(&mut [u8])),
    /// Says that it used a buffer: queue, id, bytes.
    Forge(u16, u32, u32),
    /// Answers what it kept: see [`Answer::keep`].
    Release,
    /// Does something later.
    After(Duration, Box<Action>),
}

/// A function that changes what a register reads as.
pub type Reader = Box<dyn FnMut(Register, u64) -> u64 + Send>;
/// A function that changes what a write of a register writes, or swallows it.
pub type Writer = Box<dyn FnMut(Register, u64) -> Option<u64> + Send>;
/// A function that says what becomes of a request.
pub type Answerer = Box<dyn FnMut(&Taken<'_>) -> Answer + Send>;
/// A function that has things done when something happens.
pub type Reaction = Box<dyn FnMut(&Event) -> Vec<Action> + Send>;

/// What a device does otherwise.
#[derive(Default)]
pub struct Script {
    /// Features that it offers in addition.
    pub offer: u128,
    /// Features that it does not offer.
    pub withhold: u128,
    /// What registers read as.
    pub read: Option<Reader>,
    /// What writes do.
    pub write: Option<Writer>,
    /// What becomes of requests.
    pub answer: Option<Answerer>,
    /// What it does out of turn.
    pub react: Option<Reaction>,
    /// Its configuration.
    pub configure: Option<fn(&mut [u8])>,
    /// Bytes of its configuration space: offset and value.
    pub space: Vec<(usize, u8)>,
    /// Entries of its queues at most, instead of what it has.
    pub queue_size: Option<u16>,
    /// How long it takes to suspend itself and to resume.
    pub suspend_after: Duration,
    /// How long it takes to reset a queue.
    pub queue_reset_after: Duration,
    /// Whether it goes on with its queues although it is suspended.
    pub restless: bool,
}
