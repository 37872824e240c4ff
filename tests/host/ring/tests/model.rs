// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The ring and a device that keeps to the rules, against a simple model, over random sequences of
//! what either can do.
//!
//! The memory panics when the driver writes what the device still has, moves an index back, or
//! leaves a barrier out. The device panics when a chain is not as the specification wants it, or is
//! not as it was shown.

use proptest::prelude::*;
use pure::ring::{
    ChainError,
    Options,
    Place, //
};
use std::collections::HashMap;
use support::{
    cases,
    pop,
    ring,
    segments,
    Chain,
    Device,
    Ring,
    Segment, //
};

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// The driver adds a chain of so many readable and writable segments, announcing some more.
    Add(u16, u16, u16),
    /// The driver gives up a chain half-way.
    Abandon(u16),
    /// The driver publishes.
    Publish,
    /// The device takes a chain.
    Take,
    /// The device uses one of the chains that it has, and says it wrote so much.
    Use(prop::sample::Index, u32),
    /// The driver takes a chain back.
    Pop,
    /// The driver wants no interrupts.
    Disable,
    /// The driver wants them.
    Enable,
    /// The device wants notifications, or not.
    Notifications(bool),
}

/// Any step.
fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..5_u16, 0..5_u16, 0..3_u16).prop_map(|(r, w, more)| Step::Add(r, w, more)),
        1 => (1..6_u16).prop_map(Step::Abandon),
        3 => Just(Step::Publish),
        5 => Just(Step::Take),
        5 => (any::<prop::sample::Index>(), prop_oneof![0..5000_u32, any::<u32>()])
            .prop_map(|(which, len)| Step::Use(which, len)),
        5 => Just(Step::Pop),
        1 => Just(Step::Disable),
        2 => Just(Step::Enable),
        1 => any::<bool>().prop_map(Step::Notifications),
    ]
}

/// Where the segments of a chain are, as the device finds them.
fn places(chain: &Chain) -> impl Iterator<Item = Place> + '_ {
    (0..).zip(&chain.segments).map(|(entry, _)| {
        if chain.indirect {
            let head = chain.head;
            Place::Table { head, entry }
        } else {
            Place::Direct(chain.descriptors[usize::from(entry)])
        }
    })
}

/// What should be.
struct Model {
    /// The ring.
    ring: Ring,
    /// The device.
    device: Device,
    /// Chains that the driver added and has not taken back, by head: segments and places.
    outstanding: HashMap<u16, (Vec<Segment>, Vec<Place>)>,
    /// Chains that the driver has not published, in order.
    unpublished: Vec<u16>,
    /// Chains that the device has not taken, in order.
    available: Vec<u16>,
    /// Chains that the device has.
    taken: Vec<Chain>,
    /// Chains that the device has used, in order, and what it says it wrote.
    used: Vec<(u16, u32)>,
    /// What the next chain is recognised by.
    tag: u32,
    /// Whether the driver waits for an interrupt.
    waiting: bool,
    /// Whether the device waits for a notification.
    idle: bool,
}

impl Model {
    /// A ring of which nothing has been used.
    fn new(size: u16, table_len: u16, options: Options) -> Self {
        let (ring, device) = ring(size, table_len, options);
        Self {
            ring,
            device,
            outstanding: HashMap::new(),
            unpublished: Vec::new(),
            available: Vec::new(),
            taken: Vec::new(),
            used: Vec::new(),
            tag: 0,
            waiting: false,
            idle: false,
        }
    }

    /// Descriptors that a chain takes.
    fn cost(places: &[Place]) -> u16 {
        match places {
            [Place::Table { .. }, ..] => 1,
            direct => direct.len() as u16,
        }
    }

    /// Lets one thing happen.
    fn step(&mut self, step: Step) {
        match step {
            Step::Add(readable, writable, more) => self.add(readable, writable, more),
            Step::Abandon(count) => {
                if let Ok(mut chain) = self.ring.chain(count) {
                    for segment in segments(0, count, 0) {
                        chain.push(segment.addr, segment.len, false).unwrap();
                    }
                }
            }
            Step::Publish => {
                let old = self.ring.notification_data();
                let kicked = self.ring.publish();
                let new = !self.unpublished.is_empty();
                assert_eq!(kicked, new && self.device.wants_notification(old));
                self.available.append(&mut self.unpublished);
                // A device that waits for a notification gets it.
                if self.idle && new {
                    assert!(kicked, "a lost notification");
                }
                self.idle &= !kicked;
            }
            Step::Take => self.take(),
            Step::Use(which, len) => {
                if !self.taken.is_empty() {
                    let chain = self.taken.swap_remove(which.index(self.taken.len()));
                    let interrupt = self.device.complete(&chain, len);
                    self.used.push((chain.head, len));
                    assert!(interrupt || !self.waiting, "a lost interrupt");
                    self.waiting = false;
                }
            }
            Step::Pop => self.pop(),
            Step::Disable => {
                self.ring.disable_interrupts();
                self.waiting = false;
            }
            Step::Enable => {
                self.waiting = self.ring.enable_interrupts();
                assert_eq!(self.waiting, self.used.is_empty());
            }
            Step::Notifications(true) => {
                self.device.enable_notifications();
                self.idle = self.available.is_empty();
            }
            Step::Notifications(false) => {
                self.device.disable_notifications();
                self.idle = false;
            }
        }
        self.check();
    }

