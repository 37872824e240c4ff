// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Rings as the legacy interface has them.

use pure::{
    bringup::RingAddresses,
    legacy::Legacy,
    ring::{
        layout,
        size::exactly, //
    },
};

/// What PCI devices ask for (4.1.5.1.3.1).
const PCI: Legacy = Legacy {
    align: 4096,
    page: 4096,
    fixed_size: true,
};

/// The ring of `size` entries at an address, for a device that aligns as `legacy` says.
fn ring(legacy: &Legacy, size: u16, descriptor: u64) -> RingAddresses {
    let parts = layout::parts(size, legacy.align as usize);
    RingAddresses {
        descriptor,
        driver: descriptor.wrapping_add(parts.driver as u64),
        device: descriptor.wrapping_add(parts.device as u64),
    }
}

/// VQ-SPLIT-04, VQ-SPLIT-05: descriptors, available ring, nothing up to the alignment, used ring: offsets and
/// the length of the whole are those of the specification, at all sizes.
#[test]
fn a_block_is_as_long_as_the_specification_says() {
    for align in [64_usize, 512, 4096, 16384, 65536] {
        let round_up = |bytes: usize| bytes.div_ceil(align) * align;
        for log in 0..=15 {
            let size = 1_u16 << log;
            let entries = usize::from(size);
            let parts = layout::parts(size, align);
            assert_eq!(parts.driver, 16 * entries);
            assert_eq!(parts.device, round_up(16 * entries + 2 * (3 + entries)));
            let used = 2 * 3 + 8 * entries;
            assert_eq!(parts.end, parts.device + used);
            assert_eq!(parts.bytes(align), parts.device + round_up(used));
        }
    }
}

/// VQ-SPLIT-03, PCI-LEG-10: the size is the device's, or there is no ring.
#[test]
fn the_size_is_the_device_s() {
    for offered in 0..=u16::MAX {
        let valid = offered.is_power_of_two();
        assert_eq!(exactly(offered), valid.then_some(offered));
    }
}

/// PCI-LEG-09, MMIO-LEG-08: the page of a ring has a number of 32 bits other than 0, which is all that the
/// device is told.
#[test]
fn a_ring_is_told_by_the_number_of_its_page() {
    let number = |at| PCI.page_number(256, ring(&PCI, 256, at));
    assert_eq!(number(0x1000), Some(1));
    assert_eq!(number(0x1234_5000), Some(0x1_2345));
    assert_eq!(number(0xfff_ffff_f000), Some(0xffff_ffff));
    // 44 bits are all that there are.
    assert_eq!(number(0x1000_0000_0000), None);
    assert_eq!(number(0x5000_1234_5000), None);
    assert_eq!(number(0), None);
    for offset in [1, 2, 16, 0x800, 0xfff] {
        assert_eq!(number(0x1234_5000 + offset), None);
    }
    assert_eq!(number(u64::MAX & !0xfff), None);

    // Pages of another size.
    let large = Legacy { page: 65536, ..PCI };
    let number = |at| large.page_number(256, ring(&large, 256, at));
    assert_eq!(number(0xffff_ffff_0000), Some(0xffff_ffff));
    assert_eq!(number(0x1_0000_0000_0000), None);
    assert_eq!(number(0x1000), None);
}

/// VQ-SPLIT-05: a ring whose parts are elsewhere is not told of.
#[test]
fn parts_that_are_elsewhere_are_noticed() {
    let good = ring(&PCI, 256, 0x1000_0000);
    assert!(PCI.page_number(256, good).is_some());
    assert_eq!(PCI.page_number(128, good), None);
    assert_eq!(PCI.page_number(255, good), None);
    assert_eq!(PCI.page_number(0, good), None);
    for delta in [-4096_i64, -64, 64, 4096] {
        let driver = good.driver.wrapping_add_signed(delta);
        assert_eq!(PCI.page_number(256, RingAddresses { driver, ..good }), None);
        let device = good.device.wrapping_add_signed(delta);
        assert_eq!(PCI.page_number(256, RingAddresses { device, ..good }), None);
    }
    for (align, page) in [(0, 4096), (3, 4096), (4096, 0)] {
        let odd = Legacy { align, page, ..PCI };
        assert_eq!(odd.page_number(256, good), None);
    }
}
