// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The device.

use crate::{
    access::{
        reg,
        Access,
        LEGACY_READABLE,
        LEGACY_WRITABLE,
        READABLE,
        WRITABLE, //
    },
    Kind, //
};
use pure::{
    feature::{
        transport,
        FeatureSet, //
    },
    status::Status,
    transport::registers::Registers, //
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc, //
};

/// What a device was told of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Its size.
    pub size: Option<u32>,
    /// Whether it is ready.
    pub ready: bool,
    /// Its addresses, by offset of the register of each half.
    pub words: BTreeMap<usize, u32>,
    /// Of what the place of its used ring is a multiple, in version 1.
    pub align: Option<u32>,
    /// The page at which it begins, in version 1: bytes of one, and its number.
    pub page: Option<(u32, u32)>,
    /// For how many looks its reset goes on.
    resetting: Option<u32>,
    /// For how many looks it stays ready after that.
    lingers: Option<u32>,
}

/// What the device knows.
struct State {
    kind: Kind,
    log: Vec<Access>,
    millis: u64,
    status: u32,
    /// For how many looks a reset goes on.
    resetting: Option<u32>,
    features: [u32; 4],
    device_word: Option<u32>,
    driver_word: Option<u32>,
    page_size: Option<u32>,
    queue: Option<u32>,
    queues: BTreeMap<u32, Queue>,
    interrupts: u32,
    shared: Option<u32>,
    generation: u32,
    notified: Vec<u32>,
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
            resetting: None,
            features: [0; 4],
            device_word: None,
            driver_word: None,
            page_size: None,
            queue: None,
            queues: BTreeMap::new(),
            interrupts: 0,
            shared: None,
            generation: 0,
            notified: Vec::new(),
        })))
    }

    /// What was done to it.
    pub fn log(&self) -> Vec<Access> {
        self.0.borrow().log.clone()
    }

    /// What was written to a register.
    pub fn written(&self, register: usize) -> Vec<u32> {
        let written = |access| match access {
            Access::Write(at, _, value) if at == register => Some(value),
            _ => None,
        };
        self.log().into_iter().filter_map(written).collect()
    }

    /// What it was told of a queue.
    pub fn queue(&self, index: u32) -> Queue {
        let state = self.0.borrow();
        state.queues.get(&index).cloned().unwrap_or_default()
    }

    /// Features that were accepted.
    pub fn features(&self) -> FeatureSet {
        FeatureSet::from_words(self.0.borrow().features)
    }

    /// What it was notified with.
    pub fn notified(&self) -> Vec<u32> {
        self.0.borrow().notified.clone()
    }

    /// Interrupts for these reasons.
    pub fn interrupt(&self, reasons: u32) {
        self.0.borrow_mut().interrupts |= reasons;
    }

    /// Whether it asserts its line.
    pub fn interrupts(&self) -> bool {
        let state = self.0.borrow();
        state.interrupts | state.kind.more_interrupts != 0
    }

    /// Becomes another kind of device.
    pub fn change(&self, change: impl FnOnce(&mut Kind)) {
        change(&mut self.0.borrow_mut().kind);
    }

    /// Forgets what was done.
    pub fn forget(&self) {
        self.0.borrow_mut().log.clear();
    }

    /// Milliseconds that its driver waited.
    pub fn waited(&self) -> u64 {
        self.0.borrow().millis
    }

    /// A millisecond goes by.
    pub fn wait(&self) {
        self.0.borrow_mut().millis += 1;
    }
}

/// One look at something that goes on for `left` more: whether it is over.
fn step(left: &mut Option<u32>) -> bool {
    match left {
        Some(0) => {
            *left = None;
            true
        }
        Some(more) => {
            *more -= 1;
            false
        }
        None => false,
    }
}

impl State {
    /// Whether the device is gone, after it has noted an access.
    fn note(&mut self, access: Access) -> bool {
        let number = self.log.len();
        self.log.push(access);
        self.kind.gone_at.is_some_and(|at| number >= at)
    }

