// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Driver and device as threads that sleep until they are told, on the machine as it is.
//!
//! When something is lost both sleep for ever; here, until time is up. A barrier that is missing
//! may need more luck to be noticed than this has: that is what the crate `weak` is for.

use pure::{
    entries::{
        Entries,
        WriteEntry, //
    },
    ring::{
        self,
        descriptor::Descriptor,
        event,
        split::{
            Split,
            SplitMemory, //
        },
        stats::Stats,
        Options,
        Slot, //
    }, //
};
use std::sync::{
    atomic::{
        fence,
        AtomicU16,
        AtomicU64,
        Ordering::{
            Acquire,
            Relaxed,
            Release,
            SeqCst, //
        }, //
    },
    Arc,
    Condvar,
    Mutex, //
};
use std::thread;
use std::time::Duration;
use support::pop;

/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Chains for each test.
const CHAINS: u32 = 150_000;

/// A line that wakes the other side up.
#[derive(Default)]
struct Line {
    /// Whether it was raised and not heard.
    raised: Mutex<bool>,
    /// Who waits.
    waiting: Condvar,
}

impl Line {
    /// Raises it.
    fn raise(&self) {
        *self.raised.lock().unwrap() = true;
        self.waiting.notify_one();
    }

    /// Waits for it.
    fn wait(&self, what: &str) {
        let raised = self.raised.lock().unwrap();
        let still = |raised: &mut bool| !*raised;
        let (mut raised, late) = self
            .waiting
            .wait_timeout_while(raised, PATIENCE, still)
            .unwrap();
        assert!(!late.timed_out(), "a lost {what}");
        *raised = false;
    }
}

/// What driver and device share.
struct Shared {
    /// Address, and length, flags and next, of each descriptor.
    desc: Vec<[AtomicU64; 2]>,
    /// Entries of the available ring.
    avail: Vec<AtomicU16>,
    /// Index of the available ring.
    avail_idx: AtomicU16,
    /// Flags of the available ring.
    avail_flags: AtomicU16,
    /// Where the driver wants an interrupt.
    used_event: AtomicU16,
    /// Id and length in the used ring.
    used: Vec<AtomicU64>,
    /// Index of the used ring.
    used_idx: AtomicU16,
    /// Flags of the used ring.
    used_flags: AtomicU16,
    /// Where the device wants a notification.
    avail_event: AtomicU16,
    /// Counters.
    stats: Stats,
    /// To the device.
    kick: Line,
    /// To the driver.
    interrupt: Line,
}

impl Shared {
    /// A ring of this size.
    fn new(size: u16) -> Arc<Self> {
        let size = usize::from(size);
        let cells = || (0..size).map(|_| AtomicU16::new(0)).collect();
        Arc::new(Self {
            desc: (0..size).map(|_| Default::default()).collect(),
            avail: cells(),
            avail_idx: AtomicU16::new(0),
            avail_flags: AtomicU16::new(0),
            used_event: AtomicU16::new(0),
            used: (0..size).map(|_| AtomicU64::new(0)).collect(),
            used_idx: AtomicU16::new(0),
            used_flags: AtomicU16::new(0),
            avail_event: AtomicU16::new(0),
            stats: Stats::default(),
            kick: Line::default(),
            interrupt: Line::default(),
        })
    }

    /// Where in the ring a position is.
    fn at(&self, position: u16) -> usize {
        usize::from(position) & (self.desc.len() - 1)
    }
}

/// The driver's handle.
struct Memory(Arc<Shared>);

impl ring::Memory for Memory {
    type Table<'b>
        = Entries<'b>
    where
        Self: 'b;

    fn size(&self) -> u16 {
        self.0.desc.len() as u16
    }

    fn stats(&self) -> &Stats {
        &self.0.stats
    }

    fn clear(&self) {
        // It is: no ring was in it before.
    }

    fn table_len(&self) -> u16 {
        0
    }

    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_> {
        Entries::new(self, head, len, linked)
    }

    fn wmb(&self) {
        fence(Release);
    }

    fn rmb(&self) {
        fence(Acquire);
    }

    fn mb(&self) {
        fence(SeqCst);
    }
}

impl WriteEntry for Memory {
    fn write_entry(&self, _: u16, _: u16, _: Descriptor) {}

    fn table_addr(&self, _: u16) -> u64 {
        0
    }
}

impl SplitMemory for Memory {
    fn write_desc(&self, index: u16, desc: Descriptor) {
        let [addr, rest] = &self.0.desc[self.0.at(index)];
        addr.store(desc.addr, Relaxed);
        let flags = u64::from(desc.flags) << 32 | u64::from(desc.next) << 48;
        rest.store(u64::from(desc.len) | flags, Relaxed);
    }

    fn write_desc_flags(&self, index: u16, flags: u16) {
        let rest = &self.0.desc[self.0.at(index)][1];
        let others = rest.load(Relaxed) & !(0xffff << 32);
        rest.store(others | u64::from(flags) << 32, Relaxed);
    }

