// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a PCI device makes of accesses to its registers by the legacy interface (4.1.4.10).

use vdev::{
    devices,
    event::{
        Event,
        Log,
        Structure, //
    },
    machine::Machine,
    pci,
    pci_legacy::reg,
    state::feature,
    transport::Transport, //
};
use vmm_sys_util::tempfile::TempFile;

/// A device without a guest.
fn machine(kind: &str, features: u128) -> Machine {
    let model = devices::by_name(kind).unwrap();
    Machine::on(Transport::PciLegacy, model, features, Log::new(None))
}

/// What is wrong with the driver.
fn violations(machine: &Machine) -> Vec<String> {
    let events = machine.log.events().iter();
    events
        .filter(|event| matches!(event, Event::Violation(_)))
        .map(Event::to_string)
        .collect()
}

/// Enables MSI-X, or disables it.
fn msix(machine: &mut Machine, on: bool) {
    machine.write_space(pci::cap::MSIX + 2, &[3, u8::from(on) << 7]);
}

/// Memory for a device, from this address on.
fn memory(machine: &Machine, at: u64, len: u64) {
    let file = TempFile::new().unwrap().into_file();
    file.set_len(len).unwrap();
    machine.map.map(at, len, Some((file, 0)), true).unwrap();
}

/// Status, features and queue 0 on this page.
fn bring_up(machine: &mut Machine, features: u64, page: u64) {
    for status in [0, 1, 3] {
        machine.write(reg::STATUS, 1, status);
    }
    machine.write(reg::DRIVER_FEATURES, 4, features);
    machine.write(reg::QUEUE_SELECT, 2, 0);
    machine.write(reg::QUEUE_ADDRESS, 4, page);
    machine.write(reg::STATUS, 1, 7);
}

/// 4.1.2.3: ids of old, revision 0, I/O space, and no capability of a structure.
#[test]
fn a_device_is_found_by_ids_of_old() {
    for (kind, id) in [(1, 0x1000), (2, 0x1001), (4, 0x1005)] {
        let space = Transport::PciLegacy.config_space(kind, [0xff, 0, 0], 4);
        let word = |at: usize| u16::from_le_bytes([space[at], space[at + 1]]);
        assert_eq!([word(0), word(2)], [0x1af4, id]);
        assert_eq!([word(0x2c), word(0x2e)], [0x1af4, kind.into()]);
        assert_eq!(space[8], 0, "revision");
        assert_eq!(space[0x10], 1, "I/O space");
        assert_eq!(usize::from(space[0x34]), pci::cap::MSIX);
        assert_eq!(space[pci::cap::MSIX + 1], 0);
    }
}

/// 4.1.4.10, 4.1.5.1.3.1: from a reset to the first used buffer, and back.
#[test]
fn a_driver_that_does_as_it_should_breaks_no_rule() {
    let mut machine = machine("rng", feature::EVENT_IDX | feature::PACKED);
    memory(&machine, 0x10000, 0x4000);
    assert_eq!(
        u128::from(machine.read(reg::DEVICE_FEATURES, 4)),
        feature::EVENT_IDX,
        "those above are not to be seen"
    );
    assert_eq!(machine.read(reg::QUEUE_SIZE, 2), 8);
    assert_eq!(machine.read(reg::QUEUE_ADDRESS, 4), 0);
    bring_up(&mut machine, 0, 0x10);
    assert_eq!(machine.read(reg::QUEUE_ADDRESS, 4), 0x10);
    // Descriptors, then what is available, and what is used on the next page (2.7.2).
    machine
        .map
        .write(0x10000, &0x12000u64.to_le_bytes())
        .unwrap();
    machine
        .map
        .write(0x10008, &[16, 0, 0, 0, 2, 0, 0, 0])
        .unwrap();
    machine.map.write(0x10080, &[0, 0, 1, 0, 0, 0]).unwrap();
    machine.write(reg::QUEUE_NOTIFY, 2, 0);
    machine.work();
    let mut bytes = [0; 2];
    machine.map.read(0x12000, &mut bytes).unwrap();
    assert_eq!(&bytes, b"aa");
    machine.map.read(0x11002, &mut bytes).unwrap();
    assert_eq!(bytes, [1, 0], "the used index");
    assert_eq!(machine.read(reg::ISR, 1), 1);
    assert_eq!(machine.read(reg::ISR, 1), 0, "it is cleared as it is read");
    machine.write(reg::QUEUE_ADDRESS, 4, 0);
    machine.write(reg::STATUS, 1, 0);
    assert_eq!(machine.read(reg::STATUS, 1), 0);
    machine.write(reg::QUEUE_SELECT, 2, 1);
    assert_eq!(machine.read(reg::QUEUE_SIZE, 2), 0, "no such queue");
    assert_eq!(violations(&machine), [""; 0]);
}

