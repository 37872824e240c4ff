// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device: what becomes of accesses to its registers.
//!
//! One lock is held for each access and each round of work, so that the log is in the order in which
//! things happened.

use crate::{
    common::{
        feature,
        reg,
        status,
        Common,
        Effect,
        NO_VECTOR, //
    },
    control::Control,
    dma::Map,
    event::{
        Event,
        Log,
        Register,
        Structure, //
    },
    irq::Interrupts,
    model::Model,
    pci::{
        self,
        at, //
    },
    scenario::Scenario,
    script::{
        Action,
        Answer,
        Script, //
    },
    work::Task, //
};
use device::{
    Chain,
    Features,
    Queue, //
};
use std::collections::VecDeque;
use std::time::{
    Duration,
    Instant, //
};

/// Vectors that a device has.
pub const VECTORS: u16 = 4;

/// A device.
pub struct Machine {
    /// What it is.
    pub(crate) model: Box<dyn Model>,
    /// Its common configuration.
    pub(crate) common: Common,
    /// The configuration of its type.
    pub(crate) config: Vec<u8>,
    /// Its configuration space.
    pub(crate) space: [u8; pci::SIZE],
    /// Its queues, as far as they are enabled and their driver broke no rule.
    pub(crate) queues: Vec<Option<Queue<Map>>>,
    /// Buffers that it keeps: with the queue, and what was written.
    pub(crate) kept: Vec<(u16, Chain, u32)>,
    /// Buffers that wait for something to be put into them, queue by queue, the oldest first: with
    /// what becomes of each then.
    pub(crate) waiting: Vec<VecDeque<(Chain, Answer)>>,
    /// What it may reach of the guest's memory.
    pub map: Map,
    /// Its interrupts.
    pub interrupts: Interrupts,
    /// ISR status.
    pub(crate) isr: u8,
    /// What happened.
    pub log: Log,
    /// What it does otherwise than it should.
    pub(crate) script: Script,
    /// Which one that is.
    pub(crate) scenario: &'static Scenario,
    /// What it is to do later.
    pub(crate) tasks: Vec<(Instant, Task)>,
    /// What it is to do at the end of an access.
    pub(crate) todo: Vec<Action>,
    /// Whether it was asked to suspend itself, and has not resumed since.
    pub(crate) suspending: bool,
    /// Whether its configuration has changed meanwhile.
    pub(crate) changed: bool,
    /// Requests since the script began.
    pub(crate) requests: u64,
    /// How often it was started since then.
    pub(crate) starts: u64,
    /// Answers of registers and of requests that were not as they should, in all scenarios.
    pub(crate) altered: (u64, u64),
    /// The window for tests.
    pub(crate) control: Control,
    /// Whether somebody has something to do for [`Self::work`].
    pub(crate) pending: bool,
    /// What is offered in any scenario.
    features: u128,
}

impl Machine {
    /// A device of this type that offers these features of rings and transports, too.
    pub fn new(model: Box<dyn Model>, features: u128, log: Log) -> Self {
        let scenario = &crate::scenario::GOOD;
        let mut machine = Self {
            common: Common::new(0, &[], VECTORS),
            config: Vec::new(),
            space: pci::config_space(model.device_type(), model.class(), VECTORS),
            queues: Vec::new(),
            kept: Vec::new(),
            waiting: Vec::new(),
            map: Map::default(),
            interrupts: Interrupts::default(),
            isr: 0,
            log,
            script: Script::default(),
            scenario,
            tasks: Vec::new(),
            todo: Vec::new(),
            suspending: false,
            changed: false,
            requests: 0,
            starts: 0,
            altered: (0, 0),
            control: Control::default(),
            pending: false,
            features: features | feature::VERSION_1,
            model,
        };
        machine.arm(scenario);
        machine
    }

    /// Begins a scenario: a new log, and a device as after a reset.
    pub fn arm(&mut self, scenario: &'static Scenario) {
        self.arm_with(scenario, (scenario.script)());
    }

