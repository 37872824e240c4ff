// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Rings in memory that was used before, by somebody else or by a ring of another size.

use pure::ring::{
    LayoutError,
    Options,
    Ring,
    Slot,
    Violation, //
};
use support::{
    add,
    ring,
    segments, //
};
use walk::{
    bus::{
        options,
        Bus, //
    },
    Kind, //
};

/// What the memory is full of: all flags, those of descriptors that are available or used in one
/// round or the other, and a bit.
const FILLINGS: [u16; 5] = [u16::MAX, 0x8080, 0x0080, 0x8000, 0x0001];

/// All that can be negotiated about a ring of some size.
fn kinds(packed: bool) -> impl Iterator<Item = Kind> {
    let sizes = if packed { [1, 3, 64] } else { [1, 4, 64] };
    sizes.into_iter().flat_map(move |size| {
        (0..8).map(move |features| Kind {
            packed,
            in_order: features & 1 != 0,
            event_idx: features & 2 != 0,
            indirect: features & 4 != 0,
            size,
            table_len: size.min(4),
        })
    })
}

/// A ring of this kind is laid out in memory that is not zero. The device then finds it zero, but
/// for what the driver wishes of a packed one, and no chain in it; nor does the driver find one used.
fn lay_out(kind: Kind, filling: u16) {
    let bus = Bus::new(kind);
    bus.soil(filling);
    assert!(!bus.is_clear());

    let slots = vec![Slot::default(); kind.size.into()];
    let mut ring = Ring::new(bus.either(), slots, options(kind)).expect("a valid layout");

    let mut device = {
        let bus = match &ring {
            Ring::Split(ring) => ring.memory(),
            Ring::Packed(ring) => ring.memory(),
        };
        assert!(bus.is_clear(), "{kind:?} {filling:#x}");
        bus.device(kind)
    };
    assert_eq!(device.poll(), Ok(0), "{kind:?} {filling:#x}");
    assert!(!ring.publish());
    assert_eq!(ring.pop(), Ok(None), "{kind:?} {filling:#x}");
    assert!(ring.enable_interrupts());
}

/// VQ-SPLIT-36, PCI-VQ-01: all of a split ring is zero when it is new, the device's flags with it.
#[test]
fn split() {
    for kind in kinds(false) {
        for filling in FILLINGS {
            lay_out(kind, filling);
        }
    }
}

/// VQ-PACKED-06, PCI-VQ-01: all of a packed ring is zero when it is new, but for the interrupt that
/// the driver asks for.
#[test]
fn packed() {
    for kind in kinds(true) {
        for filling in FILLINGS {
            lay_out(kind, filling);
        }
    }
}

/// Whether a ring is packed, its size, and sizes that it is refused.
type Case = (bool, u16, &'static [(u16, LayoutError)]);

/// Sizes that a ring cannot be given: it stays as it is then, with the chains that it has.
#[test]
fn sizes_that_a_ring_cannot_have() {
    let cases: [Case; 2] = [
        (
            false,
            64,
            &[
                (0, LayoutError::Size),
                (3, LayoutError::Size),
                (63, LayoutError::Size),
                (128, LayoutError::Slots),
                (u16::MAX, LayoutError::Size),
            ],
        ),
        (
            true,
            60,
            &[
                (0, LayoutError::Size),
                (61, LayoutError::Slots),
                (1 << 15, LayoutError::Slots),
                (u16::MAX, LayoutError::Size),
            ],
        ),
    ];
    for (packed, size, refused) in cases {
        let kind = Kind {
            packed,
            in_order: false,
            event_idx: false,
            indirect: false,
            size,
            table_len: 0,
        };
        let slots = vec![Slot::default(); size.into()];
        let mut ring = Ring::new(Bus::new(kind).either(), slots, options(kind)).unwrap();
        let mut chain = ring.chain(1).unwrap();
        chain.push(0x1000, 1, true).unwrap();
        chain.commit().unwrap();
        for &(size, error) in refused {
            assert_eq!(ring.can_have(size), Err(error));
            assert_eq!(ring.resize(size), Err(error));
        }
        assert_eq!((ring.size(), ring.outstanding()), (size, 1));
        // Smaller, and as large again.
        for size in [4, size] {
            assert_eq!(ring.can_have(size), Ok(()));
            assert_eq!(ring.resize(size), Ok(()));
            assert_eq!((ring.size(), ring.outstanding()), (size, 0));
            assert_eq!(ring.num_free(), size);
        }
    }
}

/// VQRST-06: in a ring that got smaller the device does not have the chains that are beyond its end,
/// even if nobody took them back.
#[test]
fn chains_beyond_the_end_are_forgotten() {
    let (mut ring, mut device) = ring(8, 0, Options::default());
    let mut last = 0;
    for tag in 0..8 {
        last = add(&mut ring, &segments(tag, 0, 1));
    }
    assert_eq!(last, 7);
    ring.publish();
    while device.take().is_some() {}

    assert_eq!(ring.resize(4), Ok(()));

    add(&mut ring, &segments(9, 0, 1));
    ring.publish();
    let mut shared = ring.memory().shared_mut();
    shared.hostile = true;
    shared.used[0] = (u32::from(last), 0);
    shared.used_idx = 1;
    drop(shared);
    assert_eq!(ring.pop(), Err(Violation::UsedId));
}
