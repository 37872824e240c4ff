// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Each barrier of the ring is there, and each is needed, in all forms of rings.
//!
//! For each there is a model that holds in all orders that loom finds, and that fails without it.

use loom::{
    model,
    thread, //
};
use weak::{
    add,
    pop,
    publish,
    ring,
    Barrier,
    Device,
    Kind, //
};

/// A split ring of two entries, with all barriers.
const SPLIT: Kind = Kind {
    packed: false,
    in_order: false,
    event_idx: false,
    size: 2,
    omitted: None,
};

/// A packed one.
const PACKED: Kind = Kind {
    packed: true,
    ..SPLIT
};

/// All forms. Of rings that are used in order, those with room for two chains.
const ALL: [Kind; 4] = [
    SPLIT,
    PACKED,
    Kind {
        in_order: true,
        size: 4,
        ..SPLIT
    },
    Kind {
        in_order: true,
        size: 3,
        ..PACKED
    },
];

/// The same with the event index.
fn events(kind: Kind) -> Kind {
    Kind {
        event_idx: true,
        ..kind
    }
}

/// The same without a barrier.
fn without(kind: Kind, barrier: Barrier) -> Kind {
    Kind {
        omitted: Some(barrier),
        ..kind
    }
}

/// The tag of the chain at this position: not zero, as memory is.
fn tag(position: u16) -> u64 {
    0x1000 + u64::from(position)
}

/// The device takes all that there is, asks for a notification and sleeps when nothing came
/// meanwhile. Where it has got to.
fn work_until_asleep(device: &mut Device) -> usize {
    loop {
        let position = device.taken();
        match device.take() {
            Some((_, seen)) => assert_eq!(seen, tag(position), "a stale descriptor"),
            None if device.enable_notifications() => return position.into(),
            None => device.disable_notifications(),
        }
    }
}

/// A driver that publishes `chains` chains one by one, and a device that goes to sleep now and
/// then.
///
/// When the device sleeps although there is something to do, it must have been notified of that or
/// of what follows.
fn driver_publishes(chains: u16, kind: Kind) {
    model(move || {
        let (mut ring, mut device) = ring(kind);
        device.disable_notifications();
        let device = thread::spawn(move || work_until_asleep(&mut device));
        let kicks: Vec<_> = (0..chains).map(|at| publish(&mut ring, tag(at))).collect();
        let asleep_at = device.join().unwrap();
        let missed = &kicks[asleep_at..];
        assert!(
            missed.is_empty() || missed.contains(&true),
            "a lost notification"
        );
    });
}

/// A driver that publishes several descriptors at once, as one list or as chains of one each: the
/// device sees all of them or none.
fn driver_publishes_at_once(chains: u16, segments: u16, kind: Kind) {
    model(move || {
        let (mut ring, mut device) = ring(kind);
        let device = thread::spawn(move || {
            let mut seen = 0;
            while let Some((_, found)) = device.take() {
                assert_eq!(found, tag(seen), "a stale descriptor");
                seen += 1;
            }
            assert!(seen == 0 || seen == chains, "a part of what was published");
        });
        for at in 0..chains {
            add(&mut ring, tag(at), segments);
        }
        ring.publish();
        device.join().unwrap();
    });
}

/// How a device uses chains, and how a driver waits.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// The device uses one chain after the other.
    OneByOne,
    /// The same, and the driver asks for interrupts once more when it may wait.
    Twice,
    /// All by one entry, which `VIRTIO_F_IN_ORDER` allows.
    Batch,
}

