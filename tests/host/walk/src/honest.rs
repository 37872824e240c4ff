// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A driver's ring and a device that keeps to the rules.

use crate::{
    bus::{
        options,
        Bus, //
    },
    Kind,
    Source, //
};
use device::{
    Arena,
    Chain,
    Element,
    Queue,
    Wish, //
};
use pure::ring::{
    ChainError,
    Place,
    Ring as EitherRing,
    Slot,
    Violation, //
};
use std::collections::VecDeque;

/// The ring under test.
type Ring = EitherRing<Bus, Bus, Vec<Slot>>;

/// A chain that the driver added and has not taken back.
#[derive(Debug)]
struct Entry {
    /// Its elements.
    elements: Vec<Element>,
    /// Where they were put.
    places: Vec<Place>,
}

impl Entry {
    /// Bytes that the device may write.
    fn writable(&self) -> u32 {
        let writable = self.elements.iter().filter(|element| element.writable);
        writable.map(|element| element.len).sum()
    }
}

/// A chain that the device has used.
#[derive(Clone, Copy, Debug)]
struct Used {
    /// Which one.
    token: u16,
    /// Bytes that the device says it wrote.
    said: u32,
}

/// A walk of a ring.
pub struct Walk {
    /// What it is like.
    kind: Kind,
    /// The size that it had first.
    most: u16,
    /// The driver.
    ring: Ring,
    /// The device.
    device: Queue<Arena>,
    /// Chains that the driver has not taken back, by token.
    outstanding: Vec<Option<Entry>>,
    /// How many there are.
    count: u16,
    /// Which entries of the descriptor table or ring the driver put elements in.
    placed: Vec<bool>,
    /// Chains that the device has not been shown, in order.
    unpublished: VecDeque<u16>,
    /// Chains that the device has not taken, in order.
    available: VecDeque<u16>,
    /// Chains that the device has, in order.
    taken: Vec<(u16, Chain)>,
    /// Chains that the device has used, in order.
    used: VecDeque<Used>,
    /// What the next chain is recognised by.
    tag: u64,
    /// Whether the driver waits for an interrupt, and must get it.
    waiting: bool,
    /// Whether the driver said that it wants no interrupts.
    disabled: bool,
    /// What was done.
    operations: u64,
    /// Kicks, kicks that were not wanted, chains completed, and lengths that were too large.
    counted: [u64; 4],
}

impl Walk {
    /// A ring of which nothing has been used.
    pub fn new(kind: Kind) -> Self {
        let bus = Bus::new(kind);
        let device = bus.device(kind);
        bus.note_seen(0);
        let slots = vec![Slot::default(); kind.size.into()];
        let ring = Ring::new(bus.either(), slots, options(kind)).expect("a valid layout");
        Self {
            most: kind.size,
            kind,
            ring,
            device,
            outstanding: (0..kind.size).map(|_| None).collect(),
            count: 0,
            placed: vec![false; kind.size.into()],
            unpublished: VecDeque::new(),
            available: VecDeque::new(),
            taken: Vec::new(),
            used: VecDeque::new(),
            tag: 1,
            waiting: false,
            disabled: false,
            operations: 0,
            counted: [0; 4],
        }
    }

    /// What the ring shares with the device.
    fn bus(&self) -> &Bus {
        match &self.ring {
            Ring::Split(ring) => ring.memory(),
            Ring::Packed(ring) => ring.memory(),
        }
    }

    /// Things done so far that either side of a ring does: what is counted is each chain added, shown,
    /// taken, used and taken back, and each change of a wish.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// Does one thing.
    pub fn step(&mut self, source: &mut Source<'_>) {
        match source.byte() {
            0..=63 => self.add(source),
            64..=67 => self.abandon(source),
            68..=99 => self.publish(),
            100..=149 => self.take(),
            150..=199 => self.use_some(source),
            200..=239 => self.pop(),
            240..=243 => self.disable(),
            244..=249 => self.enable(),
            250..=253 => self.ask(source),
            // All is laid anew, which takes long for a ring that is long.
            _ if source.one_in(1 + u32::from(self.kind.size) / 8) => self.reset(source),
            _ => self.pop(),
        }
        assert_eq!(self.ring.broken(), None);
        assert_eq!(self.ring.outstanding(), self.count);
    }

