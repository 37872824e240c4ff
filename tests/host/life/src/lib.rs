// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device behind the registers of the common configuration, which can misbehave, and remembers
//! what was done to it.

pub mod legacy;

use pure::{
    bringup::{
        self,
        Abandoned,
        Failure,
        Progress,
        RingAddresses, //
    },
    feature::{
        transport,
        FeatureSet, //
    },
    status::Status,
    transport::pci::{
        common::{
            CommonConfig,
            Registers,
            NO_VECTOR, //
        },
        control::Configured,
        vectors::Plan, //
    },
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc, //
};

/// Offsets of registers that tests look at.
pub mod reg {
    #![allow(missing_docs)]
    pub const DEVICE_FEATURE_SELECT: usize = 0x00;
    pub const DEVICE_FEATURE: usize = 0x04;
    pub const DRIVER_FEATURE_SELECT: usize = 0x08;
    pub const DRIVER_FEATURE: usize = 0x0c;
    pub const CONFIG_MSIX_VECTOR: usize = 0x10;
    pub const NUM_QUEUES: usize = 0x12;
    pub const DEVICE_STATUS: usize = 0x14;
    pub const QUEUE_SELECT: usize = 0x16;
    pub const QUEUE_SIZE: usize = 0x18;
    pub const QUEUE_MSIX_VECTOR: usize = 0x1a;
    pub const QUEUE_ENABLE: usize = 0x1c;
    pub const QUEUE_DESC: usize = 0x20;
    pub const QUEUE_RESET: usize = 0x3a;
}

/// An access to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A read of so many bytes.
    Read(usize, usize),
    /// A write of so many bytes, and the value.
    Write(usize, usize, u32),
}

/// How a device answers what takes it time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// After so many looks.
    After(u32),
    /// By asking for a reset.
    NeedsReset,
    /// Never.
    Never,
}

/// What kind of device it is.
#[derive(Clone, Debug)]
pub struct Kind {
    /// What it offers.
    pub offered: FeatureSet,
    /// Whether it agrees to what is accepted.
    pub agrees: bool,
    /// The largest size of each queue.
    pub sizes: Vec<u16>,
    /// Whether it takes sizes.
    pub takes_sizes: bool,
    /// A queue that is enabled after each reset.
    pub stuck: Option<u16>,
    /// Vectors that it has room for.
    pub vectors: u32,
    /// How it resets.
    pub reset: Answer,
    /// How it suspends and resumes.
    pub suspend: Answer,
    /// How it resets a queue.
    pub queue_reset: Answer,
    /// For how many looks a queue stays enabled whose reset is done.
    pub lingers: u32,
    /// The access at which it goes, counted from the first one.
    pub gone_at: Option<usize>,
    /// The status that it is told for which it asks for a reset instead.
    pub rejects: Option<u8>,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            offered: FeatureSet::of(&[
                transport::VERSION_1,
                transport::EVENT_IDX,
                transport::RING_RESET,
                transport::SUSPEND,
            ]),
            agrees: true,
            sizes: vec![256, 128],
            takes_sizes: true,
            stuck: None,
            vectors: u32::MAX,
            reset: Answer::After(0),
            suspend: Answer::After(0),
            queue_reset: Answer::After(0),
            lingers: 0,
            gone_at: None,
            rejects: None,
        }
    }
}

/// The registers of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Its size, if it was set.
    pub size: Option<u16>,
    /// Its vector.
    pub vector: Option<u16>,
    /// Whether it is enabled.
    pub enabled: bool,
    /// The addresses, by word.
    pub words: [u32; 6],
    /// Whether a reset goes on, and for how many looks.
    resetting: Option<Answer>,
    /// For how many looks it is still enabled.
    lingers: Option<u32>,
}

/// What the device knows.
struct State {
    kind: Kind,
    log: Vec<Access>,
    millis: u64,
    status: u8,
    /// What it is busy with: the status it will have.
    pending: Option<(Answer, u8)>,
    features: [u32; 4],
    selected: [u32; 2],
    queue: u16,
    config_vector: Option<u16>,
    queues: BTreeMap<u16, QueueState>,
}