    /// Begins a scenario whose script is this one.
    pub(crate) fn arm_with(&mut self, scenario: &'static Scenario, script: Script) {
        self.scenario = scenario;
        self.script = script;
        self.log.clear();
        self.requests = 0;
        self.starts = 0;
        let offered =
            (self.features | self.model.features() | self.script.offer) & !self.script.withhold;
        let mut sizes = self.model.queues();
        if let Some(size) = self.script.queue_size {
            sizes.fill(size);
        }
        let generation = self.common.generation;
        self.common = Common::new(offered, &sizes, VECTORS);
        self.common.generation = generation;
        self.config = self.model.config();
        if let Some(configure) = self.script.configure {
            configure(&mut self.config);
        }
        self.log.note(format!("scenario {}", scenario.name));
        self.reset();
    }

    /// Resets the device (2.4.1).
    fn reset(&mut self) {
        self.common.reset();
        self.model.reset();
        self.queues = self.common.queues.iter().map(|_| None).collect();
        self.kept.clear();
        self.waiting = self.queues.iter().map(|_| VecDeque::new()).collect();
        self.look_at_config();
        self.tasks.retain(|(_, task)| matches!(task, Task::Act(_)));
        self.isr = 0;
        self.suspending = false;
        self.changed = false;
    }

    /// Notes something, and has the script react.
    pub(crate) fn event(&mut self, event: Event) {
        if let Some(react) = &mut self.script.react {
            self.todo.extend(react(&event));
        }
        self.log.add(event);
    }

    /// Notes that the driver broke a rule.
    pub(crate) fn violation(&mut self, what: impl ToString) {
        self.event(Event::Violation(what.to_string()));
    }

    /// Does what reactions have asked for, which may cause more.
    pub(crate) fn react(&mut self) {
        for _ in 0..64 {
            if self.todo.is_empty() {
                return;
            }
            for action in std::mem::take(&mut self.todo) {
                self.act(action);
            }
        }
        self.todo.clear();
    }