/// A device that uses `chains` chains, and a driver that goes to sleep now and then.
///
/// When the driver sleeps although there is something to take back, it must have been interrupted
/// for that or for what follows.
fn device_completes(chains: u16, how: How, kind: Kind) {
    model(move || {
        let (mut ring, mut device) = ring(kind);
        for at in 0..chains {
            publish(&mut ring, tag(at));
        }
        if how != How::Twice {
            ring.disable_interrupts();
        }
        // Not in the thread: of what one thread reads between the other's read and its own write,
        // loom does not see that these could come the other way round.
        let ids = (0..chains).map(|_| device.take().expect("published").0);
        let ids: Vec<_> = ids.collect();
        let device = thread::spawn(move || {
            if how == How::Batch {
                let last = *ids.last().expect("there are chains");
                let interrupt = device.complete(last, 9 + u32::from(chains), chains);
                return vec![interrupt; chains.into()];
            }
            let used = (10..).zip(ids);
            used.map(|(len, id)| device.complete(id, len, 1)).collect()
        });
        let mut asleep_at = 0;
        let mut again = how == How::Twice;
        loop {
            while let Some(written) = pop(&mut ring) {
                let skipped = how == How::Batch && asleep_at + 1 < usize::from(chains);
                let expected = if skipped { 1000 } else { 10 + asleep_at as u32 };
                assert_eq!(written, expected, "a stale length");
                asleep_at += 1;
            }
            if ring.enable_interrupts() {
                if !again {
                    break;
                }
                again = false;
            }
        }
        let interrupts: Vec<bool> = device.join().unwrap();
        let missed = &interrupts[asleep_at..];
        assert!(
            missed.is_empty() || missed.contains(&true),
            "a lost interrupt"
        );
    });
}

/// VQ-SPLIT-45, VQ-SPLIT-46, VQ-PACKED-27, VQ-PACKED-28: no stale descriptors are seen and no
/// notification is lost.
#[test]
fn publishing_is_ordered() {
    for kind in ALL {
        driver_publishes(2, kind);
    }
}

/// VQ-SPLIT-45, VQ-SPLIT-46, VQ-PACKED-27, VQ-PACKED-28: the same with the event index.
#[test]
fn publishing_is_ordered_with_event_index() {
    for kind in ALL {
        driver_publishes(2, events(kind));
    }
}

/// VQ-PACKED-16, VQ-PACKED-33: what is published together is seen together.
#[test]
fn publishing_is_atomic() {
    for kind in ALL {
        driver_publishes_at_once(2, 1, kind);
    }
    driver_publishes_at_once(1, 2, PACKED);
}

/// VQ-SPLIT-28, VQ-SPLIT-47, VQ-PACKED-31, VQ-PACKED-32: no stale entries are seen and no interrupt
/// is lost.
#[test]
fn waiting_is_ordered() {
    for kind in ALL {
        device_completes(2, How::OneByOne, kind);
    }
}

/// VQ-SPLIT-28, VQ-SPLIT-47, VQ-PACKED-31, VQ-PACKED-32: the same with the event index.
#[test]
fn waiting_is_ordered_with_event_index() {
    for kind in ALL {
        device_completes(2, How::OneByOne, events(kind));
    }
}

/// VQ-SPLIT-35, VQ-PACKED-26: the same with batches.
#[test]
fn batches_are_ordered() {
    for kind in &ALL[2..] {
        device_completes(2, How::Batch, *kind);
        device_completes(2, How::Batch, events(*kind));
    }
}

/// VQ-SPLIT-47, VQ-PACKED-32: to ask for interrupts again when they are enabled takes no write and
/// no barrier.
#[test]
fn waiting_again_is_ordered() {
    for kind in ALL {
        device_completes(2, How::Twice, kind);
        device_completes(2, How::Twice, events(kind));
    }
}

/// VQ-SPLIT-45: without the barrier before the index the device sees stale descriptors or
/// entries.
#[test]
#[should_panic = "a stale descriptor"]
fn publishing_needs_the_write_barrier() {
    driver_publishes(1, without(SPLIT, Barrier::Wmb));
}

/// VQ-PACKED-27: without the barrier before the flags the device sees stale descriptors.
#[test]
#[should_panic = "a stale descriptor"]
fn packed_publishing_needs_the_write_barrier() {
    driver_publishes(1, without(PACKED, Barrier::Wmb));
}

/// VQ-PACKED-16: the same for the other descriptors of a list.
#[test]
#[should_panic = "a stale descriptor"]
fn packed_lists_need_the_write_barrier() {
    driver_publishes_at_once(1, 2, without(PACKED, Barrier::Wmb));
}

/// VQ-PACKED-33: without the barrier before the flags the device sees a part of what was
/// published.
#[test]
#[should_panic = "a"]
fn packed_batches_need_the_write_barrier() {
    driver_publishes_at_once(2, 1, without(PACKED, Barrier::Wmb));
}

/// VQ-SPLIT-46: without the barrier after the index a notification can be lost.
#[test]
#[should_panic = "a lost notification"]
fn publishing_needs_the_full_barrier() {
    driver_publishes(1, without(SPLIT, Barrier::Mb));
}

