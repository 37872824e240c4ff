// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Finding structures by capabilities: in layouts as devices have them, in damaged ones, and in
//! just anything.

use proptest::prelude::*;
use pure::transport::pci::capability::{
    parse,
    Bars,
    Capabilities,
    CapabilityError,
    Defect,
    Notify,
    Region,
    SharedMemory,
    Structure, //
};
use space::{
    cap,
    notify,
    shared,
    space,
    Cap,
    Space, //
};
use support::cases;

mod space;

/// BARs as QEMU's devices have them: MSI-X in 1, 16 KiB in 4.
const BARS: Bars = Bars([None, Some(0x1000), None, None, Some(0x4000), None]);

/// Capabilities in the order and with the numbers of QEMU's devices.
fn qemu() -> Vec<Cap> {
    let msix = Cap {
        id: 0x11,
        len: 4,
        kind: 0x80,
        bar: 1,
        shm: 0,
        words: vec![0x0801],
    };
    let mut window = cap(5, 0, 0, 0);
    window.len = 20;
    window.words.push(0);
    vec![
        msix,
        window,
        notify(4, 0x3000, 0x1000, 4),
        cap(4, 4, 0x2000, 0x1000),
        cap(3, 4, 0x1000, 0x1000),
        cap(1, 4, 0, 0x1000),
    ]
}

/// A region of BAR 4.
fn region(offset: u64, length: u64) -> Region {
    Region {
        bar: 4,
        offset,
        length,
    }
}

/// Parses these capabilities, and checks that nothing is read twice.
fn parse_caps(caps: &[Cap]) -> Result<Capabilities, CapabilityError> {
    let space = space(caps);
    let result = parse(&space, &BARS);
    assert!(space.reads.borrow().iter().all(|count| *count <= 1));
    result
}

/// [`qemu`] with the capability of a type replaced by others.
fn replaced(kind: u8, with: &[Cap]) -> Vec<Cap> {
    let mut caps = qemu();
    let at = caps
        .iter()
        .position(|cap| cap.id == 9 && cap.kind == kind)
        .unwrap();
    caps.splice(at..=at, with.iter().cloned());
    // Make room.
    caps.retain(|cap| cap.kind != 5);
    caps
}

/// A device as QEMU makes them.
#[test]
fn the_layout_of_qemu_is_understood() {
    let found = parse_caps(&qemu()).unwrap();
    assert_eq!(found.common, region(0, 0x1000));
    assert_eq!(found.isr, region(0x1000, 0x1000));
    assert_eq!(found.device, Some(region(0x2000, 0x1000)));
    assert_eq!(found.notify.region, region(0x3000, 0x1000));
    assert_eq!(found.notify.multiplier, 4);
    assert_eq!(found.shared_memory().count(), 0);
}

/// PCI-DEV-01: a type without configuration needs no capability for it.
#[test]
fn device_configuration_can_be_missing() {
    assert_eq!(parse_caps(&replaced(4, &[])).unwrap().device, None);
    // One that is not usable is as good as none.
    for cap in [
        cap(4, 4, 2, 64),
        cap(4, 3, 0, 64),
        cap(4, 4, 0x4000, 64),
        cap(4, 4, 0, 0),
    ] {
        assert_eq!(parse_caps(&replaced(4, &[cap])).unwrap().device, None);
    }
    assert!(parse_caps(&replaced(4, &[cap(4, 4, 0, 1)]))
        .unwrap()
        .device
        .is_some());
}

/// PCI-CAP-01, PCI-VND-01, PCI-VND-03: types that are reserved, and data of vendors, are skipped.
#[test]
fn unknown_types_are_skipped() {
    for kind in [0, 5, 6, 7, 9, 10, 0x42, 0xff] {
        let mut caps = replaced(4, &[]);
        caps.insert(0, cap(kind, 4, 0x800, 56));
        caps.insert(3, cap(kind, 4, 0x1af4, u32::MAX));
        assert_eq!(parse_caps(&caps), parse_caps(&replaced(4, &[])));
    }
}

/// PCI-CAP-02: of several usable capabilities of a type the first is taken.
#[test]
fn the_first_usable_capability_is_taken() {
    let caps = replaced(3, &[cap(3, 4, 0x100, 4), cap(3, 4, 0x200, 8)]);
    assert_eq!(parse_caps(&caps).unwrap().isr, region(0x100, 4));
    // No such BAR, beyond its end, too short.
    for bad in [cap(3, 0, 0, 4), cap(3, 4, 0x4000, 4), cap(3, 4, 0, 0)] {
        let caps = replaced(3, &[bad.clone(), bad, cap(3, 4, 0x200, 8)]);
        assert_eq!(parse_caps(&caps).unwrap().isr, region(0x200, 8));
    }
    let caps = replaced(2, &[notify(4, 0x100, 4, 3), notify(4, 0x200, 8, 2)]);
    let found = parse_caps(&caps).unwrap().notify;
    assert_eq!((found.region, found.multiplier), (region(0x200, 8), 2));
}

