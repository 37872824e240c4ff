// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The window for tests: the last 64 bytes of configuration space.
//!
//! What is written there, with its end filled with zeroes, is a command, and is carried out when the
//! last byte is written. What it answers is read there, 64 bytes at a time: each read of the first
//! byte shows the next ones, and zeroes are its end.
//!
//! | command           | what                                                        |
//! | ----------------- | ----------------------------------------------------------- |
//! | `scenario NAME`   | begins the scenario: `ok`, or `no such scenario`;           |
//! |                   | `campaign-SEED` is one at random, see [`campaign`]          |
//! | `verdict`         | `pass`, or `fail` and what is wrong with the log            |
//! | `verdict but TEXT`| the same, but for violations that begin with TEXT           |
//! | `log`             | the last lines of the log, but for mappings                 |
//! | `count TEXT`      | lines of the log that begin with TEXT                       |
//! | `altered`         | how much was not as it should be, by kind                     |
//! | `mapped`          | how many bytes of memory the device may use                 |
//! | `power WHAT`      | of a disk: `cut SEED`, it goes off after some requests and what was |
//! |                   | not flushed may be lost; `lie SEED`, the same, and flushes do nothing;    |
//! |                   | `on`, it is back                                            |
//! | `do NAME`         | something out of turn; see [`Machine::command`]             |

use crate::{
    campaign,
    devices::{
        blk::config::MODEL,
        net::config::{
            ANNOUNCE,
            LINK_UP,
            STATUS, //
        }, //
    },
    event::Event,
    machine::Machine,
    pci,
    scenario,
    script::Action, //
};

/// Changes the status of a network device: what stays, and what is added.
fn net_status(config: &mut [u8], stays: u8, added: u8) {
    if let Some(status) = config.get_mut(STATUS) {
        *status = *status & stays | added;
    }
}

/// Changes the capacity of a block device.
fn capacity(config: &mut [u8], change: fn(u64) -> u64) {
    if let Some(capacity) = config.first_chunk_mut::<8>() {
        *capacity = change(u64::from_le_bytes(*capacity)).to_le_bytes();
    }
}

/// Where the window is.
const WINDOW: std::ops::Range<usize> = pci::SIZE - 64..pci::SIZE;

/// The state of the window.
#[derive(Default)]
pub(crate) struct Control {
    /// The command that is being written.
    command: Vec<u8>,
    /// The rest of the answer.
    answer: Vec<u8>,
    /// What is shown of it.
    shown: Vec<u8>,
}

impl Machine {
    /// Reads the window, if these are its bytes.
    pub(crate) fn control_read(&mut self, offset: usize, width: usize) -> Option<u64> {
        if !WINDOW.contains(&offset) {
            return None;
        }
        if offset == WINDOW.start {
            let rest = self
                .control
                .answer
                .split_off(self.control.answer.len().min(64));
            self.control.shown = std::mem::replace(&mut self.control.answer, rest);
        }
        let at = offset - WINDOW.start;
        let byte = |at: usize| u64::from(self.control.shown.get(at).copied().unwrap_or(0));
        Some(
            (at..at + width)
                .rev()
                .fold(0, |value, at| value << 8 | byte(at)),
        )
    }

    /// Writes the window, if these are its bytes.
    pub(crate) fn control_write(&mut self, offset: usize, bytes: &[u8]) -> bool {
        if !WINDOW.contains(&offset) {
            return false;
        }
        self.control.command.resize(64, 0);
        for (at, byte) in (offset - WINDOW.start..).zip(bytes) {
            if let Some(place) = self.control.command.get_mut(at) {
                *place = *byte;
            }
        }
        if offset + bytes.len() >= WINDOW.end {
            let command = std::mem::take(&mut self.control.command);
            let command = String::from_utf8_lossy(&command);
            let answer = self.command(command.trim_end_matches(['\0', '\n', ' ']));
            self.control.answer = answer.into_bytes();
            self.control.shown.clear();
            self.react();
        }
        true
    }

