// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a device says to the driver of a packed ring.

use crate::common::{
    Rig,
    AT,
    AVAIL,
    EVENT,
    INDIRECT,
    NEXT,
    NONE,
    ORDER,
    SIZE,
    TABLE,
    TABLES,
    USED,
    WRITE, //
};
use device::{
    Addresses,
    Arena,
    Features,
    Memory,
    Queue,
    Violation,
    Wish, //
};

/// Length, id and flags.
type Desc = (u32, u16, u16);

/// What a device with these features says to descriptors `(len, id, flags)` in their order.
fn verdict(features: Features, descs: &[Desc]) -> Result<u16, Violation> {
    let mut rig = Rig::new(true, features);
    for (index, &(len, id, flags)) in (0..).zip(descs) {
        rig.packed(index, len, id, flags);
    }
    rig.verdict()
}

/// The same with a table of descriptors `(len, flags)`, that has so many bytes.
fn table(descs: &[(u32, u16)], len: u32) -> Result<u16, Violation> {
    let mut rig = Rig::new(true, TABLES);
    for (at, &(len, flags)) in (TABLE..).step_by(16).zip(descs) {
        rig.raw(at, 0xb0ff_0000, len, 0, flags);
    }
    rig.table(true, len, 0);
    rig.verdict()
}

#[test]
fn sizes_and_alignment() {
    let new = |size, at| Queue::new(Arena::new(0, 64), true, size, at, NONE).err();
    for size in [1, 3, 48, 1 << 15] {
        assert_eq!(new(size, AT), None);
    }
    for size in [0, (1 << 15) + 1, u16::MAX] {
        assert_eq!(new(size, AT), Some(Violation::Size(size)));
    }
    let shifted = |desc, driver, device| Addresses {
        desc: AT.desc + desc,
        driver: AT.driver + driver,
        device: AT.device + device,
    };
    assert_eq!(new(4, shifted(16, 4, 4)), None);
    for at in [shifted(8, 0, 0), shifted(0, 2, 0), shifted(0, 0, 2)] {
        assert!(matches!(new(4, at), Some(Violation::Alignment(_))));
    }
}

#[test]
fn good_lists() {
    let descs = [
        (8, 9, NEXT | AVAIL),
        (8, 3, WRITE | AVAIL),
        (8, 1, AVAIL),
        (8, 0, 0),
    ];
    assert_eq!(verdict(NONE, &descs), Ok(2));
    assert_eq!(verdict(NONE, &[(0, 0, 0)]), Ok(0));
    assert_eq!(table(&[(8, 0), (9, WRITE)], 32), Ok(1));
}

#[test]
fn bad_lists() {
    use Violation::*;
    let cases: [(&[Desc], Violation); 12] = [
        (&[(8, 4, AVAIL)], IdRange(4)),
        (&[(8, 1, AVAIL), (8, 1, AVAIL)], IdInUse(1)),
        (&[(8, 0, NEXT | AVAIL), (8, 0, 0)], WrapBits(1)),
        (&[(8, 0, NEXT | AVAIL), (8, 0, USED)], WrapBits(1)),
        (&[(8, 0, AVAIL | USED)], WrapBits(0)),
        (&[(8, 0, USED)], WrapBits(0)),
        (&[(8, 0, WRITE)], WrapBits(0)),
        (&[(8, 0, NEXT | AVAIL); 4], TooLong),
        (&[(8, 0, 8 | AVAIL)], Flags(8 | AVAIL)),
        (&[(0, 0, AVAIL)], Empty(0)),
        (&[(8, 0, WRITE | NEXT | AVAIL), (8, 0, AVAIL)], Order(1)),
        (&[(16, 0, INDIRECT | AVAIL)], IndirectNotNegotiated),
    ];
    for (descs, violation) in cases {
        assert_eq!(verdict(NONE, descs), Err(violation), "{descs:?}");
    }
    let nested = [(16, 0, INDIRECT | NEXT | AVAIL)];
    assert_eq!(verdict(TABLES, &nested), Err(Nested(0)));
    let at_the_end = [(8, 0, NEXT | AVAIL), (16, 0, INDIRECT | AVAIL)];
    assert_eq!(verdict(TABLES, &at_the_end), Err(Nested(1)));
}