    /// Does something out of turn.
    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::InterruptAll => {
                for vector in 0..VECTORS {
                    if self.interrupts.vector(vector) {
                        self.event(Event::Interrupt(Some(vector)));
                    }
                }
                if self.interrupts.line() {
                    self.event(Event::Interrupt(None));
                }
            }
            Action::NeedsReset => {
                self.common.status |= status::NEEDS_RESET;
                self.interrupt_config();
            }
            Action::Configure(change) => {
                change(&mut self.config);
                self.common.generation = self.common.generation.wrapping_add(1);
                if self.suspending {
                    self.changed = true;
                } else {
                    self.interrupt_config();
                }
            }
            Action::ConfigureQuietly(change) => {
                change(&mut self.config);
                self.common.generation = self.common.generation.wrapping_add(1);
            }
            Action::Forge(queue, id, len) => {
                let at = self
                    .queues
                    .get_mut(usize::from(queue))
                    .and_then(Option::as_mut);
                if at.is_some_and(|ring| ring.forge(id, len, 0).is_ok()) {
                    self.event(Event::Used(queue, id, len));
                }
            }
            Action::Release => self.release(),
            Action::After(time, action) => self.later(time, Task::Act(*action)),
        }
    }

    /// Has something done later.
    pub(crate) fn later(&mut self, time: Duration, task: Task) {
        self.tasks.push((Instant::now() + time, task));
        self.pending = true;
    }

    /// Interrupts for a vector that the driver chose, or by the line (4.1.5.3).
    pub(crate) fn interrupt(&mut self, vector: u16, isr: u8) {
        if self.interrupts.by_vector {
            if vector != NO_VECTOR && self.interrupts.vector(vector) {
                self.event(Event::Interrupt(Some(vector)));
            }
        } else {
            self.isr |= isr;
            if self.interrupts.line() {
                self.event(Event::Interrupt(None));
            }
        }
    }

    /// Says that the configuration or the status changed (4.1.5.4).
    pub(crate) fn interrupt_config(&mut self) {
        self.interrupt(self.common.config_vector, 2);
    }

    /// The driver can take an interrupt by the line again. It gets one as long as there is a reason.
    pub fn line_unmasked(&mut self) {
        if self.isr != 0 {
            self.interrupts.line();
        }
    }

    /// The structure that an offset in BAR 0 belongs to.
    fn register(offset: u64) -> Option<Register> {
        let within = |(base, len): (u64, u64)| offset.checked_sub(base).filter(|at| *at < len);
        [
            (Structure::Common, at::COMMON),
            (Structure::Isr, at::ISR),
            (Structure::Device, at::DEVICE),
            (Structure::Notify, at::NOTIFY),
        ]
        .into_iter()
        .find_map(|(structure, place)| Some((structure, within(place)?)))
    }

    /// Reads BAR 0.
    pub fn read(&mut self, offset: u64, width: usize) -> u64 {
        let Some(register) = Self::register(offset) else {
            self.violation(format!("read of {offset:#x}, where nothing is"));
            return u64::MAX;
        };
        let mut value = match register {
            (Structure::Common, at) => {
                if let Err(what) = self.common.check(at, width, false) {
                    self.violation(what);
                }
                self.common.read(at, width)
            }
            (Structure::Isr, _) => std::mem::take(&mut self.isr).into(),
            (Structure::Device, at) => self.read_config(at, width),
            (Structure::Notify, _) => 0,
        };
        if let Some(read) = &mut self.script.read {
            let right = value;
            value = read(register, right);
            if value != right {
                self.altered.0 += 1;
                let (structure, at) = register;
                self.log
                    .note(format!("altered {structure} {at:#x}, which was {right:#x}"));
            }
        }
        if width < 8 {
            value &= (1 << (8 * width)) - 1;
        }
        self.event(Event::Read(register, width, value));
        self.react();
        value
    }

    /// Reads the configuration of the type.
    fn read_config(&mut self, at: u64, width: usize) -> u64 {
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        if at % width.max(1) as u64 != 0 {
            self.violation(format!("{width} bytes of the configuration at {at}"));
        }
        let bytes = start
            .checked_add(width)
            .and_then(|end| self.config.get(start..end));
        match bytes {
            Some(bytes) => {
                let fold = |value, byte: &u8| value << 8 | u64::from(*byte);
                bytes.iter().rev().fold(0, fold)
            }
            None => {
                self.violation(format!("read of the configuration at {at}, behind its end"));
                0
            }
        }
    }

    /// Writes BAR 0.
    pub fn write(&mut self, offset: u64, width: usize, value: u64) {
        let Some(register) = Self::register(offset) else {
            self.violation(format!("write of {offset:#x}, where nothing is"));
            return;
        };
        match register {
            (Structure::Common, reg::STATUS) => self.event(Event::Status((value & 0xff) as u8)),
            (Structure::Notify, _) => {}
            _ => self.event(Event::Write(register, width, value)),
        }
        // 3.4.1: nothing but the status is written once it is to suspend itself.
        let is_status = register == (Structure::Common, reg::STATUS);
        if self.suspending && !is_status {
            self.violation(format!(
                "write of {} {:#x} while suspended",
                register.0, register.1
            ));
        }
        let passed = match &mut self.script.write {
            Some(write) => write(register, value),
            None => Some(value),
        };
        if let Some(value) = passed {
            match register {
                (Structure::Common, at) => self.write_common(at, width, value),
                (Structure::Device, at) => self.write_config(at, width, value),
                (Structure::Notify, at) => self.kick(at, width, value),
                (Structure::Isr, _) => self.violation("write of the ISR status"),
            }
        }
        self.react();
    }

    /// Writes the common configuration.
    fn write_common(&mut self, at: u64, width: usize, value: u64) {
        if let Err(what) = self.common.check(at, width, true) {
            self.violation(what);
        }
        match self.common.write(at, value) {
            Err(what) => self.violation(what),
            Ok(effect) => self.effect(effect),
        }
    }

    /// Does what a write asks for.
    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Reset => {
                self.reset();
                self.event(Event::Reset);
            }
            Effect::Start => {
                self.starts += 1;
                self.model.start(self.common.accepted);
                self.pending = true;
            }
            Effect::Suspend => {
                self.suspending = true;
                let time = self.script.suspend_after;
                self.later(time, Task::Settle(true));
            }
            Effect::Resume => {
                self.look_for_more();
                let time = self.script.suspend_after;
                self.later(time, Task::Settle(false));
            }
            Effect::Enable(index) => self.enable(index),
            Effect::ResetQueue(index) => {
                self.event(Event::QueueReset(index));
                let time = self.script.queue_reset_after;
                self.later(time, Task::ResetQueue(index));
            }
        }
    }

    /// Begins to use a queue.
    fn enable(&mut self, index: u16) {
        let at = usize::from(index);
        let Some(fields) = self.common.queues.get(at).cloned() else {
            return;
        };
        let features = Features {
            indirect: self.common.has(feature::INDIRECT),
            event_idx: self.common.has(feature::EVENT_IDX),
            in_order: self.common.has(feature::IN_ORDER),
        };
        let packed = self.common.has(feature::PACKED);
        match Queue::new(self.map.clone(), packed, fields.size, fields.at, features) {
            Ok(queue) => {
                if let Some(place) = self.queues.get_mut(at) {
                    *place = Some(queue);
                }
                self.event(Event::Enabled(index, fields.size));
            }
            Err(what) => self.violation(format!("queue {index}: {what:?}")),
        }
    }

    /// A notification (4.1.5.2).
    fn kick(&mut self, at: u64, width: usize, value: u64) {
        let queue = (value & 0xffff) as u16;
        self.event(Event::Kick(queue));
        if at != u64::from(queue) * u64::from(pci::NOTIFY_MULTIPLIER) || width != 2 {
            self.violation(format!(
                "notification {value:#x} of {width} bytes at {at:#x}"
            ));
        }
        if self.common.status & status::DRIVER_OK == 0 {
            self.violation("notification before DRIVER_OK");
        }
        self.pending = true;
    }

    /// Writes the configuration of the type.
    fn write_config(&mut self, at: u64, width: usize, value: u64) {
        let bytes = value.to_le_bytes();
        let offset = usize::try_from(at).unwrap_or(usize::MAX);
        let written = bytes.get(..width).unwrap_or(&bytes);
        if let Err(what) = self.model.write_config(&mut self.config, offset, written) {
            self.violation(what);
        }
    }

    /// Reads configuration space.
    pub fn read_space(&mut self, offset: usize, width: usize) -> u64 {
        if let Some(value) = self.control_read(offset, width) {
            return value;
        }
        if self.aimed(offset) {
            let (at, width) = self.aim();
            return self.read(at, width);
        }
        let mut bytes = [0; 8];
        for (at, byte) in (offset..).zip(bytes.iter_mut().take(width)) {
            let scripted = self.script.space.iter().find(|(place, _)| *place == at);
            let plain = self.space.get(at).copied().unwrap_or(0);
            *byte = scripted.map_or(plain, |(_, value)| *value);
        }
        u64::from_le_bytes(bytes)
    }

    /// Writes configuration space.
    pub fn write_space(&mut self, offset: usize, bytes: &[u8]) {
        if self.control_write(offset, bytes) {
            return;
        }
        if self.aimed(offset) {
            let (at, width) = self.aim();
            let fold = |value, byte: &u8| value << 8 | u64::from(*byte);
            self.write(at, width, bytes.iter().rev().fold(0, fold));
            return;
        }
        for (at, byte) in (offset..).zip(bytes) {
            let writable = matches!(at, 4..6 | 0x3c) || (pci::cap::PCI_CFG + 4..).contains(&at);
            if let Some(place) = self.space.get_mut(at).filter(|_| writable) {
                *place = *byte;
            }
        }
    }

    /// Whether this is the window of the capability that reaches the BAR (4.1.4.9).
    fn aimed(&self, offset: usize) -> bool {
        (pci::cap::PCI_CFG + 16..pci::cap::PCI_CFG + 20).contains(&offset)
    }

    /// Where that window is, and its bytes.
    fn aim(&self) -> (u64, usize) {
        let word = |at: usize| {
            let bytes = self.space.get(at..at + 4).unwrap_or(&[0; 4]);
            u32::from_le_bytes(bytes.try_into().unwrap_or_default())
        };
        let width = match word(pci::cap::PCI_CFG + 12) {
            1 => 1,
            2 => 2,
            _ => 4,
        };
        (word(pci::cap::PCI_CFG + 8).into(), width)
    }
}
