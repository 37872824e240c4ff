// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device behind the registers of the legacy interface, in I/O space.
//!
//! It remembers what was done to it, and panics at what a driver must not do: at registers that are not
//! there, are accessed by another width, or get a value that they cannot have.

use pure::{
    bringup::{
        self,
        Abandoned,
        Failure,
        Progress,
        RingAddresses, //
    },
    byte_order::Machine,
    feature::FeatureSet,
    ring::layout,
    transport::{
        pci::legacy::control::{
            Function,
            Interface, //
        },
        registers::Registers, //
    },
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc, //
};

pub use crate::Access;

/// Offsets of registers that tests look at.
pub mod reg {
    #![allow(missing_docs)]
    pub const DEVICE_FEATURES: usize = 0;
    pub const DRIVER_FEATURES: usize = 4;
    pub const QUEUE_ADDRESS: usize = 8;
    pub const QUEUE_SIZE: usize = 12;
    pub const QUEUE_SELECT: usize = 14;
    pub const QUEUE_NOTIFY: usize = 16;
    pub const STATUS: usize = 18;
    pub const ISR: usize = 19;
    pub const CONFIG_VECTOR: usize = 20;
    pub const QUEUE_VECTOR: usize = 22;
}

/// What kind of device it is.
#[derive(Clone, Debug)]
pub struct Kind {
    /// What it offers.
    pub offered: u32,
    /// The size of each queue.
    pub sizes: Vec<u16>,
    /// Whether MSI-X is enabled.
    pub msix: bool,
    /// Vectors that it has room for.
    pub vectors: u16,
    /// The configuration of its type.
    pub config: Vec<u8>,
    /// Bytes of its BAR, if not as many as it needs.
    pub length: Option<usize>,
    /// Whether its pages outlive a reset.
    pub keeps_pages: bool,
    /// Whether it never finishes a reset.
    pub never_resets: bool,
    /// The status that it is told for which it asks for a reset instead.
    pub rejects: Option<u8>,
    /// The access at which it goes, counted from the first one.
    pub gone_at: Option<usize>,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            offered: 1 << 27 | 1 << 28 | 1 << 29 | 1 << 30 | 1 << 24 | 1 << 9,
            sizes: vec![256, 1024],
            msix: true,
            vectors: 8,
            config: (0x11..0x11 + 60).collect(),
            length: None,
            keeps_pages: false,
            never_resets: false,
            rejects: None,
            gone_at: None,
        }
    }
}

/// What the device knows.
struct State {
    kind: Kind,
    log: Vec<Access>,
    millis: u64,
    status: u8,
    accepted: Option<u32>,
    queue: u16,
    config_vector: u16,
    pages: BTreeMap<u16, u32>,
    queue_vectors: BTreeMap<u16, u16>,
}

/// A device, shared with its driver.
#[derive(Clone)]
pub struct Device(Rc<RefCell<State>>);

impl Device {
    /// A device that was used before by somebody else, who cleared away.
    pub fn new(kind: Kind) -> Self {
        Self(Rc::new(RefCell::new(State {
            kind,
            log: Vec::new(),
            millis: 0,
            status: 7,
            accepted: None,
            queue: 0,
            config_vector: 0xffff,
            pages: BTreeMap::new(),
            queue_vectors: BTreeMap::new(),
        })))
    }

    /// What was done to it.
    pub fn log(&self) -> Vec<Access> {
        self.0.borrow().log.clone()
    }

    /// What was written to a register.
    pub fn written(&self, register: usize) -> Vec<u32> {
        let writes = self.log().into_iter().filter_map(|access| match access {
            Access::Write(at, _, value) if at == register => Some(value),
            _ => None,
        });
        writes.collect()
    }

    /// Forgets what was done.
    pub fn forget(&self) {
        self.0.borrow_mut().log.clear();
    }

    /// The page of a queue; 0 if it has none.
    pub fn page(&self, queue: u16) -> u32 {
        self.0.borrow().pages.get(&queue).copied().unwrap_or(0)
    }

