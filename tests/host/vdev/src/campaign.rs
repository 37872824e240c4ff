// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Campaigns: a device that does anything at random, from a seed.
//!
//! The same seed and the same accesses give the same decisions. Each register, queue and kind of
//! event has numbers of its own, so that one more poll of the status does not change what becomes of
//! anything else. What was altered is in the log, as a note, and is counted: see
//! [`Altered`](crate::altered::Altered).
//!
//! Seeds in a row have each [`Temper`] in turn: most devices that do anything at all are refused at
//! once, so that their drivers would see little of what can go wrong later.

use crate::{
    common::feature,
    event::{
        Event,
        Register,
        Structure, //
    },
    scenario::{
        lawful,
        Scenario, //
    },
    script::{
        Action,
        Answer,
        Script,
        Taken, //
    },
};
use std::time::Duration;

/// Scenarios of this name and a number are campaigns; the number is the seed.
pub const PREFIX: &str = "campaign-";

/// Nothing is said of the driver: what it is to do is seen in the guest.
static ANYTHING: Scenario = Scenario {
    name: "campaign",
    script: Script::default,
    verdict: |_| Ok(()),
};

/// The driver breaks no rule, as the device keeps to those of rings and registers.
static LAWFUL: Scenario = Scenario {
    name: "campaign-lawful",
    script: Script::default,
    verdict: lawful,
};

/// What a device is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temper {
    /// It says what is not so of answers, in ways that a queue can live with: most of them for long.
    Mild,
    /// So it does, and answers late, without an interrupt, or interrupts without an answer.
    Late,
    /// It breaks the rules of rings, now and then.
    Wild,
    /// Its registers read as anything.
    Registers,
    /// Its capabilities and its configuration are anything, and change.
    Configuration,
    /// All at once.
    All,
}

impl Temper {
    /// That of a seed. The guest knows this too: tests/selftests/vdev-hostile.py.
    pub fn of(seed: u64) -> Self {
        match seed / 4 % 8 {
            0 | 1 => Self::Mild,
            2 => Self::Late,
            3 => Self::Wild,
            4 | 5 => Self::Registers,
            6 => Self::Configuration,
            _ => Self::All,
        }
    }
}

/// What is to be said of the driver of this device.
pub(crate) fn scenario(seed: u64) -> &'static Scenario {
    match Temper::of(seed) {
        Temper::Mild => &LAWFUL,
        _ => &ANYTHING,
    }
}

/// Numbers from a seed: splitmix64.
pub(crate) struct Dice(u64);

impl Dice {
    /// Numbers for one kind of decisions about one thing.
    pub(crate) fn new(seed: u64, kind: u64, thing: u64) -> Self {
        let mut dice = Self(seed ^ kind.wrapping_mul(0xd134_2543_de82_ef95));
        dice.0 = dice.next() ^ thing.wrapping_mul(0xaf25_1af3_b0f0_25b5);
        dice.next();
        dice
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ value >> 31
    }

    /// Whether something that happens once in so many times happens. 0: never.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        times != 0 && self.next() % times == 0
    }

    /// One of these.
    fn pick<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        choices[(self.next() % N as u64) as usize]
    }
}

/// Dice for one kind of decisions, a pair for each thing that is decided about.
struct DiceBox {
    seed: u64,
    kind: u64,
    dice: Vec<(u64, Dice)>,
}

impl DiceBox {
    /// A box of dice that are made when they are needed.
    fn new(seed: u64, kind: u64) -> Self {
        Self {
            seed,
            kind,
            dice: Vec::new(),
        }
    }

    /// Those of a thing.
    fn of(&mut self, thing: u64) -> &mut Dice {
        let known = self.dice.iter().position(|(known, _)| *known == thing);
        let at = known.unwrap_or_else(|| {
            let dice = Dice::new(self.seed, self.kind, thing);
            self.dice.push((thing, dice));
            self.dice.len() - 1
        });
        &mut self.dice[at].1
    }
}

/// How rare things are that the device does: once in so many times, or never (0).
#[derive(Clone, Copy, Debug, Default)]
struct Rates {
    /// Registers of the transport that read as something else.
    registers: u64,
    /// Configuration of the type that reads as something else.
    fields: u64,
    /// Answers with a wrong length or status.
    milds: u64,
    /// Answers against the rules of rings.
    wilds: u64,
    /// Answers that come late.
    late: u64,
    /// Answers without an interrupt.
    silent: u64,
    /// Events after which it interrupts for no reason.
    spurious: u64,
    /// Events after which its configuration changes, or it asks for a reset.
    changes: u64,
    /// Bytes of its capabilities that are others: their number.
    capabilities: u64,
}