    /// Carries out a command. What it answers.
    ///
    /// `do` knows: `needs-reset`, `release` (what was kept), `interrupt` (by all ways), `grow` (a disk
    /// to twice its size), `shrink` (to a quarter), `empty` (to none), `grow-and-reset` (with one
    /// interrupt for both), `grow-otherwise` (zones to those of another model as well), `link-down`,
    /// `link-up` and `announce` (of a network device).
    pub fn command(&mut self, command: &str) -> String {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        match verb {
            "scenario" => match scenario::by_name(rest) {
                None if rest.starts_with(campaign::PREFIX) => {
                    let Ok(seed) = rest[campaign::PREFIX.len()..].parse() else {
                        return "no such seed".into();
                    };
                    self.arm_with(campaign::scenario(seed), campaign::script(seed));
                    self.log.note(format!("seed {seed}"));
                    "ok".into()
                }
                Some(scenario) => {
                    self.arm(scenario);
                    "ok".into()
                }
                None => "no such scenario".into(),
            },
            "verdict" => {
                let but = rest.strip_prefix("but ");
                let counts = |event: &&Event| {
                    let Event::Violation(text) = event else {
                        return true;
                    };
                    but.is_none_or(|but| !text.starts_with(but))
                };
                let events: Vec<Event> = self.log.events().iter().filter(counts).cloned().collect();
                match (self.scenario.verdict)(&events) {
                    Ok(()) => "pass".into(),
                    Err(what) => format!("fail: {what}"),
                }
            }
            "log" => self.last_lines(),
            "count" => {
                let lines = self.log.lines().filter(|line| line.starts_with(rest));
                lines.count().to_string()
            }
            "altered" => self.altered.to_string(),
            "mapped" => self.map.mapped().to_string(),
            "power" => match self.model.power(rest) {
                true => {
                    self.log.note(command);
                    "ok".into()
                }
                false => "no such power".into(),
            },
            "do" => self.command_do(rest),
            _ => "no such command".into(),
        }
    }

    /// The end of the log: it is read piece by piece, which takes a guest its time.
    fn last_lines(&self) -> String {
        let is_map = |line: &String| line.starts_with("map") || line.starts_with("unmap");
        let lines: Vec<String> = self.log.lines().filter(|line| !is_map(line)).collect();
        let start = lines.len().saturating_sub(40);
        lines[start..]
            .iter()
            .flat_map(|line| [line, "\n"])
            .collect()
    }

    /// Does something out of turn.
    fn command_do(&mut self, what: &str) -> String {
        self.event(Event::Note(format!("do {what}")));
        let action = match what {
            "needs-reset" => Action::NeedsReset,
            "release" => Action::Release,
            "interrupt" => Action::InterruptAll,
            "grow" => Action::Configure(|config| capacity(config, |sectors| sectors << 1)),
            "shrink" => Action::Configure(|config| capacity(config, |sectors| sectors >> 2)),
            "empty" => Action::Configure(|config| capacity(config, |_| 0)),
            "grow-and-reset" => {
                let grow = |config: &mut [u8]| capacity(config, |sectors| sectors << 1);
                self.act(Action::ConfigureQuietly(grow));
                Action::NeedsReset
            }
            "grow-otherwise" => Action::Configure(|config| {
                capacity(config, |sectors| sectors << 1);
                if let Some(model) = config.get_mut(MODEL) {
                    *model = 2;
                }
            }),
            "link-down" => Action::Configure(|config| net_status(config, !LINK_UP, 0)),
            "link-up" => Action::Configure(|config| net_status(config, !LINK_UP, LINK_UP)),
            "announce" => Action::Configure(|config| net_status(config, 0xff, ANNOUNCE)),
            _ => return "no such thing".into(),
        };
        self.act(action);
        "ok".into()
    }
}