    /// The driver adds a chain.
    fn add(&mut self, readable: u16, writable: u16, more: u16) {
        let segments = segments(self.tag, readable, writable);
        let max = readable + writable + more;
        let free = self.ring.num_free();
        let size = self.ring.size();
        let mut chain = match self.ring.chain(max) {
            Ok(chain) => chain,
            Err(ChainError::TooLong) => {
                assert!(max == 0 || max > size);
                return;
            }
            Err(error) => {
                assert_eq!(error, ChainError::Full);
                assert!(max > free);
                assert_ne!(free, size, "full, but all is free");
                return;
            }
        };
        let places: Vec<_> = segments
            .iter()
            .map(|s| chain.push(s.addr, s.len, s.writable).unwrap())
            .collect();
        match chain.commit() {
            Ok(head) => {
                self.tag += 1;
                self.unpublished.push(head);
                let before = self.outstanding.insert(head, (segments, places));
                assert_eq!(before, None, "head {head} is in use");
            }
            Err(error) => {
                assert_eq!(error, ChainError::Empty);
                assert!(segments.is_empty());
            }
        }
    }

    /// The device takes a chain: the next one, as it was added.
    fn take(&mut self) {
        let chain = self.device.take();
        if self.available.is_empty() {
            assert_eq!(chain, None);
            return;
        }
        let chain = chain.expect("one is available");
        assert_eq!(chain.head, self.available.remove(0));
        let (segments, places) = &self.outstanding[&chain.head];
        assert_eq!(&chain.segments, segments);
        assert!(self::places(&chain).eq(places.iter().copied()));
        self.taken.push(chain);
    }

    /// The driver takes a chain back: the one used first, with its length.
    fn pop(&mut self) {
        let used = self.ring.pop().expect("the device keeps to the rules");
        let Some(used) = used else {
            assert!(self.used.is_empty());
            return;
        };
        let (head, len) = self.used.remove(0);
        let (segments, _) = self.outstanding.remove(&head).expect("outstanding");
        let writable = segments.iter().filter(|s| s.writable).map(|s| s.len).sum();
        assert_eq!((used.head, used.written), (head, len.min(writable)));
    }

    /// What always holds.
    fn check(&self) {
        let costs = self.outstanding.values().map(|(_, p)| Self::cost(p));
        let taken: u16 = costs.sum();
        assert_eq!(self.ring.num_free() + taken, self.ring.size());
        assert_eq!(usize::from(self.ring.outstanding()), self.outstanding.len());
        assert_eq!(self.ring.broken(), None);
    }
}

/// Sizes and options.
fn layouts() -> impl Strategy<Value = (u16, u16, Options)> {
    let options = (any::<bool>(), any::<bool>()).prop_map(|(event_idx, indirect)| Options {
        event_idx,
        indirect,
        in_order: false,
    });
    (0..7_u32, 0..12_u16, options).prop_map(|(shift, table, options)| (1 << shift, table, options))
}

proptest! {
    #![proptest_config(cases(600))]

    /// CLEAN-01, VQ-SPLIT-07, VQ-SPLIT-14, VQ-SPLIT-15, VQ-SPLIT-16, VQ-SPLIT-21, VQ-SPLIT-30,
    /// VQ-SPLIT-31, VQ-SPLIT-48: whatever the order of events, ring and device agree.
    #[test]
    fn ring_and_device_agree(
        (size, table_len, options) in layouts(),
        steps in prop::collection::vec(step(), 1..400),
    ) {
        let mut model = Model::new(size, table_len, options);
        for step in steps {
            model.step(step);
        }
        // All comes to an end.
        model.step(Step::Publish);
        while !model.available.is_empty() {
            model.step(Step::Take);
        }
        while let Some(chain) = model.taken.pop() {
            model.device.complete(&chain, 0);
            model.used.push((chain.head, 0));
        }
        while !model.used.is_empty() {
            model.pop();
        }
        model.check();
        prop_assert!(model.outstanding.is_empty());
        prop_assert_eq!(model.ring.num_free(), size);
    }

    /// After a reset each outstanding chain comes back once, whatever the device had done with it.
    #[test]
    fn draining_returns_each_outstanding_chain_once(
        (size, table_len, options) in layouts(),
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let mut model = Model::new(size, table_len, options);
        for step in steps {
            model.step(step);
        }
        while let Some(head) = model.ring.drain() {
            prop_assert!(model.outstanding.remove(&head).is_some());
        }
        prop_assert!(model.outstanding.is_empty());
        prop_assert_eq!(model.ring.drain(), None);
        prop_assert_eq!((model.ring.num_free(), model.ring.outstanding()), (size, 0));
        prop_assert_eq!(pop(&mut model.ring), Ok(None));
        prop_assert_eq!(model.ring.chain(1).err(), Some(ChainError::Broken));
        prop_assert!(!model.ring.publish());
    }
}

/// VQ-SPLIT-21: indexes go round more than once, at each size, with chains completed out of order.
#[test]
fn indexes_wrap_around() {
    for shift in [0, 1, 2, 3, 8] {
        let size = 1_u16 << shift;
        let options = Options {
            event_idx: shift % 2 == 0,
            indirect: true,
            in_order: false,
        };
        let (mut ring, mut device) = ring(size, 4, options);
        let mut chains = Vec::new();
        let mut popped = 0_u32;
        let mut tag = 0_u32;
        while popped < 0x2_0100 {
            while let Ok(mut chain) = ring.chain(size.min(1 + (tag % 2) as u16)) {
                chain.push(tag.into(), 1, true).unwrap();
                chain.commit().unwrap();
                tag += 1;
            }
            ring.publish();
            chains.extend(std::iter::from_fn(|| device.take()));
            let keep = chains.len() / 3;
            for chain in chains.drain(keep..).rev() {
                device.complete(&chain, 1);
            }
            while pop(&mut ring).expect("no violation").is_some() {
                popped += 1;
            }
            ring.memory().take_log();
            assert_eq!(usize::from(ring.outstanding()), chains.len());
        }
        assert_eq!(ring.stats().completions.get(), popped.into());
    }
}