    /// Elements of a chain of any length that makes sense and of some that do not.
    fn elements(&mut self, source: &mut Source<'_>) -> Vec<Element> {
        let longest = match source.byte() {
            0..=127 => 1,
            128..=223 => 4,
            224..=251 => u32::from(self.kind.table_len.max(1)),
            _ => u32::from(self.kind.size.min(300)) + 1,
        };
        let count = 1 + source.below(longest);
        let readable = source.below(count + 1);
        let tag = self.tag;
        self.tag += 1;
        (0..count)
            .map(|at| Element {
                addr: tag << 24 | u64::from(at) << 8,
                len: 1 + source.below(256),
                writable: at >= readable,
            })
            .collect()
    }

    /// The driver adds a chain, if there is room.
    fn add(&mut self, source: &mut Source<'_>) {
        let elements = self.elements(source);
        let more = u16::from(source.one_in(16));
        let max = u16::try_from(elements.len()).expect("few") + more;
        let free = self.ring.num_free();
        let mut chain = match self.ring.chain(max) {
            Ok(chain) => chain,
            Err(ChainError::TooLong) => {
                assert!(
                    max > self.kind.capacity(),
                    "{max} elements are not too many"
                );
                return;
            }
            Err(error) => {
                assert_eq!(error, ChainError::Full);
                let table = self.kind.indirect && max <= self.kind.table_len;
                assert!(free < if table { 1 } else { max }, "{free} are free");
                return;
            }
        };
        let push = |element: &Element| {
            let pushed = chain.push(element.addr, element.len, element.writable);
            pushed.expect("a valid element")
        };
        let places: Vec<_> = elements.iter().map(push).collect();
        let token = chain.commit().expect("a valid chain");
        for &place in &places {
            if let Place::Direct(at) = place {
                let placed = &mut self.placed[usize::from(at)];
                assert!(!std::mem::replace(placed, true), "{at} is in use");
            }
        }
        assert!(free > self.ring.num_free());
        let entry = &mut self.outstanding[usize::from(token)];
        assert!(entry.is_none(), "token {token} is outstanding");
        *entry = Some(Entry { elements, places });
        self.count += 1;
        self.unpublished.push_back(token);
        self.operations += 1;
        // What is not published does not count.
        let data = self.ring.notification_data();
        assert_eq!(self.device.notified(data), Ok(()));
    }

    /// The driver begins a chain and gives it up.
    fn abandon(&mut self, source: &mut Source<'_>) {
        let elements = self.elements(source);
        let max = u16::try_from(elements.len()).expect("few");
        let free = self.ring.num_free();
        let Ok(mut chain) = self.ring.chain(max) else {
            return;
        };
        let given_up = match source.below(3) {
            0 => elements.len() - 1,
            _ => elements.len(),
        };
        for element in &elements[..given_up] {
            let pushed = chain.push(element.addr, element.len, element.writable);
            pushed.expect("a valid element");
        }
        if source.one_in(2) {
            // What cannot be pushed spoils the chain.
            chain.push(1, 0, true).expect_err("an empty element");
            chain.commit().expect_err("a spoilt chain");
        }
        assert_eq!(self.ring.num_free(), free);
    }

    /// The driver shows the device what it added.
    fn publish(&mut self) {
        let since = self.device.seen();
        assert_eq!(self.device.poll(), Ok(0), "shown before it was published");
        let kick = self.ring.publish();
        let count = self.unpublished.len();
        assert_eq!(self.device.poll().map(usize::from), Ok(count));
        self.bus().note_seen(self.device.seen());
        assert_eq!(self.device.asked(since), Ok(kick), "whether to kick");
        self.available.append(&mut self.unpublished);
        self.operations += 1;
        if count != 0 {
            self.counted[usize::from(!kick)] += 1;
        }
        let data = self.ring.notification_data();
        assert_eq!(self.device.notified(data), Ok(()));
    }

