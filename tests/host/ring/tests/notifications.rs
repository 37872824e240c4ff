// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! When the driver notifies, and when it asks to be interrupted.

use proptest::prelude::*;
use pure::ring::{
    event::need_event,
    Options, //
};
use support::{
    add,
    cases,
    pop,
    ring,
    segments,
    Access,
    Device,
    Ring, //
};

/// The event index was negotiated.
const EVENT: Options = Options {
    event_idx: true,
    indirect: false,
    in_order: false,
};

/// It was not.
const FLAGS: Options = Options {
    event_idx: false,
    indirect: false,
    in_order: false,
};

/// Adds and publishes a chain of one segment. Whether a notification is wanted.
fn publish_one(ring: &mut Ring) -> bool {
    add(ring, &segments(1, 0, 1));
    ring.publish()
}

/// Uses one chain. Whether an interrupt is wanted.
fn complete_one(device: &mut Device) -> bool {
    let chain = device.take().expect("there is one");
    device.complete(&chain, 1)
}

/// Whether `event` is among the entries from `old` to before `new`: by looking at each.
fn is_among(event: u16, new: u16, old: u16) -> bool {
    let mut at = old;
    while at != new {
        if at == event {
            return true;
        }
        at = at.wrapping_add(1);
    }
    false
}