    /// The vectors of configuration changes and of a queue.
    pub fn vectors(&self, queue: u16) -> (u16, u16) {
        let state = self.0.borrow();
        let of_queue = state.queue_vectors.get(&queue).copied();
        (state.config_vector, of_queue.unwrap_or(0xffff))
    }

    /// What was accepted.
    pub fn accepted(&self) -> Option<u32> {
        self.0.borrow().accepted
    }

    /// The configuration of its type.
    pub fn config(&self) -> Vec<u8> {
        self.0.borrow().kind.config.clone()
    }

    /// Becomes another kind of device.
    pub fn change(&self, change: impl FnOnce(&mut Kind)) {
        change(&mut self.0.borrow_mut().kind);
    }
}

impl State {
    /// Where the configuration begins.
    fn base(&self) -> usize {
        match self.kind.msix {
            true => 24,
            false => 20,
        }
    }

    /// Whether the device is gone, after it has noted an access.
    fn note(&mut self, access: Access) -> bool {
        let number = self.log.len();
        self.log.push(access);
        self.kind.gone_at.is_some_and(|at| number >= at)
    }

    /// Checks that there is a register of this width.
    fn check(&self, offset: usize, width: usize) {
        let expected = match offset {
            reg::DEVICE_FEATURES | reg::DRIVER_FEATURES | reg::QUEUE_ADDRESS => 4,
            reg::QUEUE_SIZE | reg::QUEUE_SELECT | reg::QUEUE_NOTIFY => 2,
            reg::STATUS | reg::ISR => 1,
            reg::CONFIG_VECTOR | reg::QUEUE_VECTOR if self.kind.msix => 2,
            _ if offset >= self.base() => 1,
            _ => panic!("no register at {offset:#x}"),
        };
        assert_eq!(width, expected, "width of the access at {offset:#x}");
    }

    fn read(&mut self, offset: usize, width: usize) -> u32 {
        self.check(offset, width);
        if self.note(Access::Read(offset, width)) {
            return u32::MAX;
        }
        let queue = self.queue;
        match offset {
            reg::DEVICE_FEATURES => self.kind.offered,
            reg::QUEUE_ADDRESS => self.pages.get(&queue).copied().unwrap_or(0),
            reg::QUEUE_SIZE => {
                let size = self.kind.sizes.get(usize::from(queue));
                size.copied().unwrap_or(0).into()
            }
            reg::QUEUE_SELECT => queue.into(),
            reg::STATUS => self.status.into(),
            reg::CONFIG_VECTOR if self.kind.msix => self.config_vector.into(),
            reg::QUEUE_VECTOR if self.kind.msix => {
                let vector = self.queue_vectors.get(&queue);
                vector.copied().unwrap_or(0xffff).into()
            }
            _ => {
                let byte = self.kind.config.get(offset - self.base());
                byte.copied().unwrap_or(0xff).into()
            }
        }
    }

    fn write(&mut self, offset: usize, width: usize, value: u32) {
        self.check(offset, width);
        if self.note(Access::Write(offset, width, value)) {
            return;
        }
        let queue = self.queue;
        let room = self.kind.vectors;
        let vector = move |value: u32| match u16::try_from(value) {
            Ok(value) if value < room => value,
            _ => 0xffff,
        };
        match offset {
            reg::DRIVER_FEATURES => {
                assert_eq!(value & !self.kind.offered, 0, "accepted and not offered");
                assert_eq!(value & 1 << 30, 0, "the trap was accepted");
                assert_eq!(self.status, 3, "features are accepted in time");
                self.accepted = Some(value);
            }
            reg::QUEUE_ADDRESS => {
                let placed = self.pages.insert(queue, value).unwrap_or(0);
                assert!(value == 0 || placed == 0, "a queue in use is placed");
                assert!(
                    value == 0 || self.accepted.is_some(),
                    "a queue is placed before features are accepted"
                );
            }
            reg::QUEUE_SELECT => self.queue = value as u16,
            reg::STATUS => self.write_status(value as u8),
            reg::CONFIG_VECTOR if self.kind.msix => self.config_vector = vector(value),
            reg::QUEUE_VECTOR if self.kind.msix => {
                self.queue_vectors.insert(queue, vector(value));
            }
            _ => {
                assert!(offset >= self.base(), "write of {offset:#x}");
                let at = offset - self.base();
                if let Some(byte) = self.kind.config.get_mut(at) {
                    *byte = value as u8;
                }
            }
        }
    }

