// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Device types and status bits.

use pure::id::DeviceId;
use pure::status::Status;

/// PCI-DISC-01, PCI-DISC-05: a device id is 0x1040 and the type. There is no type zero, and nothing
/// beyond 0x107f.
#[test]
fn pci_ids_give_the_type() {
    assert_eq!(DeviceId::from_pci(0x1040), None);
    for number in 1..=0x3f {
        let id = DeviceId::new(number).unwrap();
        assert_eq!(DeviceId::from_pci(0x1040 + number), Some(id));
        assert_eq!(id.pci_device(), Some(0x1040 + number));
        assert_eq!(id.number(), number);
    }
    for device in [0, 0x0fff, 0x1006, 0x1008, 0x100a, 0x103f, 0x1080, 0xffff] {
        assert_eq!(DeviceId::from_pci(device), None);
    }
    assert_eq!(DeviceId::new(0), None);
    assert_eq!(DeviceId::new(64).unwrap().pci_device(), None);
}

/// PCI-DISC-02: transitional devices have ids of their own, from a table.
#[test]
fn transitional_pci_ids_give_the_type() {
    let table = [
        (0x1000, DeviceId::NET, 1),
        (0x1001, DeviceId::BLOCK, 2),
        (0x1002, DeviceId::BALLOON, 5),
        (0x1003, DeviceId::CONSOLE, 3),
        (0x1004, DeviceId::SCSI, 8),
        (0x1005, DeviceId::ENTROPY, 4),
        (0x1009, DeviceId::P9, 9),
    ];
    for (device, id, number) in table {
        assert_eq!(DeviceId::from_pci(device), Some(id));
        assert_eq!(id.pci_transitional(), Some(device));
        assert_eq!(id.number(), number);
    }
    let transitional = (0..0xffff)
        .filter_map(DeviceId::new)
        .filter_map(DeviceId::pci_transitional);
    assert_eq!(transitional.count(), table.len());
}

#[test]
fn types_have_the_names_of_the_specification() {
    assert_eq!(DeviceId::BLOCK.name(), Some("block"));
    assert_eq!(DeviceId::USB.name(), Some("USB controller"));
    assert_eq!(DeviceId::USB.number(), 49);
    let named = (0..0xffff)
        .filter_map(DeviceId::new)
        .filter_map(DeviceId::name);
    // Numbers up to 49, without those that are not in the table: 14, 15 and 37.
    assert_eq!(named.count(), 49 - 3);
}

/// Bits are only added on the way to `DRIVER_OK`: what each step writes contains what was there.
#[test]
fn status_bits_are_added() {
    let steps = [
        (Status::ACKNOWLEDGE, 1),
        (Status::DRIVER, 3),
        (Status::FEATURES_OK, 11),
        (Status::DRIVER_OK, 15),
        (Status::FAILED, 143),
    ];
    let mut status = Status::RESET;
    for (step, bits) in steps {
        let before = status;
        assert!(!before.contains(step));
        status = before.with(step);
        assert_eq!(status.bits(), bits);
        assert!(status.contains(step) && status.contains(before));
        assert_eq!(Status::from_bits(bits), status);
    }
}

#[test]
fn only_all_ones_are_gone() {
    assert!((0..=0xfe)
        .map(Status::from_bits)
        .all(|status| !status.is_gone()));
    assert!(Status::from_bits(0xff).is_gone());
    assert!(!Status::from_bits(0).contains(Status::DEVICE_NEEDS_RESET));
    assert!(Status::from_bits(0x4f).contains(Status::DEVICE_NEEDS_RESET));
}

/// PCI-LEG-11: by the legacy interface a device is what its subsystem id says, with a device id of the
/// range and revision 0.
#[test]
fn legacy_devices_say_what_they_are_by_another_id() {
    for device in 0..=u16::MAX {
        let in_range = (0x1000..=0x103f).contains(&device);
        for subsystem in [0, 1, 2, 4, 42, 0x1100, u16::MAX] {
            let expected = if in_range {
                DeviceId::new(subsystem)
            } else {
                None
            };
            assert_eq!(DeviceId::from_pci_legacy(device, 0, subsystem), expected);
            for revision in [1, 2, u8::MAX] {
                assert_eq!(DeviceId::from_pci_legacy(device, revision, subsystem), None);
            }
        }
    }
}