/// VQ-SPLIT-41, VQ-SPLIT-42: each step of up to 200 entries, against each event near it, around
/// each kind of wrap.
#[test]
fn need_event_is_whether_the_event_was_passed() {
    for old in [0_u16, 1, 0x7fff, 0x8000, 0xff80, 0xffff] {
        for step in 0..=200_u16 {
            let new = step.wrapping_add(old);
            for distance in -300i16..=300 {
                let event = old.wrapping_add_signed(distance);
                let expected = is_among(event, new, old);
                assert_eq!(need_event(event, new, old), expected, "{event} {new} {old}");
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    /// VQ-SPLIT-41, VQ-SPLIT-42: any three indexes.
    #[test]
    fn need_event_holds_for_any_indexes(event: u16, new: u16, old: u16) {
        prop_assert_eq!(need_event(event, new, old), is_among(event, new, old));
    }
}

/// VQ-SPLIT-38, VQ-SPLIT-39: without the event index the flag alone decides.
#[test]
fn without_event_index_the_flag_decides() {
    let (mut ring, mut device) = ring(8, 0, FLAGS);
    for round in 0..20_u64 {
        let wanted = round % 3 == 0;
        if wanted {
            device.enable_notifications();
        } else {
            device.disable_notifications();
        }
        assert_eq!(publish_one(&mut ring), wanted);
        complete_one(&mut device);
        pop(&mut ring).unwrap().unwrap();
    }
    assert_eq!(
        (ring.stats().kicks.get(), ring.stats().suppressed.get()),
        (7, 13)
    );
}

/// VQ-SPLIT-37: without the event index what stands in its place is not even read.
#[test]
fn without_event_index_avail_event_is_ignored() {
    let (mut ring, _) = ring(8, 0, FLAGS);
    ring.memory().shared_mut().avail_event = 0x5555;
    ring.memory().take_log();
    assert!(publish_one(&mut ring));
    ring.memory().shared_mut().used_flags = 1;
    assert!(!publish_one(&mut ring));
    assert!(!ring.memory().take_log().contains(&Access::ReadAvailEvent));
}

/// VQ-SPLIT-40: with the event index the flag is not even read.
#[test]
fn with_event_index_the_flag_is_ignored() {
    let (mut ring, mut device) = ring(8, 0, EVENT);
    ring.memory().shared_mut().used_flags = 1;
    ring.memory().take_log();
    assert!(publish_one(&mut ring));
    complete_one(&mut device);
    device.enable_notifications();
    assert!(publish_one(&mut ring));
    assert!(!publish_one(&mut ring));
    assert!(!ring.memory().take_log().contains(&Access::ReadUsedFlags));
}

/// VQ-SPLIT-43: other bits of the flags mean nothing.
#[test]
fn other_bits_of_used_flags_are_ignored() {
    let (mut ring, _) = ring(8, 0, FLAGS);
    ring.memory().shared_mut().used_flags = 0xfffe;
    assert!(publish_one(&mut ring));
    ring.memory().shared_mut().used_flags = 0xffff;
    assert!(!publish_one(&mut ring));
}

/// VQ-SPLIT-44: chains added together are shown together: one index, one barrier, one decision.
#[test]
fn a_batch_is_published_once() {
    for options in [FLAGS, EVENT] {
        let (mut ring, mut device) = ring(8, 0, options);
        device.enable_notifications();
        for tag in 0..5 {
            add(&mut ring, &segments(tag, 1, 0));
        }
        assert_eq!(device.take(), None);
        ring.memory().take_log();
        assert!(ring.publish());
        let log = ring.memory().take_log();
        assert_eq!(
            log[..3],
            [Access::Wmb, Access::WriteAvailIdx(5), Access::Mb]
        );
        assert_eq!(log.len(), 4);
        // Nothing new, nothing to do.
        assert!(!ring.publish());
        assert_eq!(ring.memory().take_log(), []);
        assert_eq!(std::iter::from_fn(|| device.take()).count(), 5);
        assert_eq!(ring.stats().kicks.get(), 1);
    }
}

proptest! {
    #![proptest_config(cases(300))]

    /// VQ-SPLIT-41, VQ-SPLIT-42: a device that names any event gets a notification exactly when it
    /// is passed.
    #[test]
    fn any_avail_event_is_obeyed(
        batches in prop::collection::vec((0..4_usize, -6_i16..6, 0..5_usize), 1..60),
        start: u16,
    ) {
        let (mut ring, mut device) = ring(16, 0, EVENT);
        // Get to where the indexes are about to wrap, or not.
        let start = if start % 2 == 0 { 0 } else { u16::MAX - start % 64 };
        for _ in 0..start {
            publish_one(&mut ring);
            complete_one(&mut device);
            pop(&mut ring).unwrap();
        }
        let mut kicks = ring.stats().kicks.get();
        for (adds, event, uses) in batches {
            let old = ring.notification_data();
            let event = old.wrapping_add_signed(event);
            ring.memory().shared_mut().avail_event = event;
            for _ in 0..adds.min(usize::from(ring.num_free())) {
                add(&mut ring, &segments(1, 0, 1));
            }
            let kicked = ring.publish();
            prop_assert_eq!(kicked, device.wants_notification(old));
            kicks += u64::from(kicked);
            for _ in 0..uses {
                if let Some(chain) = device.take() {
                    device.complete(&chain, 0);
                    pop(&mut ring).unwrap().unwrap();
                }
            }
        }
        prop_assert_eq!(kicks, ring.stats().kicks.get());
    }
}

/// VQ-SPLIT-22, VQ-SPLIT-23: without the event index the flag says whether interrupts are wanted.
/// It is written when it changes, and only then.
#[test]
fn without_event_index_the_flag_is_written_when_it_changes() {
    let (mut ring, mut device) = ring(8, 0, FLAGS);
    ring.memory().take_log();
    ring.disable_interrupts();
    ring.disable_interrupts();
    assert_eq!(ring.memory().take_log(), [Access::WriteAvailFlags(1)]);
    publish_one(&mut ring);
    publish_one(&mut ring);
    assert!(!complete_one(&mut device));
    pop(&mut ring).unwrap().unwrap();
    ring.memory().take_log();
    assert!(ring.enable_interrupts());
    let expected = [Access::WriteAvailFlags(0), Access::Mb, Access::ReadUsedIdx];
    assert_eq!(ring.memory().take_log(), expected);
    assert!(ring.enable_interrupts());
    assert_eq!(ring.memory().take_log(), [Access::ReadUsedIdx]);
    assert!(complete_one(&mut device));
}

/// VQ-SPLIT-24, VQ-SPLIT-25: with the event index the flags stay zero (the memory of these tests
/// refuses another value), and the driver asks for an interrupt at the next chain.
#[test]
fn with_event_index_the_next_chain_interrupts() {
    let (mut ring, mut device) = ring(8, 0, EVENT);
    ring.disable_interrupts();
    ring.memory().take_log();
    for _ in 0..5 {
        publish_one(&mut ring);
    }
    // The first chain interrupts, those that follow do not until the driver asks again.
    assert!(complete_one(&mut device));
    ring.disable_interrupts();
    assert!(!complete_one(&mut device));
    pop(&mut ring).unwrap().unwrap();
    pop(&mut ring).unwrap().unwrap();
    ring.memory().take_log();
    assert!(ring.enable_interrupts());
    let expected = [Access::WriteUsedEvent(2), Access::Mb, Access::ReadUsedIdx];
    assert_eq!(ring.memory().take_log(), expected);
    // Asking again for the same changes nothing.
    assert!(ring.enable_interrupts());
    assert_eq!(ring.memory().take_log(), [Access::ReadUsedIdx]);
    assert!(complete_one(&mut device));
    assert!(!complete_one(&mut device));
    assert_eq!(ring.memory().shared().avail_flags, 0);
}

/// A ring that is looked at all the time has no interrupts, also once it is as new. With the event index
/// there is one after 65536 chains, as it cannot say "never".
#[test]
fn a_silent_ring_does_not_interrupt() {
    for (options, expected) in [(FLAGS, [false, false]), (EVENT, [false, true])] {
        let (mut ring, mut device) = ring(8, 0, options);
        ring.silence();
        let mut interrupted = [false; 2];
        for chain in 0..0x10000u32 {
            publish_one(&mut ring);
            let last = usize::from(chain == 0xffff);
            interrupted[last] |= complete_one(&mut device);
            pop(&mut ring).unwrap().unwrap();
        }
        assert_eq!(interrupted, expected);
    }
}

/// VQ-SPLIT-26: looking at a queue without reason, ever so often, changes nothing.
#[test]
fn spurious_interrupts_are_harmless() {
    for options in [FLAGS, EVENT] {
        let (mut ring, mut device) = ring(8, 0, options);
        publish_one(&mut ring);
        ring.memory().take_log();
        for _ in 0..1000 {
            assert_eq!(pop(&mut ring), Ok(None));
        }
        let log = ring.memory().take_log();
        assert!(log.iter().all(|access| *access == Access::ReadUsedIdx));
        assert_eq!((ring.outstanding(), ring.num_free()), (1, 7));
        assert_eq!(ring.broken(), None);
        complete_one(&mut device);
        assert!(pop(&mut ring).unwrap().is_some());
    }
}

/// VQ-SPLIT-47: what is used between the last look and the request for an interrupt is not lost.
#[test]
fn a_chain_used_before_interrupts_are_enabled_is_seen() {
    for options in [FLAGS, EVENT] {
        let (mut ring, mut device) = ring(8, 0, options);
        for _ in 0..4 {
            publish_one(&mut ring);
        }
        ring.disable_interrupts();
        complete_one(&mut device);
        assert!(pop(&mut ring).unwrap().is_some());
        assert!(pop(&mut ring).unwrap().is_none());
        complete_one(&mut device);
        assert!(!ring.enable_interrupts());
        assert!(pop(&mut ring).unwrap().is_some());
        assert!(ring.enable_interrupts());
        assert!(complete_one(&mut device));
    }
}

/// VQ-SPLIT-28: the used index is read once for all that it covers, and there is a read barrier
/// before the first entry.
#[test]
fn the_used_index_is_read_once_for_a_batch() {
    let (mut ring, mut device) = ring(8, 0, FLAGS);
    for _ in 0..3 {
        publish_one(&mut ring);
    }
    for _ in 0..3 {
        complete_one(&mut device);
    }
    ring.memory().take_log();
    while pop(&mut ring).unwrap().is_some() {}
    let expected = [
        Access::ReadUsedIdx,
        Access::Rmb,
        Access::ReadUsedElem(0),
        Access::ReadUsedElem(1),
        Access::ReadUsedElem(2),
        Access::ReadUsedIdx,
    ];
    assert_eq!(ring.memory().take_log(), expected);
}

/// VQ-SPLIT-28, VQ-SPLIT-29: the length is what the device says, but not more than it could write.
#[test]
fn lengths_are_clamped_to_what_was_writable() {
    let cases = [
        (0, 2, 0),
        (1, 1, 1),
        (1, 513, 512),
        (0, 0, 0),
        (2, 1024, 1024),
    ];
    for (writable, len, written) in cases {
        let (mut ring, mut device) = ring(8, 0, FLAGS);
        let readable = if writable == 0 { 1 } else { 0 };
        add(&mut ring, &segments(0, readable, writable));
        ring.publish();
        let chain = device.take().unwrap();
        device.complete(&chain, len);
        assert_eq!(pop(&mut ring).unwrap().unwrap().1, written);
        assert_eq!(ring.stats().clamped.get(), u64::from(len > written));
        assert_eq!(ring.broken(), None);
    }
}