/// A device, shared with its driver.
#[derive(Clone)]
pub struct Device(Rc<RefCell<State>>);

impl Device {
    /// A device that was used before by somebody else.
    pub fn new(kind: Kind) -> Self {
        Self(Rc::new(RefCell::new(State {
            kind,
            log: Vec::new(),
            millis: 0,
            status: 0x0f,
            pending: None,
            features: [0; 4],
            selected: [0; 2],
            queue: 0,
            config_vector: None,
            queues: BTreeMap::new(),
        })))
    }

    /// What was done to it.
    pub fn log(&self) -> Vec<Access> {
        self.0.borrow().log.clone()
    }

    /// What was written to a register.
    pub fn written(&self, register: usize) -> Vec<u32> {
        self.log()
            .into_iter()
            .filter_map(|access| match access {
                Access::Write(at, _, value) if at == register => Some(value),
                _ => None,
            })
            .collect()
    }

    /// Milliseconds that its driver waited.
    pub fn waited(&self) -> u64 {
        self.0.borrow().millis
    }

    /// The status.
    pub fn status(&self) -> u8 {
        self.0.borrow().status
    }

    /// What it was told of a queue.
    pub fn queue(&self, index: u16) -> QueueState {
        self.0
            .borrow()
            .queues
            .get(&index)
            .cloned()
            .unwrap_or_default()
    }

    /// Whether it may be reading and writing the ring of a queue: until a reset of it is done, however
    /// many looks that takes.
    pub fn uses(&self, index: u16) -> bool {
        let queue = self.queue(index);
        queue.enabled || queue.resetting.is_some()
    }

    /// The vector of configuration changes.
    pub fn config_vector(&self) -> Option<u16> {
        self.0.borrow().config_vector
    }

    /// Features that were accepted.
    pub fn features(&self) -> FeatureSet {
        FeatureSet::from_words(self.0.borrow().features)
    }

    /// Becomes another kind of device.
    pub fn change(&self, change: impl FnOnce(&mut Kind)) {
        change(&mut self.0.borrow_mut().kind);
    }

    /// Asks for a reset.
    pub fn need_reset(&self) {
        self.0.borrow_mut().status |= Status::DEVICE_NEEDS_RESET.bits();
    }

    /// Forgets what was done.
    pub fn forget(&self) {
        self.0.borrow_mut().log.clear();
    }
}

impl State {
    /// One step on with something that takes time: whether it is done.
    fn step(answer: &mut Answer) -> Option<bool> {
        match answer {
            Answer::After(0) => Some(true),
            Answer::After(left) => {
                *left -= 1;
                None
            }
            Answer::NeedsReset => Some(false),
            Answer::Never => None,
        }
    }

    /// Whether the device is gone, after it has noted an access.
    fn note(&mut self, access: Access) -> bool {
        let number = self.log.len();
        self.log.push(access);
        self.kind.gone_at.is_some_and(|at| number >= at)
    }

    fn read_status(&mut self) -> u8 {
        if let Some((mut answer, status)) = self.pending {
            let done = Self::step(&mut answer);
            self.pending = match done {
                None => Some((answer, status)),
                Some(_) => None,
            };
            match done {
                None => {}
                Some(true) => self.status = status,
                Some(false) => self.status |= Status::DEVICE_NEEDS_RESET.bits(),
            }
        }
        self.status
    }