    /// The device takes a chain.
    fn take(&mut self) {
        let chain = self.device.take().expect("the driver keeps to the rules");
        let token = self.available.pop_front();
        assert_eq!(chain.is_some(), token.is_some());
        let (Some(chain), Some(token)) = (chain, token) else {
            return;
        };
        let entry = self.outstanding[usize::from(token)].as_ref();
        let entry = entry.expect("it is outstanding");
        assert_eq!(chain.elements, entry.elements);
        self.taken.push((token, chain));
        self.operations += 1;
    }

    /// Bytes of an outstanding chain that the device may write.
    fn writable(&self, token: u16) -> u32 {
        let entry = self.outstanding[usize::from(token)].as_ref();
        entry.expect("it is outstanding").writable()
    }

    /// The bytes that the device says it wrote to a chain.
    fn written(&self, token: u16, source: &mut Source<'_>) -> u32 {
        let writable = self.writable(token);
        match source.byte() {
            0..=63 => writable,
            64..=239 => source.below(writable + 1),
            // Devices are known that say too much.
            240..=247 => writable.wrapping_add(1 + source.below(100)),
            _ => source.u32(),
        }
    }

    /// The device uses some of what it has.
    fn use_some(&mut self, source: &mut Source<'_>) {
        let most = self.taken.len().min(match source.byte() {
            0..=127 => 1,
            128..=251 => 4,
            _ => usize::MAX,
        });
        if most == 0 {
            return;
        }
        let count = 1 + source.below(most as u32) as usize;
        let interrupt = if self.kind.in_order && source.one_in(2) {
            let batch: Vec<_> = self.taken.drain(..count).collect();
            for (token, _) in &batch[..count - 1] {
                self.note_used(*token, self.writable(*token));
            }
            let (last, _) = batch[count - 1];
            let said = self.written(last, source);
            self.note_used(last, said);
            let chains = batch.into_iter().map(|(_, chain)| chain).collect();
            self.device.complete_batch(chains, said)
        } else {
            let mut chains = Vec::with_capacity(count);
            for _ in 0..count {
                let which = if self.kind.in_order {
                    0
                } else {
                    source.below(self.taken.len() as u32) as usize
                };
                let (token, chain) = self.taken.remove(which);
                chains.push((token, chain, self.written(token, source)));
            }
            self.complete(chains, source)
        };
        let interrupt = interrupt.expect("the driver keeps to the rules");
        assert!(interrupt || !self.waiting, "a lost interrupt");
        assert!(!interrupt || !self.disabled, "an unwanted interrupt");
        // The driver has to ask for the next one.
        self.waiting = false;
        self.operations += count as u64;
    }

    /// Remembers that the device has used a chain.
    fn note_used(&mut self, token: u16, said: u32) {
        self.used.push_back(Used { token, said });
    }

    /// The device uses chains one by one.
    fn complete(
        &mut self,
        mut chains: Vec<(u16, Chain, u32)>,
        source: &mut Source<'_>,
    ) -> Result<bool, device::Violation> {
        if let (1, Queue::Packed(_), true) = (chains.len(), &self.device, source.one_in(32)) {
            if let Some((token, chain, said)) = chains.pop() {
                self.note_used(token, said);
                if let Queue::Packed(packed) = &mut self.device {
                    return packed.complete_oddly(chain, said);
                }
            }
        }
        for &(token, _, said) in &chains {
            self.note_used(token, said);
        }
        let chains = chains.into_iter().map(|(_, chain, said)| (chain, said));
        self.device.complete(chains.collect())
    }

    /// What the driver is to make of a chain that was used.
    fn expect(&mut self, used: Used) -> (u16, u32) {
        let writable = self.writable(used.token);
        self.counted[3] += u64::from(used.said > writable);
        (used.token, used.said.min(writable))
    }

