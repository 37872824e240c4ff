// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Driver and device in a thread each, in all forms of rings. Either sleeps when it has nothing to
//! do, after it has asked the other one to wake it; what the other one then owes is a notification
//! or an interrupt.

use device::{
    Arena,
    Queue,
    Wish, //
};
use pure::ring::{
    Ring,
    Slot, //
};
use std::sync::{
    Arc,
    Condvar,
    Mutex, //
};
use std::thread;
use std::time::Duration;
use walk::{
    bus::{
        options,
        Bus, //
    },
    Kind,
    Source, //
};

/// Chains that the device is given.
const CHAINS: u32 = 20_000;

/// What wakes a thread.
#[derive(Clone, Default)]
struct Bell(Arc<(Mutex<bool>, Condvar)>);

impl Bell {
    /// Wakes it, now or when it is about to sleep.
    fn ring(&self) {
        *self.0 .0.lock().unwrap() = true;
        self.0 .1.notify_one();
    }

    /// Sleeps until it is woken. A test that fails does so after a while.
    fn wait(&self, who: &str) {
        let (rung, changed) = &*self.0;
        let rung = rung.lock().unwrap();
        let long = Duration::from_secs(60);
        let result = changed.wait_timeout_while(rung, long, |rung| !*rung);
        let (mut rung, timeout) = result.unwrap();
        assert!(!timeout.timed_out(), "the {who} was not woken");
        *rung = false;
    }
}

/// The device: it takes what there is, and uses some of it, until all is used.
fn serve(mut queue: Queue<Arena>, kind: Kind, kick: Bell, interrupt: Bell) {
    let mut source = Source::seeded(7);
    let mut taken = Vec::new();
    let mut used = 0;
    while used < CHAINS {
        while let Some(chain) = queue.take().expect("the driver keeps to the rules") {
            taken.push(chain);
            if source.one_in(8) {
                break;
            }
        }
        if taken.is_empty() {
            // What came meanwhile is taken at once.
            if queue.ask(Wish::All).unwrap() {
                kick.wait("device");
            }
            queue.ask(Wish::Nothing).unwrap();
            continue;
        }
        let count = 1 + source.below(taken.len() as u32) as usize;
        used += count as u32;
        let wanted = if kind.in_order && source.one_in(2) {
            queue.complete_batch(taken.drain(..count).collect(), 8)
        } else {
            let mut some: Vec<_> = taken.drain(..count).map(|chain| (chain, 8)).collect();
            if !kind.in_order {
                some.reverse();
            }
            queue.complete(some)
        };
        if wanted.expect("the driver keeps to the rules") {
            interrupt.ring();
        }
    }
}

/// The driver: it gives the device what there is room for, and sleeps when it can do nothing else.
fn drive(kind: Kind) {
    let bus = Bus::new(kind);
    let queue = bus.device(kind);
    let slots = vec![Slot::default(); kind.size.into()];
    let mut ring = Ring::new(bus.either(), slots, options(kind)).unwrap();
    let (kick, interrupt) = (Bell::default(), Bell::default());
    let device = thread::spawn({
        let (kick, interrupt) = (kick.clone(), interrupt.clone());
        move || serve(queue, kind, kick, interrupt)
    });
    let mut source = Source::seeded(3);
    let (mut added, mut completed) = (0, 0);
    while completed < CHAINS {
        while added < CHAINS && !source.one_in(8) {
            let count = 1 + source.below(u32::from(kind.size.min(3))) as u16;
            let Ok(mut chain) = ring.chain(count) else {
                break;
            };
            for _ in 0..count {
                chain.push(u64::from(added) << 8, 8, true).unwrap();
            }
            chain.commit().unwrap();
            added += 1;
        }
        if ring.publish() {
            kick.ring();
        }
        let before = completed;
        while let Some(used) = ring.pop().expect("the device keeps to the rules") {
            // A batch leaves chains that were written completely.
            assert!(used.written >= 8);
            completed += 1;
        }
        if completed != before {
            ring.disable_interrupts();
        } else if ring.outstanding() != 0 && ring.enable_interrupts() {
            interrupt.wait("driver");
        }
    }
    device.join().unwrap();
}

/// All that can be negotiated, of one form.
fn all(packed: bool, in_order: bool) {
    for (size, event_idx) in [(1, false), (1, true), (8, false), (8, true), (256, true)] {
        drive(Kind {
            packed,
            in_order,
            event_idx,
            indirect: true,
            size,
            table_len: size.min(3),
        });
    }
}

#[test]
fn split() {
    all(false, false);
}

#[test]
fn split_in_order() {
    all(false, true);
}

#[test]
fn packed() {
    all(true, false);
}

#[test]
fn packed_in_order() {
    all(true, true);
}