    fn write_status(&mut self, value: u8) {
        if value == 0 {
            self.features = [0; 4];
            self.config_vector = None;
            self.queues.clear();
            if let Some(stuck) = self.kind.stuck {
                self.queues.entry(stuck).or_default().enabled = true;
            }
            self.pending = Some((self.kind.reset, 0));
            return;
        }
        if self.kind.rejects == Some(value) {
            self.status = value | Status::DEVICE_NEEDS_RESET.bits();
            return;
        }
        let suspend = Status::SUSPEND.bits();
        let ok = Status::DRIVER_OK.bits();
        if value & suspend != 0 {
            // The same value asks for both: which one depends on where the device is.
            let settled = if self.status & ok != 0 {
                value & !ok
            } else {
                value & !suspend
            };
            // Until it is settled, both bits are set.
            self.status = value;
            self.pending = Some((self.kind.suspend, settled));
            return;
        }
        self.status = value;
        if !self.kind.agrees {
            self.status &= !Status::FEATURES_OK.bits();
        }
    }

    fn max_size(&self) -> u16 {
        let size = self.kind.sizes.get(usize::from(self.queue));
        size.copied().unwrap_or(0)
    }

    fn take_vector(&self, vector: u32) -> Option<u16> {
        (vector < self.kind.vectors).then_some(vector as u16)
    }

    fn read(&mut self, offset: usize, width: usize) -> u32 {
        if self.note(Access::Read(offset, width)) {
            return u32::MAX;
        }
        let index = self.queue;
        let lingers = self.kind.lingers;
        let max = self.max_size();
        match offset {
            reg::DEVICE_STATUS => self.read_status().into(),
            reg::DEVICE_FEATURE => {
                let words = self.kind.offered.words();
                words.get(self.selected[0] as usize).copied().unwrap_or(0)
            }
            reg::NUM_QUEUES => self.kind.sizes.len() as u32,
            reg::CONFIG_MSIX_VECTOR => self.config_vector.unwrap_or(NO_VECTOR).into(),
            _ => {
                let queue = self.queues.entry(index).or_default();
                match offset {
                    reg::QUEUE_SIZE => queue.size.unwrap_or(max).into(),
                    reg::QUEUE_MSIX_VECTOR => queue.vector.unwrap_or(NO_VECTOR).into(),
                    reg::QUEUE_ENABLE => {
                        match queue.lingers {
                            Some(0) => *queue = QueueState::default(),
                            Some(left) => queue.lingers = Some(left - 1),
                            None => {}
                        }
                        queue.enabled.into()
                    }
                    reg::QUEUE_RESET => {
                        let Some(mut answer) = queue.resetting else {
                            return 0;
                        };
                        match Self::step(&mut answer) {
                            None => queue.resetting = Some(answer),
                            Some(true) => {
                                queue.resetting = None;
                                queue.lingers = Some(lingers);
                            }
                            Some(false) => self.status |= Status::DEVICE_NEEDS_RESET.bits(),
                        }
                        self.queues[&index].resetting.is_some().into()
                    }
                    _ => 0,
                }
            }
        }
    }

    fn write(&mut self, offset: usize, width: usize, value: u32) {
        if self.note(Access::Write(offset, width, value)) {
            return;
        }
        let index = self.queue;
        let vector = self.take_vector(value);
        match offset {
            reg::DEVICE_STATUS => self.write_status(value as u8),
            reg::DEVICE_FEATURE_SELECT => self.selected[0] = value,
            reg::DRIVER_FEATURE_SELECT => self.selected[1] = value,
            reg::DRIVER_FEATURE => {
                let select = self.selected[1] as usize;
                if let Some(word) = self.features.get_mut(select) {
                    *word = value;
                }
            }
            reg::QUEUE_SELECT => self.queue = value as u16,
            reg::CONFIG_MSIX_VECTOR => self.config_vector = vector,
            _ => {
                let takes_sizes = self.kind.takes_sizes;
                let reset = self.kind.queue_reset;
                let queue = self.queues.entry(index).or_default();
                match offset {
                    reg::QUEUE_SIZE if takes_sizes => queue.size = Some(value as u16),
                    reg::QUEUE_MSIX_VECTOR => queue.vector = vector,
                    reg::QUEUE_ENABLE => queue.enabled = value != 0,
                    reg::QUEUE_RESET => queue.resetting = Some(reset),
                    _ => {
                        let word = offset.wrapping_sub(reg::QUEUE_DESC) / 4;
                        if let Some(word) = queue.words.get_mut(word) {
                            *word = value;
                        }
                    }
                }
            }
        }
    }
}