    /// The driver takes a chain back.
    fn pop(&mut self) {
        let expected = self.used.pop_front();
        let expected = expected.map(|used| self.expect(used));
        let used = self.ring.pop().expect("the device keeps to the rules");
        let found = used.as_ref().map(|used| (used.head, used.written));
        assert_eq!(found, expected);
        let Some(used) = used else {
            return;
        };
        self.forget(used.head);
        self.operations += 1;
        self.counted[2] += 1;
    }

    /// Takes back what is remembered of a chain.
    fn forget(&mut self, token: u16) {
        let entry = self.outstanding[usize::from(token)].take();
        for place in entry.expect("it is outstanding").places {
            if let Place::Direct(at) = place {
                self.placed[usize::from(at)] = false;
            }
        }
        self.count -= 1;
    }

    /// The driver wants no interrupts.
    fn disable(&mut self) {
        self.ring.disable_interrupts();
        self.waiting = false;
        self.disabled = !self.kind.event_idx;
        self.operations += 1;
    }

    /// The driver wants an interrupt.
    fn enable(&mut self) {
        let may_wait = self.ring.enable_interrupts();
        assert_eq!(may_wait, self.used.is_empty());
        self.waiting = may_wait;
        // Without need to wait it may or may not have said so.
        self.disabled = false;
        self.operations += 1;
    }

    /// The device says of what it wants to be notified.
    fn ask(&mut self, source: &mut Source<'_>) {
        let wish = match source.below(4) {
            0 => Wish::Nothing,
            1 => Wish::All,
            2 => Wish::After(source.below(3) as u16),
            _ => Wish::After(source.below(self.kind.size.into()) as u16),
        };
        let may_wait = self.device.ask(wish);
        assert_eq!(may_wait, Ok(self.available.is_empty()));
        self.operations += 1;
    }

    /// A size that the ring can have: often that which it has.
    fn size(&self, source: &mut Source<'_>) -> u16 {
        let size = 1 + source.below(self.most.into()) as u16;
        match source.below(3) {
            0 => self.kind.size,
            1 => self.most,
            _ if self.kind.packed => size,
            _ => 1 << size.ilog2(),
        }
    }

    /// The device or the queue is reset, and the driver takes back all that it had. The ring may come
    /// back with another size.
    fn reset(&mut self, source: &mut Source<'_>) {
        self.check_counters();
        while let Some(token) = self.ring.drain() {
            self.forget(token);
            self.operations += 1;
        }
        assert_eq!(self.count, 0);
        // The last length of a batch is read with the first chain of it.
        self.counted[3] = self.ring.stats().clamped.get();
        self.kind.size = self.size(source);
        if self.kind.size == self.ring.size() {
            self.ring.reset();
        } else {
            assert_eq!(self.ring.resize(self.kind.size), Ok(()));
        }
        assert_eq!(self.ring.size(), self.kind.size);
        assert_eq!(self.ring.num_free(), self.kind.capacity());
        assert!(self.bus().is_clear());
        self.device = self.bus().device(self.kind);
        self.bus().note_seen(0);
        self.unpublished.clear();
        self.available.clear();
        self.taken.clear();
        self.used.clear();
        self.waiting = false;
        self.disabled = false;
    }

    /// Compares the ring's counters with what was done.
    fn check_counters(&self) {
        let stats = self.ring.stats();
        let [kicks, suppressed, completions, clamped] = self.counted;
        assert_eq!(stats.kicks.get(), kicks);
        assert_eq!(stats.suppressed.get(), suppressed);
        assert_eq!(stats.completions.get(), completions);
        assert!(stats.clamped.get() >= clamped);
        for violation in Violation::OF_DEVICE {
            assert_eq!(stats.rejected(violation), 0);
        }
    }

    /// Takes back all that the driver had made available, and compares its counters with what was
    /// done.
    pub fn finish(mut self) {
        while !self.taken.is_empty() || !self.available.is_empty() {
            self.take();
            self.use_some(&mut Source::Bytes(&[]));
        }
        while !self.used.is_empty() {
            self.pop();
        }
        self.check_counters();
        assert_eq!(self.ring.stats().clamped.get(), self.counted[3]);
        assert_eq!(usize::from(self.count), self.unpublished.len());
    }
}
