// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Campaigns: a device that does anything at random, from a seed.
//!
//! The same seed and the same accesses give the same decisions. Each kind of decision has numbers of
//! its own, so that one more read does not change what becomes of requests. What was altered is in the
//! log, as a note.

use crate::{
    event::Event,
    scenario::Scenario,
    script::{
        Action,
        Answer,
        Script, //
    },
};
use std::time::Duration;

/// Scenarios of this name and a number are campaigns; the number is the seed.
pub const PREFIX: &str = "campaign-";

/// Nothing is said of the driver: what it is to do is seen in the guest.
pub(crate) static CAMPAIGN: Scenario = Scenario {
    name: "campaign",
    script: Script::default,
    verdict: |_| Ok(()),
};

/// Numbers from a seed: splitmix64.
struct Dice(u64);

impl Dice {
    /// Numbers for one kind of decisions.
    fn new(seed: u64, kind: u64) -> Self {
        let mut dice = Self(seed ^ kind.wrapping_mul(0xd134_2543_de82_ef95));
        dice.next();
        dice
    }

    /// The next number.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    }

    /// Whether something that happens once in so many times happens. 0: never.
    fn once_in(&mut self, times: u64) -> bool {
        times != 0 && self.next() % times == 0
    }
}

/// Something near what it should be, or far from it.
fn other(dice: &mut Dice, old: u64) -> u64 {
    match dice.next() % 8 {
        0 => 0,
        1 => u64::MAX,
        2 => old.wrapping_add(1),
        3 => old.wrapping_sub(1),
        4 => old << 1,
        5 | 6 => old ^ 1 << (dice.next() % 32),
        _ => dice.next(),
    }
}

/// What becomes of a request, but for what a driver can live with for long.
fn wild(dice: &mut Dice) -> Answer {
    let value = (dice.next() >> 16) as u32; // CAST: Any bits do.
    let mut answer = Answer::default();
    match dice.next() % 8 {
        0 => answer.entry = Some(value % 16),
        1 => answer.entry = Some(value),
        2 => answer.jump = (value & 0xffff) as u16,
        3 => answer.jump = 1,
        4 => answer.twice = true,
        5 => answer.keep = true,
        6 => answer.scribble = true,
        _ => answer.execute = false,
    }
    answer
}

/// A wrong length, a late answer, a wrong status, or no interrupt: the queue can go on. What is drawn
/// from a generator is not altered: it is looked at.
fn mild(dice: &mut Dice, has_status: bool) -> Answer {
    let value = dice.next();
    let mut answer = Answer::default();
    match value % 4 {
        0 => answer.claim = Some((value >> 32) as u32),
        1 => answer.claim = Some((value >> 32) as u32 % 128),
        2 => answer.after = Duration::from_millis(value >> 32 & 3),
        3 if has_status => answer.tail = Some((value >> 32) as u8),
        _ => answer.silent = true,
    }
    answer
}

/// The device of a seed. Its temper is the seed's as well: the rarer something is, the farther the
/// driver gets.
pub fn script(seed: u64) -> Script {
    let mut temper = Dice::new(seed, 0);
    let mut pick = |choices: [u64; 4]| choices[(temper.next() % 4) as usize];
    let (registers, spurious) = (pick([0, 64, 16, 4]), pick([0, 64, 16, 4]));
    let (milds, wilds) = (pick([1, 2, 4, 16]), pick([0, 0, 64, 8]));
    let configures = pick([0, 0, 64, 8]);
    let space = pick([0, 0, 0, 1]);

    let mut reads = Dice::new(seed, 1);
    let mut answers = Dice::new(seed, 2);
    let mut events = Dice::new(seed, 3);
    let mut bytes = Dice::new(seed, 4);
    Script {
        read: Some(Box::new(move |_, old| match reads.once_in(registers) {
            true => other(&mut reads, old),
            false => old,
        })),
        answer: Some(Box::new(move |taken| {
            if answers.once_in(wilds) {
                wild(&mut answers)
            } else if answers.once_in(milds) {
                mild(&mut answers, taken.chain.readable != 0)
            } else {
                Answer::default()
            }
        })),
        react: Some(Box::new(move |event| {
            // What actions cause is not to cause actions without an end.
            if matches!(event, Event::Interrupt(_) | Event::Note(_)) {
                return Vec::new();
            }
            let mut actions = Vec::new();
            if events.once_in(spurious) {
                actions.push(Action::InterruptAll);
            }
            if events.once_in(configures) {
                actions.push(match events.next() % 4 {
                    0 => {
                        Action::Configure(|config| config.iter_mut().for_each(|byte| *byte ^= 0x81))
                    }
                    1 => Action::ConfigureQuietly(|config| config.fill(0)),
                    2 => Action::ConfigureQuietly(|config| config.reverse()),
                    _ => Action::NeedsReset,
                });
            }
            actions
        })),
        // A byte of the capabilities, where QEMU lets the guest see it.
        space: (0..space)
            .map(|_| (0x40 + (bytes.next() % 0x70) as usize, bytes.next() as u8))
            .collect(),
        ..Script::default()
    }
}