    /// Whether a feature was accepted.
    fn has(&self, feature: pure::feature::Feature) -> bool {
        FeatureSet::from_words(self.features).contains(feature)
    }

    /// Whether it is of version 1.
    fn is_legacy(&self) -> bool {
        self.kind.version == 1
    }

    /// Checks the width of an access, and that there is something.
    fn check(&self, offset: usize, width: usize, [known, old]: [&[usize]; 2]) {
        let known = if self.is_legacy() { old } else { known };
        if offset >= reg::CONFIG {
            let field = (offset - reg::CONFIG, width);
            assert!(self.kind.fields.contains(&field), "no field {field:?}");
            return;
        }
        assert_eq!(width, 4, "width at {offset:#x}");
        assert!(known.contains(&offset), "access to {offset:#x}");
        let is_shared = (reg::SHM_SEL..reg::QUEUE_RESET).contains(&offset);
        assert!(!is_shared || self.kind.may_share, "shared memory");
    }

    fn selected(&mut self) -> &mut Queue {
        let index = self.queue.expect("a queue is selected");
        self.queues.entry(index).or_default()
    }

    fn max_size(&self) -> u32 {
        let index = self.queue.expect("a queue is selected") as usize;
        self.kind.sizes.get(index).copied().unwrap_or(0)
    }

    fn read(&mut self, offset: usize, width: usize) -> u32 {
        self.check(offset, width, [READABLE, LEGACY_READABLE]);
        if self.note(Access::Read(offset, width)) {
            return u32::MAX;
        }
        match offset {
            reg::MAGIC_VALUE => self.kind.magic,
            reg::VERSION => self.kind.version,
            reg::DEVICE_ID => self.kind.id,
            reg::DEVICE_FEATURES => {
                let word = self.device_word.take().expect("a word is selected");
                let words = self.kind.offered.words();
                // As QEMU has it.
                words[usize::from(word != 0)]
            }
            reg::QUEUE_SIZE_MAX => {
                let in_use = self.selected().page.is_some();
                assert!(!in_use, "size of a queue that is in use");
                self.max_size()
            }
            reg::QUEUE_PFN => self.selected().page.map_or(0, |(_, number)| number),
            reg::QUEUE_READY => {
                let queue = self.selected();
                if step(&mut queue.lingers) {
                    *queue = Queue::default();
                }
                queue.ready.into()
            }
            reg::QUEUE_RESET => {
                let lingers = self.kind.queue_reset.1;
                let queue = self.selected();
                if step(&mut queue.resetting) {
                    queue.lingers = Some(lingers);
                }
                queue.resetting.is_some().into()
            }
            reg::INTERRUPT_STATUS => self.interrupts | self.kind.more_interrupts,
            reg::STATUS => {
                if step(&mut self.resetting) {
                    self.status = 0;
                }
                self.status | self.kind.more_status
            }
            reg::CONFIG_GENERATION => {
                if self.kind.restless > 0 {
                    self.kind.restless -= 1;
                    self.generation += 1;
                }
                self.generation
            }
            reg::SHM_LEN | reg::SHM_BASE => match self.shared.expect("a region is selected") {
                1 => 0x4000_0000 + u32::from(offset == reg::SHM_LEN),
                2 if offset == reg::SHM_BASE => 0xffff_0000,
                2 => 0x1_0001,
                3 => 0,
                // All that there is.
                5 if offset == reg::SHM_BASE => 0,
                _ => u32::MAX,
            },
            0x0b4 | 0x0bc => match self.shared.expect("a region is selected") {
                1 => 7,
                2 if offset == 0x0bc => u32::MAX,
                2 | 3 => 0,
                5 if offset == 0x0bc => 0,
                _ => u32::MAX,
            },
            // Each byte of the configuration space is its offset.
            _ => {
                let at = (offset - reg::CONFIG) as u32;
                let bytes = [at, at + 1, at + 2, at + 3].map(|byte| byte as u8);
                u32::from_le_bytes(bytes) & (u32::MAX >> (32 - 8 * width))
            }
        }
    }

