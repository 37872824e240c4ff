// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Rings in memory that somebody else used before.

use pure::ring::{
    Ring,
    Slot, //
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
    assert_eq!(ring.peek(), Ok(None), "{kind:?} {filling:#x}");
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
