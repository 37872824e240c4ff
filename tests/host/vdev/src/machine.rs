// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device: what it is made of, and what a driver can have it do.
//!
//! One lock is held for each access and each round of work, so that the log is in the order in which
//! things happened.

use crate::{
    altered::Altered,
    control::Control,
    dma::Map,
    event::{
        Event,
        Log, //
    },
    irq::Interrupts,
    model::Model,
    pci,
    scenario::Scenario,
    script::{
        Action,
        Answer,
        Script, //
    },
    state::{
        feature,
        status,
        Effect,
        State,
        NO_VECTOR, //
    },
    transport::{
        Bar,
        Transport, //
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
    /// How it is reached.
    pub(crate) transport: Transport,
    /// What its BAR 0 is.
    pub(crate) bar: Bar,
    /// What its driver told it.
    pub(crate) state: State,
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
    /// Whether MSI-X is enabled in its configuration space.
    pub(crate) msix: bool,
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
    /// What was not as it should be, in all scenarios.
    pub(crate) altered: Altered,
    /// The window for tests.
    pub(crate) control: Control,
    /// Whether somebody has something to do for [`Self::work`].
    pub(crate) pending: bool,
    /// What is offered in any scenario.
    features: u128,
}

impl Machine {
    /// A PCI device of this type that offers these features of rings and transports, too.
    pub fn new(model: Box<dyn Model>, features: u128, log: Log) -> Self {
        Self::on(Transport::Pci, model, features, log)
    }

    /// The same of any transport.
    pub fn on(transport: Transport, model: Box<dyn Model>, features: u128, log: Log) -> Self {
        let scenario = &crate::scenario::GOOD;
        let mut machine = Self {
            state: State::new(0, 0, &[], VECTORS),
            config: Vec::new(),
            transport,
            bar: Bar::default(),
            space: transport.config_space(model.device_type(), model.class(), VECTORS),
            queues: Vec::new(),
            kept: Vec::new(),
            waiting: Vec::new(),
            map: Map::default(),
            interrupts: Interrupts::default(),
            msix: false,
            log,
            script: Script::default(),
            scenario,
            tasks: Vec::new(),
            todo: Vec::new(),
            suspending: false,
            changed: false,
            requests: 0,
            starts: 0,
            altered: Altered::default(),
            control: Control::default(),
            pending: false,
            features: features | feature::VERSION_1,
            model,
        };
        machine.arm(scenario);
        machine
    }

    /// The same with another BAR 0.
    pub fn with_bar(mut self, bar: Bar) -> Self {
        self.bar = bar;
        if matches!(bar, Bar::Memory | Bar::Missing) {
            // The lowest bit says I/O space.
            self.space[0x10] = 0;
        }
        self
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
        let mut offered =
            (self.features | self.model.features() | self.script.offer) & !self.script.withhold;
        if self.transport.is_legacy() {
            offered &= feature::LEGACY;
        }
        let mut sizes = self.model.queues();
        if let Some(size) = self.script.queue_size {
            sizes.fill(size);
        }
        let (generation, page_size) = (self.state.generation, self.state.page_size);
        self.state = State::new(self.model.device_type(), offered, &sizes, VECTORS);
        self.state.is_legacy = self.transport.is_legacy();
        self.state.generation = generation;
        self.state.page_size = page_size;
        self.config = self.model.config();
        if let Some(configure) = self.script.configure {
            configure(&mut self.config);
        }
        self.log.note(format!("scenario {}", scenario.name));
        self.reset();
    }

    /// Resets the device (2.4.1).
    fn reset(&mut self) {
        self.state.reset();
        self.model.reset();
        self.queues = self.state.queues.iter().map(|_| None).collect();
        self.kept.clear();
        self.waiting = self.queues.iter().map(|_| VecDeque::new()).collect();
        self.look_at_config();
        self.tasks.retain(|(_, task)| matches!(task, Task::Act(_)));
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
                self.altered.action(&action);
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
                        self.altered.interrupts += 1;
                        self.event(Event::Interrupt(Some(vector)));
                    }
                }
                if self.interrupts.line() {
                    self.altered.interrupts += 1;
                    self.event(Event::Interrupt(None));
                }
            }
            Action::NeedsReset => {
                self.state.status |= status::NEEDS_RESET;
                self.interrupt_config();
            }
            Action::Configure(change) => {
                change(&mut self.config);
                self.state.generation = self.state.generation.wrapping_add(1);
                if self.suspending {
                    self.changed = true;
                } else {
                    self.interrupt_config();
                }
            }
            Action::ConfigureQuietly(change) => {
                change(&mut self.config);
                self.state.generation = self.state.generation.wrapping_add(1);
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
        if self.transport.is_mmio() {
            self.state.isr |= isr;
            self.assert();
        } else if self.interrupts.by_vector {
            if vector != NO_VECTOR && self.interrupts.vector(vector) {
                self.event(Event::Interrupt(Some(vector)));
            }
        } else {
            self.state.isr |= isr;
            if self.interrupts.line() {
                self.event(Event::Interrupt(None));
            }
        }
    }

    /// Asserts the one interrupt that there is with memory-mapped I/O (4.2.3.4).
    fn assert(&mut self) {
        if self.interrupts.by_vector {
            if self.interrupts.vector(0) {
                self.event(Event::Interrupt(Some(0)));
            }
        } else if self.interrupts.line() {
            self.event(Event::Interrupt(None));
        }
    }

    /// Says that the configuration or the status changed (4.1.5.4).
    pub(crate) fn interrupt_config(&mut self) {
        self.interrupt(self.state.config_vector, 2);
    }

    /// The driver can take an interrupt by the line again. It gets one as long as there is a reason.
    pub fn line_unmasked(&mut self) {
        if self.state.isr != 0 {
            self.interrupts.line();
        }
    }

    /// Does what a write asks for.
    pub(crate) fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Reset => {
                self.reset();
                self.event(Event::Reset);
            }
            Effect::Start => {
                self.starts += 1;
                self.model.start(self.state.accepted);
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
            Effect::Disable(index) => self.disable(index),
            Effect::Notify(index) => self.kick(index),
            // It is asserted as long as there is a reason; what carries it here is told of changes only.
            Effect::Acknowledged if self.state.isr != 0 => self.assert(),
            Effect::Acknowledged => {}
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
        let Some(fields) = self.state.queues.get(at).cloned() else {
            return;
        };
        let features = Features {
            indirect: self.state.has(feature::INDIRECT),
            event_idx: self.state.has(feature::EVENT_IDX),
            in_order: self.state.has(feature::IN_ORDER),
        };
        let packed = self.state.has(feature::PACKED);
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

    /// Stops using a queue.
    fn disable(&mut self, index: u16) {
        self.forget_queue(index);
        self.event(Event::Disabled(index));
    }

    /// Forgets what there is of a queue.
    pub(crate) fn forget_queue(&mut self, index: u16) {
        if let Some(queue) = self.queues.get_mut(usize::from(index)) {
            *queue = None;
        }
        self.kept.retain(|(queue, ..)| *queue != index);
        if let Some(waiting) = self.waiting.get_mut(usize::from(index)) {
            waiting.clear();
        }
        self.tasks
            .retain(|(_, task)| !matches!(task, Task::Complete(queue, ..) if *queue == index));
    }

    /// A notification (4.1.5.2, 4.2.3.3).
    fn kick(&mut self, queue: u16) {
        self.event(Event::Kick(queue));
        // 3.1.2: legacy drivers may be early.
        if self.state.status & status::DRIVER_OK == 0 && !self.state.is_legacy {
            self.violation("notification before DRIVER_OK");
        }
        self.pending = true;
    }
}