    fn write(&mut self, offset: usize, width: usize, value: u32) {
        self.check(offset, width, [WRITABLE, LEGACY_WRITABLE]);
        if self.note(Access::Write(offset, width, value)) {
            return;
        }
        let is_address = (reg::QUEUE_DESC..reg::SHM_SEL).contains(&offset);
        if is_address || [reg::QUEUE_SIZE, reg::QUEUE_ALIGN].contains(&offset) {
            let queue = self.selected();
            let in_use = queue.ready || queue.page.is_some();
            assert!(!in_use, "{offset:#x} while a queue is in use");
        }
        match offset {
            reg::DEVICE_FEATURES_SEL => self.device_word = Some(value),
            reg::DRIVER_FEATURES_SEL => self.driver_word = Some(value),
            reg::DRIVER_FEATURES => {
                let word = self.driver_word.take().expect("a word is selected") as usize;
                assert!(word == 0 || !self.is_legacy(), "word {word} of features");
                // As QEMU has it.
                self.features[usize::from(word != 0)] = value;
            }
            reg::QUEUE_SEL => self.queue = Some(value),
            reg::QUEUE_SIZE => {
                assert!(value <= self.max_size() && value != 0, "size {value}");
                self.selected().size = Some(value);
            }
            reg::GUEST_PAGE_SIZE => {
                assert!(value.is_power_of_two(), "pages of {value} bytes");
                self.page_size = Some(value);
            }
            reg::QUEUE_ALIGN => {
                assert!(value.is_power_of_two(), "alignment {value}");
                self.selected().align = Some(value);
            }
            reg::QUEUE_PFN if value == 0 => *self.selected() = Queue::default(),
            reg::QUEUE_PFN => {
                let size = self.page_size.expect("pages have a size");
                let queue = self.selected();
                assert!(queue.size.is_some() && queue.align.is_some(), "not placed");
                queue.page = Some((size, value));
            }
            reg::QUEUE_READY => {
                assert_eq!(value, 1, "QueueReady");
                let queue = self.selected();
                assert!(queue.size.is_some() && queue.words.len() == 6, "not placed");
                queue.ready = true;
            }
            reg::QUEUE_NOTIFY => {
                assert!(self.status & 4 != 0, "notified before DRIVER_OK");
                self.notified.push(value);
            }
            reg::INTERRUPT_ACK => {
                assert_eq!(value & !3, 0, "undefined bits");
                let status = self.interrupts | self.kind.more_interrupts;
                assert_eq!(value & !status, 0, "bits that are not set");
                self.interrupts &= !value;
            }
            reg::STATUS => self.write_status(value),
            reg::SHM_SEL => self.shared = Some(value),
            reg::QUEUE_RESET => {
                assert!(self.has(transport::RING_RESET) && value == 1, "queue reset");
                let looks = self.kind.queue_reset.0;
                self.selected().resetting = Some(looks);
            }
            _ if is_address => {
                self.selected().words.insert(offset, value);
            }
            _ => {}
        }
    }

    fn write_status(&mut self, value: u32) {
        if value != 0 {
            assert_eq!(self.status & !value, 0, "a bit of the status is dropped");
            self.status = value;
            let has_features = value & u32::from(Status::FEATURES_OK.bits()) != 0;
            assert!(!has_features || !self.is_legacy(), "FEATURES_OK");
            if has_features {
                let features = FeatureSet::from_words(self.features);
                assert!(self.kind.offered.contains_all(features), "not offered");
            }
            return;
        }
        self.features = [0; 4];
        // Which a device may remember, or not.
        self.page_size = None;
        if !self.kind.keeps {
            self.queues.clear();
        }
        self.interrupts = 0;
        if let Some(stuck) = self.kind.stuck {
            let is_legacy = self.is_legacy();
            let queue = self.queues.entry(stuck).or_default();
            queue.ready = !is_legacy;
            queue.page = is_legacy.then_some((0x1000, 0x1234));
        }
        self.resetting = Some(self.kind.reset);
    }
}

impl Registers for Device {
    fn len(&self) -> usize {
        self.0.borrow().kind.len
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
