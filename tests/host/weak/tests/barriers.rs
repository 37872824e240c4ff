// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Each barrier of the ring is there, and each is needed.
//!
//! For each there is a model that holds in all orders that loom finds, and that fails without it.

use loom::{
    model,
    thread, //
};
use support::pop;
use weak::{
    publish,
    ring,
    Barrier,
    Device, //
};

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
fn driver_publishes(chains: u16, event_idx: bool, omitted: Option<Barrier>) {
    model(move || {
        let (mut ring, mut device) = ring(2, event_idx, omitted);
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

/// A device that uses `chains` chains one by one, and a driver that goes to sleep now and then.
///
/// When the driver sleeps although there is something to take back, it must have been interrupted
/// for that or for what follows. With `twice` it asks for interrupts, and then once more.
fn device_completes(chains: u16, event_idx: bool, twice: bool, omitted: Option<Barrier>) {
    model(move || {
        let (mut ring, mut device) = ring(2, event_idx, omitted);
        for at in 0..chains {
            publish(&mut ring, tag(at));
        }
        if !twice {
            ring.disable_interrupts();
        }
        let device = thread::spawn(move || {
            let heads = (0..chains).map(|at| (at, device.take().expect("published").0));
            let heads: Vec<_> = heads.collect();
            let used = heads.into_iter();
            used.map(|(at, head)| device.complete(head, 10 + u32::from(at)))
                .collect::<Vec<_>>()
        });
        let mut asleep_at = 0;
        let mut again = twice;
        loop {
            while let Some((_, written)) = pop(&mut ring).expect("a stale entry") {
                assert_eq!(written, 10 + asleep_at as u32, "a stale length");
                asleep_at += 1;
            }
            if ring.enable_interrupts() {
                if !again {
                    break;
                }
                again = false;
            }
        }
        let interrupts = device.join().unwrap();
        let missed = &interrupts[asleep_at..];
        assert!(
            missed.is_empty() || missed.contains(&true),
            "a lost interrupt"
        );
    });
}

/// VQ-SPLIT-45, VQ-SPLIT-46: no stale descriptors are seen and no notification is lost, without the
/// event index.
#[test]
fn publishing_is_ordered() {
    driver_publishes(2, false, None);
}

/// VQ-SPLIT-45, VQ-SPLIT-46: the same with the event index.
#[test]
fn publishing_is_ordered_with_event_index() {
    driver_publishes(2, true, None);
}

/// VQ-SPLIT-28, VQ-SPLIT-47: no stale entries are seen and no interrupt is lost, without the event
/// index.
#[test]
fn waiting_is_ordered() {
    device_completes(2, false, false, None);
}

/// VQ-SPLIT-28, VQ-SPLIT-47: the same with the event index.
#[test]
fn waiting_is_ordered_with_event_index() {
    device_completes(2, true, false, None);
}

/// VQ-SPLIT-47: to ask for interrupts again when they are enabled takes no write and no barrier.
#[test]
fn waiting_again_is_ordered() {
    device_completes(2, false, true, None);
    device_completes(2, true, true, None);
}

/// VQ-SPLIT-45: without the barrier before the index the device sees stale descriptors or entries.
#[test]
#[should_panic = "a stale descriptor"]
fn publishing_needs_the_write_barrier() {
    driver_publishes(1, false, Some(Barrier::Wmb));
}

/// VQ-SPLIT-46: without the barrier after the index a notification can be lost.
#[test]
#[should_panic = "a lost notification"]
fn publishing_needs_the_full_barrier() {
    driver_publishes(1, false, Some(Barrier::Mb));
}

/// VQ-SPLIT-46: the same with the event index.
#[test]
#[should_panic = "a lost notification"]
fn publishing_needs_the_full_barrier_with_event_index() {
    driver_publishes(2, true, Some(Barrier::Mb));
}

/// VQ-SPLIT-28: without the barrier after the used index the driver sees stale entries.
#[test]
#[should_panic = "a stale"]
fn taking_back_needs_the_read_barrier() {
    device_completes(1, false, false, Some(Barrier::Rmb));
}

/// VQ-SPLIT-47: without the barrier after the wish for an interrupt one can be lost.
#[test]
#[should_panic = "a lost interrupt"]
fn waiting_needs_the_full_barrier() {
    device_completes(1, false, false, Some(Barrier::Mb));
}

/// VQ-SPLIT-47: the same with the event index.
#[test]
#[should_panic = "a lost interrupt"]
fn waiting_needs_the_full_barrier_with_event_index() {
    device_completes(2, true, false, Some(Barrier::Mb));
}

/// A descriptor is used again as soon as its chain is taken back: neither side sees what is not for
/// it.
#[test]
fn descriptors_are_reused_in_order() {
    model(|| {
        let (mut ring, mut device) = ring(1, true, None);
        publish(&mut ring, tag(0));
        let device = thread::spawn(move || {
            for at in 0..2 {
                let Some((head, seen)) = device.take() else {
                    return;
                };
                assert_eq!(seen, tag(at), "a stale descriptor");
                device.complete(head, u32::from(at));
            }
        });
        for at in 0..2 {
            let Some((_, written)) = pop(&mut ring).expect("a stale entry") else {
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