    fn write_status(&mut self, value: u8) {
        assert_eq!(value & 8, 0, "FEATURES_OK is told to a legacy device");
        if value == 0 {
            if self.kind.never_resets {
                return;
            }
            self.accepted = None;
            self.config_vector = 0xffff;
            self.queue_vectors.clear();
            if !self.kind.keeps_pages {
                self.pages.clear();
            }
        }
        self.status = match self.kind.rejects {
            Some(rejected) if rejected == value => value | 0x40,
            _ => value,
        };
    }
}

impl Registers for Device {
    fn len(&self) -> usize {
        let state = self.0.borrow();
        let all = state.base() + state.kind.config.len();
        state.kind.length.unwrap_or(all)
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

impl Function for Device {
    fn has_msix(&self) -> bool {
        self.0.borrow().kind.msix
    }

    fn millis(&self) -> u64 {
        self.0.borrow().millis
    }

    fn pause(&self) {
        self.0.borrow_mut().millis += 1;
    }
}

/// Where the ring of queue `index` of this size is.
pub fn ring(index: u16, size: u16) -> RingAddresses {
    let descriptor = 0x123_4567_8000 + 0x10_0000 * u64::from(index);
    let parts = layout::parts(size, 4096);
    RingAddresses {
        descriptor,
        driver: descriptor + parts.driver as u64,
        device: descriptor + parts.device as u64,
    }
}

/// A driver's side, as the transport has it.
pub struct Driver<M>(pub Interface<Device, Device, M>);

impl<M: Machine> Driver<M> {
    /// A driver of `device`.
    pub fn new(device: &Device) -> Self {
        Self(Interface::new(device.clone(), device.clone()))
    }

    /// Brings the device up for the first time, as probing does it, with so many queues. `choose`
    /// chooses features.
    ///
    /// # Errors
    ///
    /// What bringing up returns; the device has been given up then.
    pub fn probe(
        &self,
        queues: u16,
        choose: impl FnOnce(FeatureSet) -> FeatureSet,
    ) -> Result<(Progress, FeatureSet), Failure> {
        let quiet = bringup::reset(&self.0)?;
        let (mut progress, features) =
            bringup::negotiate(quiet, &self.0, |offered| Ok(choose(offered)))
                .map_err(|abandoned| abandoned.why)?;
        match self.set_up(&mut progress, queues) {
            Ok(()) => Ok((progress, features)),
            Err(failure) => {
                // As dropping the states does it.
                progress.give_up(&self.0);
                let _ = bringup::reset(&self.0);
                Err(failure)
            }
        }
    }

    fn set_up(&self, progress: &mut Progress, queues: u16) -> Result<(), Failure> {
        for index in 0..queues {
            let size = bringup::look_at_queue(&self.0, index)?;
            bringup::place_queue(&self.0, index, size, ring(index, size))?;
        }
        progress.start(&self.0, queues)
    }

    /// Brings the device up again, with queues of these sizes.
    ///
    /// # Errors
    ///
    /// What bringing up returns.
    pub fn restart(&self, features: FeatureSet, sizes: &[u16]) -> Result<Progress, Abandoned> {
        let quiet = bringup::reset(&self.0).map_err(|why| Abandoned {
            why,
            quiet: Err(why),
        })?;
        let queue = |index: u16| {
            let size = sizes.get(usize::from(index)).copied();
            let size = size.ok_or(Failure::Memory)?;
            Ok((size, ring(index, size)))
        };
        let count = sizes.len() as u16;
        bringup::restart(quiet, &self.0, features, count, queue, || true, || {})
    }
}