#[test]
fn bad_tables() {
    use Violation::*;
    assert_eq!(table(&[(8, 0)], 0), Err(TableSize(0)));
    assert_eq!(table(&[(8, 0)], 24), Err(TableSize(24)));
    assert_eq!(table(&[(8, 0)], 16 * 5), Err(TooLong));
    for flags in [NEXT, INDIRECT, AVAIL, USED, 8] {
        assert_eq!(table(&[(8, flags)], 16), Err(Flags(flags)));
    }
    assert_eq!(table(&[(8, WRITE), (8, 0)], 32), Err(Order(1)));
}

#[test]
fn rounds() {
    // A list over the end of the ring: the bits change in its midst.
    let mut rig = Rig::new(true, NONE);
    for index in 0..3 {
        rig.packed(index, 8, index, AVAIL | WRITE);
    }
    assert_eq!(rig.verdict(), Ok(3));
    for len in 1..4 {
        let chain = rig.queue.take().unwrap().unwrap();
        rig.queue.complete(vec![(chain, len)]).unwrap();
    }
    // Used, in the first round: both bits.
    let at = AT.desc + 16 * 2;
    assert_eq!(rig.memory.read32(at + 8), Ok(3));
    assert_eq!(rig.memory.read16(at + 12), Ok(2));
    assert_eq!(rig.memory.read16(at + 14), Ok(AVAIL | USED | WRITE));
    rig.packed(0, 8, 3, USED);
    rig.packed(3, 8, 0, AVAIL | NEXT);
    assert_eq!(rig.verdict(), Ok(1));
    assert_eq!(rig.queue.notified(1), Ok(()));
    assert_eq!(
        rig.queue.notified(1 | 1 << 15),
        Err(Violation::Notification(1 | 1 << 15))
    );
    let chain = rig.queue.take().unwrap().unwrap();
    assert_eq!((chain.id, chain.descriptors()), (3, 2));
    rig.queue.complete(vec![(chain, 0)]).unwrap();
    // The used descriptor went to where the list began.
    assert_eq!(rig.memory.read16(AT.desc + 48 + 14), Ok(AVAIL | USED));
    // Without a change of the bits.
    let mut rig = Rig::new(true, NONE);
    for index in 0..3 {
        rig.packed(index, 8, index, AVAIL);
    }
    rig.verdict().unwrap();
    for _ in 0..3 {
        let chain = rig.queue.take().unwrap().unwrap();
        rig.queue.complete(vec![(chain, 0)]).unwrap();
    }
    rig.packed(3, 8, 3, AVAIL | NEXT);
    rig.packed(0, 8, 3, AVAIL);
    assert_eq!(rig.verdict(), Err(Violation::WrapBits(0)));
}

#[test]
fn what_the_device_has_is_left_alone() {
    let mut rig = Rig::new(true, TABLES);
    rig.raw(TABLE, 0xb0ff, 8, 0, 0);
    rig.table(true, 16, 0);
    rig.packed(1, 8, 1, AVAIL);
    let first = rig.queue.take().unwrap().unwrap();
    let second = rig.queue.take().unwrap().unwrap();
    rig.raw(TABLE, 0xb0ff, 9, 0, 0);
    assert_eq!(
        rig.queue.complete(vec![(first, 0)]),
        Err(Violation::Changed(0))
    );
    // The used descriptor of whichever is next goes there.
    rig.table(true, 32, 0);
    assert_eq!(
        rig.queue.complete(vec![(second, 0)]),
        Err(Violation::Changed(0))
    );
}