/// PCI-CAP-03: a capability can be longer than its type needs.
#[test]
fn long_capabilities_are_fine() {
    let mut caps = qemu();
    for cap in caps.iter_mut().filter(|cap| cap.id == 9) {
        cap.len = 64;
    }
    assert_eq!(parse_caps(&caps), parse_caps(&qemu()));
}

/// PCI-CAP-04: capabilities with a reserved BAR are skipped, as if they were not there.
#[test]
fn reserved_bars_are_skipped() {
    for bar in [6, 7, 0xff] {
        let mut caps = replaced(4, &[]);
        caps.insert(0, cap(1, bar, 0, 64));
        caps.insert(0, notify(bar, 0, 64, 4));
        assert_eq!(parse_caps(&caps), parse_caps(&replaced(4, &[])));
        let caps = replaced(1, &[cap(1, bar, 0, 64)]);
        assert_eq!(parse_caps(&caps), Err(CapabilityError::NoCommon));
    }
}

/// PCI-CAP-06: a structure that goes on beyond its BAR is cut off there.
#[test]
fn long_structures_are_cut_off_at_the_end_of_the_bar() {
    for length in [0x4000, 0x7fff_ffff, u32::MAX] {
        let caps = replaced(1, &[cap(1, 4, 0x400, length)]);
        assert_eq!(parse_caps(&caps).unwrap().common, region(0x400, 0x3c00));
        let caps = replaced(2, &[notify(4, 0x3ffe, length, 0)]);
        assert_eq!(parse_caps(&caps).unwrap().notify.region, region(0x3ffe, 2));
    }
    let large = Bars([Some(1 << 33); 6]);
    let caps = replaced(1, &[cap(1, 4, 0, u32::MAX)]);
    let found = parse(&space(&caps), &large).unwrap();
    assert_eq!(found.common, region(0, u32::MAX.into()));
}

/// PCI-CAP-07, PCI-CAP-09, PCI-CAP-10, PCI-COM-12, PCI-NTF-02, PCI-NTF-03, PCI-ISR-02: what is
/// wrong with the first one of those that a device needs is told, if there is no better one.
#[test]
fn defects_are_told() {
    let short = |mut cap: Cap, len| {
        cap.len = len;
        cap
    };
    let (common, notification, isr) = (Structure::Common, Structure::Notify, Structure::Isr);
    let defects = [
        (common, short(cap(1, 4, 0, 64), 15), Defect::Capability),
        (common, short(cap(1, 4, 0, 64), 0), Defect::Capability),
        (common, cap(1, 2, 0, 64), Defect::Bar),
        (common, cap(1, 4, 2, 64), Defect::Alignment),
        (common, cap(1, 4, 0x4000, 64), Defect::Range),
        (common, cap(1, 4, 0xffff_fffc, 64), Defect::Range),
        (common, cap(1, 4, 0, 55), Defect::Short),
        (common, cap(1, 4, 0, 0), Defect::Short),
        (common, cap(1, 4, 0x4000 - 52, 64), Defect::Short),
        (
            notification,
            short(notify(4, 0, 64, 4), 16),
            Defect::Capability,
        ),
        (notification, notify(3, 0, 64, 4), Defect::Bar),
        (notification, notify(4, 1, 64, 4), Defect::Alignment),
        (notification, notify(4, 0x4000, 64, 4), Defect::Range),
        (notification, notify(4, 0, 1, 4), Defect::Short),
        (notification, notify(4, 0, 64, 1), Defect::Multiplier),
        (notification, notify(4, 0, 64, 3), Defect::Multiplier),
        (notification, notify(4, 0, 64, 6), Defect::Multiplier),
        (notification, notify(4, 0, 64, u32::MAX), Defect::Multiplier),
        (isr, short(cap(3, 4, 0, 4), 8), Defect::Capability),
        (isr, cap(3, 5, 0, 4), Defect::Bar),
        (isr, cap(3, 4, 0x4001, 4), Defect::Range),
        (isr, cap(3, 4, 0, 0), Defect::Short),
    ];
    for (structure, cap, defect) in defects {
        let expected = CapabilityError::Unusable(structure, defect);
        let caps = replaced(cap.kind, std::slice::from_ref(&cap));
        assert_eq!(parse_caps(&caps), Err(expected), "{cap:?}");
        // The first one's defect is the one that is told.
        let other = match structure {
            Structure::Notify => notify(0, 0, 0, 0),
            _ => self::cap(cap.kind, 0, 0, 0),
        };
        let caps = replaced(cap.kind, &[cap, other]);
        assert_eq!(parse_caps(&caps), Err(expected));
    }
    let missing = [
        (1, CapabilityError::NoCommon),
        (2, CapabilityError::NoNotify),
        (3, CapabilityError::NoIsr),
    ];
    for (kind, error) in missing {
        assert_eq!(parse_caps(&replaced(kind, &[])), Err(error));
    }
    // An odd offset is fine for the interrupt status, and 56 bytes are enough for the common
    // configuration.
    assert!(parse_caps(&replaced(3, &[cap(3, 4, 0x3fff, 1)])).is_ok());
    assert!(parse_caps(&replaced(1, &[cap(1, 4, 0x3fc8, 56)])).is_ok());
}