/// 4.1.4.10: with MSI-X there are two registers more, and the configuration is behind them.
#[test]
fn the_configuration_moves_with_msix() {
    let mut machine = machine("blk", 0);
    let capacity = |machine: &mut Machine, at: u64| -> Vec<u64> {
        (at..at + 4).map(|at| machine.read(at, 1)).collect()
    };
    assert_eq!(capacity(&mut machine, 20), [0, 0, 2, 0]);
    assert_eq!(machine.read(20, 4), 0x20000, "any width does");
    msix(&mut machine, true);
    assert_eq!(capacity(&mut machine, 24), [0, 0, 2, 0]);
    assert_eq!(machine.read(reg::CONFIG_VECTOR, 2), 0xffff);
    machine.write(reg::CONFIG_VECTOR, 2, 1);
    assert_eq!(machine.read(reg::CONFIG_VECTOR, 2), 1);
    machine.write(reg::QUEUE_VECTOR, 2, 9);
    assert_eq!(machine.read(reg::QUEUE_VECTOR, 2), 0xffff, "no such vector");
    machine.write(24 + 32, 1, 0);
    assert_eq!(machine.read(24 + 32, 1), 0, "the cache mode");
    msix(&mut machine, false);
    assert_eq!(capacity(&mut machine, 20), [0, 0, 2, 0]);
    assert_eq!(violations(&machine), [""; 0]);
    assert_eq!(
        machine.log.events().last(),
        Some(&Event::Read((Structure::Device, 3), 1, 0)),
        "width and offset are in the log"
    );
}

/// Something that a driver does.
type Deed = fn(&mut Machine);

/// 4.1.4.10, 3.1.2: each on its own.
#[test]
fn rules_that_a_driver_breaks_are_noticed() {
    let cases: &[(&str, Deed)] = &[
        ("a width that is not the field's", |machine| {
            machine.read(reg::STATUS, 2);
        }),
        ("half of a field", |machine| {
            machine.read(2, 2);
        }),
        ("what is read-only", |machine| {
            machine.write(reg::QUEUE_SIZE, 2, 4)
        }),
        ("FEATURES_OK", |machine| machine.write(reg::STATUS, 1, 15)),
        ("features that are agreed on", |machine| {
            machine.write(reg::DRIVER_FEATURES, 4, 0)
        }),
        ("a queue in use", |machine| {
            machine.write(reg::QUEUE_ADDRESS, 4, 0x11)
        }),
        ("behind the configuration", |machine| {
            machine.read(reg::CONFIG_VECTOR, 2);
        }),
        ("features that were not offered", |machine| {
            machine.write(reg::STATUS, 1, 0);
            machine.write(reg::DRIVER_FEATURES, 4, 1 << 28);
        }),
    ];
    for (what, case) in cases {
        let mut machine = machine("rng", 0);
        memory(&machine, 0x10000, 0x4000);
        bring_up(&mut machine, 0, 0x10);
        assert_eq!(violations(&machine), [""; 0]);
        case(&mut machine);
        assert_ne!(violations(&machine), [""; 0], "{what}");
    }
    let mut machine = machine("rng", 0);
    memory(&machine, 0x10000, 0x4000);
    bring_up(&mut machine, 1 << 28, 0x10);
    assert_eq!(machine.read(reg::DRIVER_FEATURES, 4), 0, "not offered");
}

/// Has a disk read a sector; its request is in elements of such lengths: header first, the rest for
/// the device to write. What was wrong with it.
fn read_sector(features: u128, header: &[u32], rest: &[u32]) -> Vec<String> {
    let mut machine = machine("blk", feature::ANY_LAYOUT);
    memory(&machine, 0x10000, 0x8000);
    bring_up(&mut machine, (features & 0xffff_ffff) as u64, 0x10);
    // A read of sector 0, with a priority.
    machine.map.write(0x12004, &[1]).unwrap();
    let elements = header.iter().map(|len| (*len, 0));
    let elements: Vec<(u32, u16)> = elements.chain(rest.iter().map(|len| (*len, 2))).collect();
    let mut addr = 0x12000u64;
    for (index, (len, flags)) in (0u16..).zip(&elements) {
        let next = u16::from(usize::from(index) + 1 < elements.len());
        let at = 0x10000 + 16 * u64::from(index);
        machine.map.write(at, &addr.to_le_bytes()).unwrap();
        machine.map.write(at + 8, &len.to_le_bytes()).unwrap();
        machine
            .map
            .write(at + 12, &(flags | next).to_le_bytes())
            .unwrap();
        machine
            .map
            .write(at + 14, &(index + 1).to_le_bytes())
            .unwrap();
        addr += u64::from(*len);
    }
    machine.map.write(0x10400, &[0, 0, 1, 0, 0, 0]).unwrap();
    machine.write(reg::QUEUE_NOTIFY, 2, 0);
    machine.work();
    let mut used = [0; 2];
    machine.map.read(0x11002, &mut used).unwrap();
    assert_eq!(used, [1, 0]);
    violations(&machine)
}

/// 5.2.6.4: header and status are on their own, unless ANY_LAYOUT was agreed on; 5.2.6.3: a legacy
/// header has a priority.
#[test]
fn requests_of_a_disk_have_their_framing() {
    assert_eq!(read_sector(0, &[16], &[512, 1]), [""; 0]);
    assert_eq!(read_sector(0, &[16], &[513]).len(), 1);
    assert_eq!(read_sector(0, &[8, 8], &[512, 1]).len(), 1);
    let any = feature::ANY_LAYOUT;
    assert_eq!(read_sector(any, &[16], &[513]), [""; 0]);
    assert_eq!(read_sector(any, &[8, 8], &[512, 1]), [""; 0]);
}
