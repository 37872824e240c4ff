// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A transitional device of PCI is one device with two interfaces, and its driver chooses (4.1.2.1,
//! 2.2.3).

#[expect(dead_code, reason = "its mistakes are for other tests")]
mod old_driver;

use old_driver::{
    Driver,
    Wrong, //
};
use vdev::{
    common::reg as new,
    devices,
    event::{
        Event,
        Log, //
    },
    machine::Machine,
    pci::{
        self,
        at,
        cap, //
    },
    pci_legacy::reg as old,
    transport::{
        Bar,
        Transport::{
            Pci,
            PciLegacy,
            PciTransitional, //
        }, //
    }, //
};

/// A device without a guest.
fn machine() -> Machine {
    let model = devices::by_name("rng").unwrap();
    Machine::on(PciTransitional, model, 0, Log::new(None))
}

/// Agrees on features by the modern interface, and goes.
fn bring_up(machine: &mut Machine) {
    let bar = pci::MODERN_BAR;
    for status in [0, 1, 3] {
        machine.write_bar(bar, new::STATUS, 1, status);
    }
    machine.write_bar(bar, new::DRIVER_FEATURE_SELECT, 4, 1);
    machine.write_bar(bar, new::DRIVER_FEATURE, 4, 1);
    machine.write_bar(bar, new::STATUS, 1, 11);
    machine.write_bar(bar, new::STATUS, 1, 15);
}

/// What is wrong with the driver.
fn violations(machine: &Machine) -> Vec<String> {
    let events = machine.log.events().iter();
    events
        .filter(|event| matches!(event, Event::Violation(_)))
        .map(Event::to_string)
        .collect()
}

/// The ids of one, the capabilities of the other, and a BAR for each.
#[test]
fn it_is_found_by_either() {
    let space = PciTransitional.config_space(4, [0xff, 0, 0], 4);
    let legacy = PciLegacy.config_space(4, [0xff, 0, 0], 4);
    let modern = Pci.config_space(4, [0xff, 0, 0], 4);
    assert_eq!(space[..0x34], legacy[..0x34]);
    assert_eq!(space[0x10], 1, "I/O space");
    for at in cap::ALL {
        let is_bar = (at - cap::COMMON) % 16 == 4;
        assert!(
            space[at] == modern[at] || (is_bar || space[at] == 2),
            "{at:#x}"
        );
    }
    for at in [cap::COMMON, cap::NOTIFY, cap::ISR, cap::DEVICE] {
        assert_eq!(space[at + 4], pci::MODERN_BAR);
    }
    let machine = machine();
    assert_eq!(machine.bar_size(0), 128);
    assert_eq!(machine.bar_size(pci::MODERN_BAR), 1 << 20);
    assert_eq!(machine.bar_size(4), 0);
}

/// One state is behind both; each shows what it has registers for.
#[test]
fn it_offers_what_the_interface_can_show() {
    let mut machine = machine();
    let offered = machine.read(old::DEVICE_FEATURES, 4);
    machine.write_bar(pci::MODERN_BAR, new::DEVICE_FEATURE_SELECT, 4, 1);
    assert_eq!(machine.read_bar(pci::MODERN_BAR, new::DEVICE_FEATURE, 4), 1);
    machine.write_bar(pci::MODERN_BAR, new::DEVICE_FEATURE_SELECT, 4, 0);
    assert_eq!(
        machine.read_bar(pci::MODERN_BAR, new::DEVICE_FEATURE, 4),
        offered
    );
    bring_up(&mut machine);
    assert_eq!(machine.read_bar(pci::MODERN_BAR, new::STATUS, 1), 15);
    assert_eq!(violations(&machine), [""; 0]);
    // The ring of that is not there.
    machine.reset_function();
    assert_eq!(machine.read_bar(pci::MODERN_BAR, new::STATUS, 1), 0);
    assert_eq!(violations(&machine), [""; 0]);
}

/// Who has begun with one does not go on with the other.
#[test]
fn a_driver_uses_one_of_them() {
    let mut machine = machine();
    bring_up(&mut machine);
    machine.read(old::STATUS, 1);
    assert_eq!(violations(&machine).len(), 1);
    machine.write_bar(pci::MODERN_BAR, new::STATUS, 1, 0);
    machine.write(old::STATUS, 1, 1);
    assert_eq!(violations(&machine).len(), 1, "it was reset");
    machine.read_bar(pci::MODERN_BAR, at::COMMON.0 + new::STATUS, 1);
    assert_eq!(violations(&machine).len(), 2);
    machine.read_bar(pci::MODERN_BAR, at::ISR.0, 1);
    assert_eq!(violations(&machine).len(), 3);
}

/// PCI-LEG-01 FEAT-12: the verdicts know which one it was.
#[test]
fn verdicts_know_which_one_it_was() {
    for kind in ["rng", "blk"] {
        for (scenario, passes) in [
            ("transitional-legacy", true),
            ("transitional-modern", false),
            ("transitional-unversioned", true),
            ("legacy-order", true),
        ] {
            let verdict = Driver::meet(PciTransitional, kind, Wrong::Nothing, scenario);
            assert_eq!(verdict == "pass", passes, "{scenario} of {kind}: {verdict}");
        }
    }
    let mut machine = machine();
    for (scenario, passes) in [
        ("transitional-modern", true),
        ("transitional-legacy", false),
        // Such a driver takes VERSION_1 without asking.
        ("transitional-unversioned", false),
    ] {
        machine.command(&format!("scenario {scenario}"));
        bring_up(&mut machine);
        // It did something for its driver.
        machine.log.add(Event::Used(0, 0, 64));
        let verdict = machine.command("verdict");
        assert_eq!(verdict == "pass", passes, "{scenario}: {verdict}");
    }
}

/// 4.1.4.10: what BAR 0 can be instead.
#[test]
fn a_legacy_device_may_have_another_bar() {
    for (bar, size, byte) in [
        (Bar::Right, 128, 1),
        (Bar::Memory, 128, 0),
        (Bar::Short, 16, 1),
        (Bar::Missing, 0, 0),
    ] {
        let model = devices::by_name("rng").unwrap();
        let mut machine = Machine::on(PciLegacy, model, 0, Log::new(None)).with_bar(bar);
        assert_eq!(machine.bar_size(0), size);
        assert_eq!(machine.read_space(0x10, 1), byte);
    }
}