/// A capability that is cut off by the end of the configuration space is not read beyond it.
#[test]
fn capabilities_end_with_the_configuration_space() {
    for at in (0xd0..=0xfc).step_by(4) {
        for kind in [1, 2, 3, 4, 8] {
            let mut space = space(&[]);
            space.bytes[0x34] = at as u8;
            space.bytes[at..][..4].copy_from_slice(&[9, 0, 0xff, kind]);
            assert!(parse(&space, &BARS).is_err());
        }
    }
    // As far back as it can be.
    let mut space = space(&qemu());
    let (common, last) = (
        space.bytes[0x40..]
            .windows(4)
            .position(|c| c == [9, 0, 16, 1]),
        0xf0,
    );
    let common = 0x40 + common.unwrap();
    space.bytes.copy_within(common..common + 16, last);
    let previous = space.bytes[..0xf0]
        .iter()
        .position(|byte| usize::from(*byte) == common);
    space.bytes[previous.unwrap()] = last as u8;
    assert_eq!(parse(&space, &BARS), parse_caps(&qemu()));
}

/// PCI-CAP-11: a list that leads back, to its beginning, to its middle, or to the capability
/// itself, is an error.
#[test]
fn loops_are_refused() {
    let caps = qemu();
    let good = space(&caps);
    let mut starts = vec![];
    let mut at = good.bytes[0x34];
    while at != 0 {
        starts.push(at);
        at = good.bytes[usize::from(at) + 1];
    }
    for (position, from) in starts.iter().enumerate() {
        for to in &starts[..=position] {
            // The low bits of a pointer do not count.
            for bits in 0..4 {
                let mut space = space(&caps);
                space.bytes[usize::from(*from) + 1] = to | bits;
                assert_eq!(parse(&space, &BARS), Err(CapabilityError::Loop));
            }
        }
    }
}

/// PCI-INIT-02: without a list, or without anything of ours in it, there is only the legacy
/// interface.
#[test]
fn a_device_without_our_capabilities_is_legacy() {
    assert_eq!(parse_caps(&[]), Err(CapabilityError::NoCommon));
    assert_eq!(parse_caps(&qemu()[..1]), Err(CapabilityError::NoCommon));
    let mut space = space(&qemu());
    space.bytes[6] = 0;
    assert_eq!(parse(&space, &BARS), Err(CapabilityError::NoCommon));
    // The pointer means nothing then.
    assert_eq!(space.reads.borrow()[0x34], 0);
}

#[test]
fn pointers_into_the_header_are_refused() {
    for pointer in [1, 3, 4, 0x3c, 0x3f] {
        let mut space = space(&qemu());
        space.bytes[0x34] = pointer;
        let error = parse(&space, &BARS).err();
        let expected = (pointer >= 4).then_some(CapabilityError::Pointer);
        assert_eq!(error, expected.or(Some(CapabilityError::NoCommon)));
    }
}

/// A function that is gone, at once or in the middle of the list, is told from one that has no
/// list.
#[test]
fn a_device_that_is_gone_is_noticed() {
    let mut space = space(&qemu());
    space.bytes[0x60..].fill(0xff);
    assert_eq!(parse(&space, &BARS), Err(CapabilityError::Gone));
    space.bytes.fill(0xff);
    assert_eq!(parse(&space, &BARS), Err(CapabilityError::Gone));
}