/// VQ-SPLIT-46: the same with the event index.
#[test]
#[should_panic = "a lost notification"]
fn publishing_needs_the_full_barrier_with_event_index() {
    driver_publishes(2, without(events(SPLIT), Barrier::Mb));
}

/// VQ-PACKED-28: without the barrier after the flags a notification can be lost.
#[test]
#[should_panic = "a lost notification"]
fn packed_publishing_needs_the_full_barrier() {
    driver_publishes(1, without(PACKED, Barrier::Mb));
}

/// VQ-PACKED-28: the same with the event index.
#[test]
#[should_panic = "a lost notification"]
fn packed_publishing_needs_the_full_barrier_with_event_index() {
    driver_publishes(2, without(events(PACKED), Barrier::Mb));
}

/// VQ-SPLIT-28: without the barrier after the used index the driver sees stale entries.
#[test]
#[should_panic = "a stale"]
fn taking_back_needs_the_read_barrier() {
    device_completes(1, How::OneByOne, without(SPLIT, Barrier::Rmb));
}

/// VQ-PACKED-31: without the barrier after the flags the driver sees stale ids and lengths.
#[test]
#[should_panic = "a stale"]
fn packed_taking_back_needs_the_read_barrier() {
    device_completes(1, How::OneByOne, without(PACKED, Barrier::Rmb));
}

/// VQ-SPLIT-28, VQ-SPLIT-35: the same with batches.
#[test]
#[should_panic = "a stale"]
fn batches_need_the_read_barrier() {
    device_completes(2, How::Batch, without(ALL[2], Barrier::Rmb));
}

/// VQ-PACKED-26, VQ-PACKED-31: the same with batches.
#[test]
#[should_panic = "a stale"]
fn packed_used_batches_need_the_read_barrier() {
    device_completes(2, How::Batch, without(ALL[3], Barrier::Rmb));
}

/// VQ-SPLIT-47: without the barrier after the wish for an interrupt one can be lost.
#[test]
#[should_panic = "a lost interrupt"]
fn waiting_needs_the_full_barrier() {
    device_completes(1, How::OneByOne, without(SPLIT, Barrier::Mb));
}

/// VQ-SPLIT-47: the same with the event index.
#[test]
#[should_panic = "a lost interrupt"]
fn waiting_needs_the_full_barrier_with_event_index() {
    device_completes(2, How::OneByOne, without(events(SPLIT), Barrier::Mb));
}

/// VQ-PACKED-32: without the barrier after the wish for an interrupt one can be lost.
#[test]
#[should_panic = "a lost interrupt"]
fn packed_waiting_needs_the_full_barrier() {
    device_completes(1, How::OneByOne, without(PACKED, Barrier::Mb));
}

/// VQ-PACKED-32: the same with the event index.
#[test]
#[should_panic = "a lost interrupt"]
fn packed_waiting_needs_the_full_barrier_with_event_index() {
    device_completes(2, How::OneByOne, without(events(PACKED), Barrier::Mb));
}

/// VQ-SPLIT-35, VQ-SPLIT-47: the same with batches.
#[test]
#[should_panic = "a lost interrupt"]
fn batches_need_the_full_barrier() {
    device_completes(2, How::Batch, without(ALL[2], Barrier::Mb));
}

/// VQ-PACKED-26, VQ-PACKED-32: the same with batches.
#[test]
#[should_panic = "a lost interrupt"]
fn packed_batches_need_the_full_barrier() {
    device_completes(2, How::Batch, without(ALL[3], Barrier::Mb));
}

/// A descriptor is used again as soon as its chain is taken back: neither side sees what is not for
/// it.
#[test]
fn descriptors_are_reused_in_order() {
    for kind in ALL {
        model(move || {
            let (mut ring, mut device) = ring(events(Kind { size: 1, ..kind }));
            publish(&mut ring, tag(0));
            let device = thread::spawn(move || {
                for at in 0..2 {
                    let Some((id, seen)) = device.take() else {
                        return;
                    };
                    assert_eq!(seen, tag(at), "a stale descriptor");
                    device.complete(id, u32::from(at), 1);
                }
            });
            for at in 0..2 {
                let Some(written) = pop(&mut ring) else {
                    break;
                };
                assert_eq!(written, at, "a stale length");
                if at == 0 {
                    publish(&mut ring, tag(1));
                }
            }
            device.join().unwrap();
        });
    }
}