    fn write_avail_ring(&self, position: u16, head: u16) {
        self.0.avail[self.0.at(position)].store(head, Relaxed);
    }

    fn write_avail_idx(&self, idx: u16) {
        self.0.avail_idx.store(idx, Relaxed);
    }

    fn write_avail_flags(&self, flags: u16) {
        self.0.avail_flags.store(flags, Relaxed);
    }

    fn write_used_event(&self, idx: u16) {
        self.0.used_event.store(idx, Relaxed);
    }

    fn read_used_idx(&self) -> u16 {
        self.0.used_idx.load(Relaxed)
    }

    fn read_used_elem(&self, position: u16) -> (u32, u32) {
        let elem = self.0.used[self.0.at(position)].load(Relaxed);
        (elem as u32, (elem >> 32) as u32)
    }

    fn read_used_flags(&self) -> u16 {
        self.0.used_flags.load(Relaxed)
    }

    fn read_avail_event(&self) -> u16 {
        self.0.avail_event.load(Relaxed)
    }
}

/// The device: uses each chain, saying that it wrote as much as the low bits of its address, until
/// all have been.
fn device(shared: &Shared, event_idx: bool) {
    let (mut taken, mut used) = (0_u16, 0_u16);
    let mut left = CHAINS;
    while left > 0 {
        if shared.avail_idx.load(Relaxed) == taken {
            if event_idx {
                shared.avail_event.store(taken, Relaxed);
            } else {
                shared.used_flags.store(0, Relaxed);
            }
            fence(SeqCst);
            if shared.avail_idx.load(Relaxed) == taken {
                shared.kick.wait("notification");
            }
            if !event_idx {
                shared.used_flags.store(event::NO_NOTIFY, Relaxed);
            }
            continue;
        }
        fence(Acquire);
        let head = shared.avail[shared.at(taken)].load(Relaxed);
        taken = taken.wrapping_add(1);
        let [addr, rest] = &shared.desc[shared.at(head)];
        let (addr, len) = (addr.load(Relaxed), rest.load(Relaxed) as u32);
        assert_eq!(len, 0x1_0000, "a stale descriptor");
        let elem = u64::from(head) | (addr & 0xffff) << 32;
        shared.used[shared.at(used)].store(elem, Relaxed);
        fence(Release);
        let old = used;
        used = used.wrapping_add(1);
        shared.used_idx.store(used, Relaxed);
        fence(SeqCst);
        let wanted = if event_idx {
            event::need_event(shared.used_event.load(Relaxed), used, old)
        } else {
            shared.avail_flags.load(Relaxed) & event::NO_INTERRUPT == 0
        };
        if wanted {
            shared.interrupt.raise();
        }
        left -= 1;
    }
}

/// The driver: keeps the ring full, and sleeps when there is nothing to do.
fn driver(shared: &Arc<Shared>, options: Options) -> Split<Memory, Vec<Slot>> {
    let memory = Memory(shared.clone());
    let size = ring::Memory::size(&memory);
    let slots = vec![Slot::default(); usize::from(size)];
    let mut ring = Split::new(memory, slots, options).unwrap();
    let mut tags = vec![0; usize::from(size)];
    let (mut added, mut done) = (0_u32, 0_u32);
    while done < CHAINS {
        while added < CHAINS {
            let Ok(mut chain) = ring.chain(1) else {
                break;
            };
            chain.push(added.into(), 0x1_0000, true).unwrap();
            tags[usize::from(chain.commit().unwrap())] = added & 0xffff;
            added += 1;
        }
        if ring.publish() {
            shared.kick.raise();
        }
        ring.disable_interrupts();
        let before = done;
        while let Some((head, written)) = pop(&mut ring).expect("the device keeps to the rules") {
            assert_eq!(written, tags[usize::from(head)], "a stale entry");
            done += 1;
        }
        if done == before && ring.enable_interrupts() {
            shared.interrupt.wait("interrupt");
        }
    }
    ring
}

/// Runs both.
fn run(size: u16, event_idx: bool) {
    let options = Options {
        event_idx,
        indirect: false,
        in_order: false,
    };
    let shared = Shared::new(size);
    let other = shared.clone();
    let device = thread::spawn(move || device(&other, event_idx));
    let ring = driver(&shared, options);
    device.join().unwrap();
    assert_eq!(ring.stats().completions.get(), CHAINS.into());
    assert_eq!((ring.num_free(), ring.outstanding()), (size, 0));
}

/// VQ-SPLIT-46, VQ-SPLIT-47: with a ring so small that both sleep all the time.
#[test]
fn nothing_is_lost_in_a_small_ring() {
    run(2, false);
    run(2, true);
}

/// VQ-SPLIT-46, VQ-SPLIT-47: with a ring that both can work on at the same time.
#[test]
fn nothing_is_lost_in_a_larger_ring() {
    run(64, false);
    run(64, true);
}