/// PCI-SHM-01: regions of shared memory have 64 bits, and lie within their BAR as a whole, or are
/// ignored.
#[test]
fn shared_memory_lies_within_its_bar() {
    let mut bars = BARS;
    bars.0[2] = Some(1 << 36);
    let with = |cap: Cap| {
        let mut caps = replaced(4, &[]);
        caps.push(cap);
        let found = parse(&space(&caps), &bars).unwrap();
        let regions: Vec<_> = found.shared_memory().collect();
        regions
    };
    let good = SharedMemory {
        id: 7,
        region: Region {
            bar: 2,
            offset: 0x8_0000_1000,
            length: 0x7_ffff_f000,
        },
    };
    assert_eq!(with(shared(7, 2, 0x8_0000_1000, 0x7_ffff_f000)), [good]);
    let mut short = shared(7, 2, 0x8_0000_1000, 0x7_ffff_f000);
    short.len = 23;
    let bad = [
        shared(7, 2, 0x8_0000_1000, 0x7_ffff_f001),
        shared(7, 2, 0x8_0000_1000, 0xffff_fff7_ffff_f000),
        shared(7, 2, u64::MAX, u64::MAX),
        shared(7, 2, 1 << 36, 1),
        shared(7, 2, 0, 0),
        shared(7, 3, 0, 0x1000),
        shared(7, 6, 0, 0x1000),
        short,
    ];
    for cap in bad {
        assert_eq!(with(cap.clone()), [], "{cap:?}");
    }
}

/// PCI-SHM-02: of regions with the same id the first usable one counts.
#[test]
fn shared_memory_ids_are_unique() {
    let mut caps = replaced(4, &[]);
    caps.push(shared(1, 3, 0, 0x100));
    caps.push(shared(1, 4, 0, 0x100));
    caps.push(shared(1, 4, 0x100, 0x100));
    caps.push(shared(2, 4, 0x100, 0x100));
    let found = parse_caps(&caps).unwrap();
    let ids = found
        .shared_memory()
        .map(|memory| (memory.id, memory.region.offset));
    assert_eq!(ids.collect::<Vec<_>>(), [(1, 0), (2, 0x100)]);
}

/// PCI-NTF-01: the multiplier says how far apart queues are notified; PCI-NTF-04: it has to be
/// inside.
#[test]
fn doorbells_are_where_the_multiplier_says() {
    let at = |offset, length, multiplier| Notify {
        region: region(offset, length),
        multiplier,
    };
    assert_eq!(at(0x3000, 2, 0).doorbell(0xffff, 2), Some(0));
    assert_eq!(at(0x3000, 2, 0).doorbell(0, 4), None);
    assert_eq!(at(0x3000, 0x1000, 2).doorbell(5, 2), Some(10));
    assert_eq!(at(0x3000, 0x1000, 4).doorbell(0x3ff, 4), Some(0xffc));
    assert_eq!(at(0x3000, 0x1000, 4).doorbell(0x400, 2), None);
    assert_eq!(at(0x3000, 0xfff, 4).doorbell(0x3ff, 4), None);
    assert_eq!(at(0x3000, 0xffe, 4).doorbell(0x3ff, 2), Some(0xffc));
    assert_eq!(at(0, 1 << 28, 4096).doorbell(0xffff, 2), Some(0xffff000));
    // 32 bits are written to aligned addresses only.
    assert_eq!(at(0x3002, 0x1000, 4).doorbell(1, 4), None);
    assert_eq!(at(0x3000, 0x1000, 2).doorbell(1, 4), None);
    assert_eq!(at(u64::MAX - 1, 2, 1 << 31).doorbell(0xffff, 2), None);
    assert_eq!(
        at(0, u64::MAX, 1 << 31).doorbell(0xffff, 2),
        Some(0xffff << 31)
    );
}

#[test]
fn errors_say_what_is_wrong() {
    let error = CapabilityError::Unusable(Structure::Common, Defect::Range);
    assert_eq!(error.to_string(), "common configuration: outside its BAR");
    assert_eq!(
        CapabilityError::Loop.to_string(),
        "capability list is a loop"
    );
}

/// Something like a capability: mostly one that could be usable.
fn any_cap() -> impl Strategy<Value = Cap> {
    let id = prop_oneof![9 => Just(9_u8), 1 => any::<u8>()];
    let kind = prop_oneof![6 => 1..=4_u8, 1 => Just(8_u8), 1 => any::<u8>()];
    let offset = prop_oneof![4 => (0..0x1000_u32).prop_map(|word| word * 4), 1 => any::<u32>()];
    let length = prop_oneof![4 => 1..0x5000_u32, 1 => any::<u32>()];
    let third = prop_oneof![
        (0..32_u32).prop_map(|shift| 1 << shift),
        Just(0),
        any::<u32>()
    ];
    let fourth = prop_oneof![Just(0), any::<u32>()];
    let words = (offset, length, third, fourth);
    let len = prop_oneof![5 => 24..32_u8, 1 => 0..24_u8];
    (id, len, kind, 0..7_u8, 0..3_u8, words).prop_map(|(id, len, kind, bar, shm, words)| Cap {
        id,
        len,
        kind,
        bar,
        shm,
        words: vec![words.0, words.1, words.2, words.3],
    })
}

