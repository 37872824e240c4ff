// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a device says to the driver of a split ring.

use crate::common::{
    Rig,
    AT,
    EVENT,
    INDIRECT,
    NEXT,
    NONE,
    ORDER,
    SIZE,
    TABLE,
    TABLES,
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

/// Index, length, flags and next.
type Desc = (u16, u32, u16, u16);

/// What a device with these features says to descriptors `(index, len, flags, next)` and heads.
fn verdict(features: Features, descs: &[Desc], heads: &[u16]) -> Result<u16, Violation> {
    let mut rig = Rig::new(false, features);
    for &(index, len, flags, next) in descs {
        rig.split(index, len, flags, next);
    }
    rig.avail(heads);
    rig.verdict()
}

/// The same with a table of descriptors `(len, flags, next)`, that has so many bytes.
fn table(features: Features, descs: &[(u32, u16, u16)], len: u32) -> Result<u16, Violation> {
    let mut rig = Rig::new(false, features);
    for (at, &(len, flags, next)) in (TABLE..).step_by(16).zip(descs) {
        rig.raw(at, 0xb0ff_0000, len, flags, next);
    }
    rig.table(false, len, 0);
    rig.avail(&[0]);
    rig.verdict()
}

#[test]
fn sizes_and_alignment() {
    let new = |size, at| Queue::new(Arena::new(0, 64), false, size, at, NONE).err();
    assert_eq!(new(1, AT), None);
    assert_eq!(new(1 << 15, AT), None);
    for size in [0, 3, 48, (1 << 15) + 1, u16::MAX] {
        assert_eq!(new(size, AT), Some(Violation::Size(size)));
    }
    let shifted = |desc, driver, device| Addresses {
        desc: AT.desc + desc,
        driver: AT.driver + driver,
        device: AT.device + device,
    };
    assert_eq!(new(4, shifted(16, 2, 4)), None);
    for at in [shifted(8, 0, 0), shifted(0, 1, 0), shifted(0, 0, 2)] {
        assert!(matches!(new(4, at), Some(Violation::Alignment(_))));
    }
}

#[test]
fn good_chains() {
    let descs = [
        (3, 8, NEXT, 1),
        (1, 8, NEXT | WRITE, 0),
        (0, 8, WRITE, 0),
        (2, 8, 0, 0),
    ];
    assert_eq!(verdict(NONE, &descs, &[3, 2]), Ok(2));
    assert_eq!(
        table(TABLES, &[(8, NEXT, 2), (9, WRITE, 0), (9, NEXT, 1)], 48),
        Ok(1)
    );
}

#[test]
fn bad_chains() {
    use Violation::*;
    let one = [(0, 8, 0, 0)];
    let cases: [(&[Desc], &[u16], Violation); 12] = [
        (&one, &[0, 0, 0, 0, 0], AvailIndex(5)),
        (&one, &[4], Range(4)),
        (&[(0, 8, NEXT, 4)], &[0], Range(4)),
        (&one, &[0, 0], InUse(0)),
        (&[(0, 8, NEXT, 1), (1, 8, NEXT, 0)], &[0], InUse(0)),
        (
            &[(0, 8, NEXT, 1), (1, 8, 0, 0), (2, 8, NEXT, 1)],
            &[0, 2],
            InUse(1),
        ),
        (&[(0, 8, NEXT | WRITE, 1), (1, 8, 0, 0)], &[0], Order(1)),
        (&[(0, 0, 0, 0)], &[0], Empty(0)),
        (&[(0, 8, 8, 0)], &[0], Flags(8)),
        (&[(0, u32::MAX, NEXT, 1), (1, 2, 0, 0)], &[0], Bytes),
        (&[(0, 16, INDIRECT, 0)], &[0], IndirectNotNegotiated),
        (&[(0, 8, 0, 0), (0, 0, 0, 0)], &[0], Empty(0)),
    ];
    for (descs, heads, violation) in cases {
        assert_eq!(verdict(NONE, descs, heads), Err(violation), "{descs:?}");
    }
    let nested = [(0, 16, INDIRECT | NEXT, 1)];
    assert_eq!(verdict(TABLES, &nested, &[0]), Err(Nested(0)));
}

#[test]
fn bad_tables() {
    use Violation::*;
    assert_eq!(table(TABLES, &[(8, 0, 0)], 0), Err(TableSize(0)));
    assert_eq!(table(TABLES, &[(8, 0, 0)], 24), Err(TableSize(24)));
    assert_eq!(table(TABLES, &[(8, 0, 0)], 32), Err(TableSize(32)));
    assert_eq!(table(TABLES, &[(8, NEXT, 1)], 16), Err(TooLong));
    assert_eq!(table(TABLES, &[(8, NEXT, 5)], 32), Err(Range(5)));
    assert_eq!(table(TABLES, &[(8, NEXT, 0); 4], 64), Err(TooLong));
    assert_eq!(table(TABLES, &[(8, 0, 0)], 16 * 5), Err(TooLong));
    assert_eq!(table(TABLES, &[(8, INDIRECT, 0)], 16), Err(Nested(0)));
    assert_eq!(table(TABLES, &[(8, 8, 0)], 16), Err(Flags(8)));
    assert_eq!(
        table(TABLES, &[(8, NEXT | WRITE, 1), (8, 0, 0)], 32),
        Err(Order(1))
    );
}

#[test]
fn in_order() {
    use Violation::*;
    let descs = [(0, 8, NEXT, 1), (1, 8, 0, 0), (2, 8, 0, 0)];
    assert_eq!(verdict(ORDER, &descs, &[0, 2]), Ok(2));
    assert_eq!(verdict(ORDER, &descs, &[2]), Err(RingOrder(2)));
    assert_eq!(
        verdict(ORDER, &[(0, 8, NEXT, 2), (2, 8, 0, 0)], &[0]),
        Err(RingOrder(2))
    );
    let both = Features {
        in_order: true,
        ..TABLES
    };
    let good = [(8, NEXT, 1), (8, NEXT, 2), (8, 0, 0)];
    assert_eq!(table(both, &good, 48), Ok(1));
    let other = [(8, NEXT, 2), (8, 0, 0), (8, NEXT, 1)];
    assert_eq!(table(both, &other, 48), Err(RingOrder(2)));
}

#[test]
fn what_the_device_has_is_left_alone() {
    let mut rig = Rig::new(false, TABLES);
    rig.raw(TABLE, 0xb0ff, 8, 0, 0);
    rig.table(false, 16, 0);
    rig.split(1, 8, 0, 0);
    rig.avail(&[0, 1]);
    let first = rig.queue.take().unwrap().unwrap();
    let second = rig.queue.take().unwrap().unwrap();
    rig.raw(TABLE, 0xb0ff, 9, 0, 0);
    assert_eq!(
        rig.queue.complete(vec![(first, 0)]),
        Err(Violation::Changed(0))
    );
    rig.split(1, 8, WRITE, 0);
    assert_eq!(
        rig.queue.complete(vec![(second, 0)]),
        Err(Violation::Changed(1))
    );
}

#[test]
fn batches() {
    let mut rig = Rig::new(false, ORDER);
    for index in 0..SIZE {
        rig.split(index, 8, WRITE, 0);
    }
    rig.avail(&[0, 1, 2]);
    let batch = (0..3).map(|_| rig.queue.take().unwrap().unwrap());
    let batch = batch.collect();
    assert_eq!(rig.queue.complete_batch(batch, 5), Ok(true));
    let read = |at| rig.memory.read16(AT.device + at).unwrap();
    // Index; id and length of the first entry; id of the one after it.
    assert_eq!([read(2), read(4), read(8), read(12)], [3, 2, 5, 0]);
}

#[test]
fn suppression() {
    // Features, flags, event: what the device does after its second buffer.
    let cases = [
        (NONE, 0, 0, Ok(true)),
        (NONE, 1, 0, Ok(false)),
        (NONE, 2, 0, Err(Violation::EventFlags(2))),
        (EVENT, 0, 1, Ok(true)),
        (EVENT, 0, 0, Ok(false)),
        (EVENT, 0, 2, Ok(false)),
        (EVENT, 1, 1, Err(Violation::EventFlags(1))),
    ];
    for (features, flags, event, expected) in cases {
        let mut rig = Rig::new(false, features);
        rig.split(0, 8, 0, 0);
        rig.split(1, 8, 0, 0);
        rig.avail(&[0, 1]);
        let first = rig.queue.take().unwrap().unwrap();
        let second = rig.queue.take().unwrap().unwrap();
        rig.queue.complete(vec![(first, 0)]).unwrap();
        rig.memory.write16(AT.driver, flags).unwrap();
        let used_event = AT.driver + 4 + 2 * u64::from(SIZE);
        rig.memory.write16(used_event, event).unwrap();
        assert_eq!(rig.queue.complete(vec![(second, 0)]), expected);
    }
}

#[test]
fn notifications() {
    let mut rig = Rig::new(false, EVENT);
    assert_eq!(rig.queue.ask(Wish::After(1)), Ok(true));
    rig.split(0, 8, 0, 0);
    rig.split(1, 8, 0, 0);
    rig.avail(&[0]);
    assert_eq!(rig.queue.poll(), Ok(1));
    assert_eq!(rig.queue.asked(0), Ok(false));
    rig.avail(&[1]);
    assert_eq!(rig.queue.poll(), Ok(1));
    assert_eq!(rig.queue.asked(1), Ok(true));
    assert_eq!(rig.queue.notified(2), Ok(()));
    assert_eq!(rig.queue.notified(1), Err(Violation::Notification(1)));
    assert_eq!(rig.queue.ask(Wish::All), Ok(false));
}