#[test]
fn out_of_order() {
    let mut rig = Rig::new(true, NONE);
    rig.packed(0, 8, 0, AVAIL);
    rig.packed(1, 8, 1, AVAIL | NEXT);
    rig.packed(2, 8, 1, AVAIL);
    let first = rig.queue.take().unwrap().unwrap();
    let second = rig.queue.take().unwrap().unwrap();
    let both = vec![(second, 0), (first, 0)];
    assert_eq!(rig.queue.complete(both), Ok(true));
    // The second list was of two, so the first one's used descriptor is behind it.
    let read = |index: u64, at: u64| rig.memory.read16(AT.desc + 16 * index + at).unwrap();
    assert_eq!([read(0, 12), read(0, 14)], [1, AVAIL | USED]);
    assert_eq!([read(2, 12), read(2, 14)], [0, AVAIL | USED]);
    assert_eq!(read(1, 14), AVAIL | NEXT, "skipped");
}

#[test]
fn batches() {
    let mut rig = Rig::new(true, ORDER);
    for index in 0..3 {
        rig.packed(index, 8, index, AVAIL | WRITE);
    }
    let batch = (0..3).map(|_| rig.queue.take().unwrap().unwrap());
    let batch = batch.collect();
    assert_eq!(rig.queue.complete_batch(batch, 5), Ok(true));
    let read = |index: u64, at: u64| rig.memory.read16(AT.desc + 16 * index + at).unwrap();
    assert_eq!([read(0, 8), read(0, 12)], [5, 2]);
    assert_eq!(read(0, 14), AVAIL | USED | WRITE);
    assert_eq!(read(1, 14), AVAIL | WRITE, "skipped");
}

#[test]
fn suppression() {
    const DESC: u16 = 2;
    // Features, event, flags: what the device does after its second buffer.
    let cases = [
        (NONE, 0, 0, Ok(true)),
        (NONE, 0, 1, Ok(false)),
        (NONE, 1 | 1 << 15, DESC, Err(Violation::EventFlags(2))),
        (NONE, 0, 3, Err(Violation::EventFlags(3))),
        (NONE, 0, 4, Err(Violation::EventFlags(4))),
        (EVENT, 0, 0, Ok(true)),
        (EVENT, 0, 1, Ok(false)),
        (EVENT, 1 | 1 << 15, DESC, Ok(true)),
        (EVENT, 1, DESC, Ok(false)),
        (EVENT, 1 << 15, DESC, Ok(false)),
        (EVENT, 2 | 1 << 15, DESC, Ok(false)),
        (EVENT, SIZE, DESC, Err(Violation::EventOffset(SIZE))),
        (EVENT, 0, 3, Err(Violation::EventFlags(3))),
    ];
    for (features, event, flags, expected) in cases {
        let mut rig = Rig::new(true, features);
        rig.packed(0, 8, 0, AVAIL);
        rig.packed(1, 8, 1, AVAIL);
        let first = rig.queue.take().unwrap().unwrap();
        let second = rig.queue.take().unwrap().unwrap();
        rig.queue.complete(vec![(first, 0)]).unwrap();
        rig.memory.write16(AT.driver, event).unwrap();
        rig.memory.write16(AT.driver + 2, flags).unwrap();
        assert_eq!(rig.queue.complete(vec![(second, 0)]), expected);
    }
}

#[test]
fn notifications() {
    let mut rig = Rig::new(true, EVENT);
    assert_eq!(rig.queue.ask(Wish::After(1)), Ok(true));
    rig.packed(0, 8, 0, AVAIL);
    assert_eq!(rig.queue.poll(), Ok(1));
    assert_eq!(rig.queue.asked(0), Ok(false));
    rig.packed(1, 8, 1, AVAIL);
    assert_eq!(rig.queue.poll(), Ok(1));
    assert_eq!(rig.queue.asked(1), Ok(true));
    assert_eq!(rig.queue.notified(2 | 1 << 15), Ok(()));
    assert_eq!(rig.queue.ask(Wish::Nothing), Ok(false));
    assert_eq!(rig.queue.asked(0), Ok(false));
    assert_eq!(rig.queue.ask(Wish::All), Ok(false));
    assert_eq!(rig.queue.asked(0), Ok(true));
}