impl Rates {
    /// Those of a seed: the rarer things are, the farther the driver gets.
    fn of(seed: u64, dice: &mut Dice) -> Self {
        let none = Self::default();
        match Temper::of(seed) {
            Temper::Mild => Self {
                milds: dice.pick([1, 1, 2, 4]),
                spurious: dice.pick([0, 0, 64, 16]),
                ..none
            },
            Temper::Late => Self {
                milds: dice.pick([1, 2, 4, 16]),
                late: dice.pick([0, 4, 16, 64]),
                silent: dice.pick([0, 64, 256, 1024]),
                spurious: dice.pick([0, 4, 16, 64]),
                ..none
            },
            Temper::Wild => Self {
                milds: dice.pick([0, 1, 2, 4]),
                wilds: dice.pick([8, 32, 128, 512]),
                ..none
            },
            Temper::Registers => Self {
                registers: dice.pick([2, 4, 8, 16]),
                ..none
            },
            Temper::Configuration => Self {
                fields: dice.pick([0, 1, 4, 16]),
                milds: dice.pick([0, 4, 16, 64]),
                changes: dice.pick([0, 8, 32, 128]),
                capabilities: dice.pick([0, 0, 1, 2]),
                ..none
            },
            Temper::All => Self {
                registers: dice.pick([0, 8, 32, 128]),
                fields: dice.pick([0, 4, 16, 64]),
                milds: dice.pick([1, 2, 4, 16]),
                wilds: dice.pick([0, 64, 256, 8]),
                late: dice.pick([0, 16, 64, 256]),
                silent: dice.pick([0, 0, 256, 1024]),
                spurious: dice.pick([0, 4, 16, 64]),
                changes: dice.pick([0, 0, 64, 256]),
                capabilities: dice.pick([0, 0, 0, 1]),
            },
        }
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

/// What breaks the rules of a ring.
fn wild(dice: &mut Dice) -> Answer {
    let value = (dice.next() >> 16) as u32; // CAST: Any bits do.
    let mut answer = Answer::default();
    match dice.next() % 9 {
        0 => answer.entry = Some(value % 16),
        1 => answer.entry = Some(value),
        2 => answer.jump = (value & 0xffff) as u16,
        3 => answer.jump = 1,
        4 => answer.twice = true,
        5 => answer.keep = true,
        6 => answer.scribble = true,
        7 => answer.deface = true,
        _ => answer.execute = false,
    }
    answer
}

/// What a queue can live with: a wrong length, and of a request with a header a wrong status.
fn mild(dice: &mut Dice, taken: &Taken<'_>) -> Answer {
    let value = (dice.next() >> 16) as u32; // CAST: Any bits do.
    let room = u32::try_from(taken.chain.writable).unwrap_or(u32::MAX);
    let mut answer = Answer::default();
    match dice.next() % 8 {
        0 => answer.claim = Some(value),
        1 => answer.claim = Some(room.wrapping_add(value % 64)),
        2 | 3 if taken.chain.readable != 0 => answer.tail = Some((1 + value % 255) as u8),
        // Nothing at all is an error, which ends what is read at once.
        _ => answer.claim = Some(1 + value % room.max(1)),
    }
    answer
}

/// What a register is to its dice.
fn thing((structure, offset): Register) -> u64 {
    let structure = match structure {
        Structure::Common => 0,
        Structure::Isr => 1,
        Structure::Device => 2,
        Structure::Notify => 3,
        Structure::Legacy => 4,
        Structure::Mmio => 5,
    };
    structure << 32 | offset
}

/// What an event is to its dice. Those that actions cause are nothing: they are not to cause actions
/// without an end.
fn kind(event: &Event) -> Option<u64> {
    match event {
        Event::Read(..) => Some(0),
        Event::Write(..) => Some(1),
        Event::Status(_) => Some(2),
        Event::Enabled(..) => Some(3),
        Event::Kick(_) => Some(4),
        Event::Taken(queue, ..) => Some(0x100 + u64::from(*queue)),
        Event::Used(queue, ..) => Some(0x1_0000 + u64::from(*queue)),
        Event::Reset => Some(5),
        _ => None,
    }
}

/// What the device does out of turn.
fn change(dice: &mut Dice) -> Action {
    match dice.next() % 4 {
        0 => Action::Configure(|config| config.iter_mut().for_each(|byte| *byte ^= 0x81)),
        1 => Action::ConfigureQuietly(|config| config.fill(0)),
        2 => Action::ConfigureQuietly(|config| config.reverse()),
        _ => Action::NeedsReset,
    }
}

/// The device of a seed.
pub fn script(seed: u64) -> Script {
    let mut dice = Dice::new(seed, 0, 0);
    let rates = Rates::of(seed, &mut dice);
    // Forms of rings other than those that the device has in any scenario.
    let withhold = dice.pick([
        0,
        0,
        feature::EVENT_IDX,
        feature::INDIRECT,
        feature::EVENT_IDX | feature::INDIRECT,
    ]);
    let offer = dice.pick([
        0,
        0,
        feature::RING_RESET,
        feature::SUSPEND,
        feature::RING_RESET | feature::SUSPEND,
    ]);
    let queue_size = dice.pick([None, None, None, Some(16), Some(256)]);
    let space = (0..rates.capabilities)
        // Where QEMU lets the guest see them.
        .map(|_| (0x4c + (dice.next() % 0x58) as usize, dice.next() as u8))
        .collect();

    let mut reads = DiceBox::new(seed, 1);
    let mut answers = DiceBox::new(seed, 2);
    let mut events = DiceBox::new(seed, 3);
    Script {
        offer,
        withhold,
        queue_size,
        space,
        read: Some(Box::new(move |register, old| {
            let dice = reads.of(thing(register));
            let rate = match register.0 {
                Structure::Device => rates.fields,
                _ => rates.registers,
            };
            match dice.once_in(rate) {
                true => other(dice, old),
                false => old,
            }
        })),
        answer: Some(Box::new(move |taken| {
            let dice = answers.of(taken.queue.into());
            let mut answer = if dice.once_in(rates.wilds) {
                wild(dice)
            } else if dice.once_in(rates.milds) {
                mild(dice, taken)
            } else {
                Answer::default()
            };
            if dice.once_in(rates.late) {
                answer.after = Duration::from_millis(1 + dice.next() % 4);
            }
            answer.silent = dice.once_in(rates.silent);
            answer
        })),
        react: Some(Box::new(move |event| {
            let Some(kind) = kind(event) else {
                return Vec::new();
            };
            let dice = events.of(kind);
            let mut actions = Vec::new();
            if dice.once_in(rates.spurious) {
                actions.push(Action::InterruptAll);
            }
            if dice.once_in(rates.changes) {
                actions.push(change(dice));
            }
            actions
        })),
        ..Script::default()
    }
}