impl Registers for Device {
    fn len(&self) -> usize {
        0x3c
    }

    fn read8(&self, offset: usize) -> u8 {
        self.0.borrow_mut().read(offset, 1) as u8
    }

    fn read16(&self, offset: usize) -> u16 {
        self.0.borrow_mut().read(offset, 2) as u16
    }

    fn read32(&self, offset: usize) -> u32 {
        self.0.borrow_mut().read(offset, 4)
    }

    fn write8(&self, offset: usize, value: u8) {
        self.0.borrow_mut().write(offset, 1, value.into());
    }

    fn write16(&self, offset: usize, value: u16) {
        self.0.borrow_mut().write(offset, 2, value.into());
    }

    fn write32(&self, offset: usize, value: u32) {
        self.0.borrow_mut().write(offset, 4, value);
    }
}

/// A driver's side, as the PCI transport has it.
pub struct Driver {
    /// The registers.
    pub common: CommonConfig<Device>,
    device: Device,
}

impl Driver {
    /// A driver of `device`.
    pub fn new(device: &Device) -> Self {
        Self {
            common: CommonConfig::new(device.clone()),
            device: device.clone(),
        }
    }

    /// Brings the device up for the first time, as probing does it, with a queue of each of these
    /// sizes.
    ///
    /// # Errors
    ///
    /// What bringing up returns; the device has been given up then.
    pub fn probe(&self, sizes: &[u16]) -> Result<(Progress, FeatureSet), Failure> {
        let quiet = bringup::reset(self)?;
        let (mut progress, features) =
            bringup::negotiate(quiet, self, Ok).map_err(|abandoned| abandoned.why)?;
        match self.set_up(&mut progress, sizes) {
            Ok(()) => Ok((progress, features)),
            Err(failure) => {
                // As dropping the states does it.
                progress.give_up(self);
                let _ = bringup::reset(self);
                Err(failure)
            }
        }
    }

    fn set_up(&self, progress: &mut Progress, sizes: &[u16]) -> Result<(), Failure> {
        let count = sizes.len() as u16;
        for (index, size) in (0..count).zip(sizes) {
            let size = bringup::look_at_queue(self, index)?.min(*size);
            bringup::place_queue(self, index, size, ring(index))?;
        }
        if !Plan::PerQueue.program(&self.common, count) {
            return Err(Failure::Vector);
        }
        progress.start(self, count)
    }

    /// Brings the device up again.
    ///
    /// # Errors
    ///
    /// What bringing up returns.
    pub fn restart(&self, features: FeatureSet, sizes: &[u16]) -> Result<Progress, Abandoned> {
        let count = sizes.len() as u16;
        let quiet = bringup::reset(self).map_err(|why| Abandoned {
            why,
            quiet: Err(why),
        })?;
        bringup::restart(
            quiet,
            self,
            features,
            count,
            |index| {
                let size = sizes.get(usize::from(index)).copied();
                size.map(|size| (size, ring(index))).ok_or(Failure::Memory)
            },
            || Plan::PerQueue.program(&self.common, count),
            || {},
        )
    }
}

/// Where the ring of queue `index` is.
pub fn ring(index: u16) -> RingAddresses {
    let base = 0x1_0000_0000 * (u64::from(index) + 1);
    RingAddresses {
        descriptor: base + 0x8000_1000,
        driver: base + 0x8000_2000,
        device: base + 0x8000_3000,
    }
}

impl Configured for Driver {
    type Registers = Device;

    fn common(&self) -> &CommonConfig<Device> {
        &self.common
    }

    fn millis(&self) -> u64 {
        self.device.0.borrow().millis
    }

    fn pause(&self) {
        self.device.0.borrow_mut().millis += 1;
    }
}