/// A list of such, which may lead to anywhere at its end; or any bytes.
fn any_space() -> impl Strategy<Value = Space> {
    let caps = prop::collection::vec(any_cap(), 4..=8);
    let listed = (caps, prop_oneof![4 => Just(0_u8), 1 => any::<u8>()]).prop_map(|(caps, end)| {
        let mut space = space(&caps);
        if let Some(last) = caps.len().checked_sub(1) {
            space.bytes[0x40 + 24 * last + 1] = end;
        }
        space
    });
    let noise = any::<[u8; 32]>().prop_map(|noise| {
        let mut bytes: [u8; 256] = std::array::from_fn(|at| noise[at % 32]);
        bytes[6] |= 0x10;
        Space::new(bytes)
    });
    prop_oneof![9 => listed, 1 => noise]
}

/// BARs of any lengths.
fn any_bars() -> impl Strategy<Value = Bars> {
    let length = (any::<u16>(), 0..49_u32).prop_map(|(length, shift)| u64::from(length) << shift);
    let bar = prop_oneof![1 => Just(None), 4 => length.prop_map(Some)];
    prop::array::uniform6(bar).prop_map(Bars)
}

/// Whether a region lies within its BAR.
fn is_inside(region: Region, bars: &Bars) -> bool {
    let Some(length) = bars.0[usize::from(region.bar)] else {
        return false;
    };
    region.length > 0
        && region
            .offset
            .checked_add(region.length)
            .is_some_and(|end| end <= length)
}

proptest! {
    #![proptest_config(cases(20_000))]

    /// PCI-CAP-10, PCI-CAP-11: whatever is in the configuration space, the walk ends without a
    /// panic, and what it accepts lies within BARs that are there, and is aligned and long enough.
    #[test]
    fn just_anything_is_parsed(
        space in any_space(),
        bars in any_bars(),
    ) {
        let result = parse(&space, &bars);
        // As often as something can begin there or before: no walk goes on for ever.
        prop_assert!(space.reads.borrow().iter().all(|count| *count <= 8));
        if let Ok(found) = result {
            for region in [found.common, found.notify.region, found.isr] {
                prop_assert!(is_inside(region, &bars));
            }
            prop_assert!(found.device.is_none_or(|region| is_inside(region, &bars)));
            prop_assert!(found.common.length >= 56 && found.common.offset % 4 == 0);
            prop_assert!(found.notify.region.length >= 2 && found.notify.region.offset % 2 == 0);
            prop_assert!(found.device.is_none_or(|region| region.offset % 4 == 0));
            let multiplier = found.notify.multiplier;
            prop_assert!(multiplier == 0 || (multiplier.is_power_of_two() && multiplier > 1));
            let mut ids: Vec<_> = found.shared_memory().map(|memory| memory.id).collect();
            prop_assert!(found.shared_memory().all(|memory| is_inside(memory.region, &bars)));
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), found.shared_memory().count());
        }
    }

    /// PCI-NTF-04: no queue is notified outside the notification structure.
    #[test]
    fn doorbells_are_inside(
        offset in any::<u32>(),
        length in any::<u64>(),
        shift in 0..32_u32,
        queue: u16,
        wide: bool,
    ) {
        let multiplier = (1 << shift) & !1;
        let region = region((offset & !1).into(), length);
        let width = if wide { 4 } else { 2 };
        if let Some(at) = (Notify { region, multiplier }).doorbell(queue, width) {
            prop_assert_eq!(at, u64::from(queue) * u64::from(multiplier));
            prop_assert!(at + u64::from(width) <= length);
            prop_assert_eq!((region.offset + at) % u64::from(width), 0);
        }
    }

    /// Damage to one or two bytes of a good layout is survived as well.
    #[test]
    fn damage_is_survived(damage in prop::collection::vec((0x34..0x100_usize, any::<u8>()), 1..4)) {
        let mut space = space(&qemu());
        for (at, value) in damage {
            space.bytes[at] = value;
        }
        if let Ok(found) = parse(&space, &BARS) {
            prop_assert!(is_inside(found.common, &BARS) && is_inside(found.notify.region, &BARS));
        }
    }
}
