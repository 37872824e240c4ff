// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a device makes of accesses to its registers.

use vdev::{
    common::{
        feature,
        reg, //
    },
    devices,
    event::{
        Event,
        Log, //
    },
    machine::Machine,
    pci, scenario,
};

/// A generator without a guest.
fn machine(features: u128) -> Machine {
    Machine::new(devices::by_name("rng").unwrap(), features, Log::new(None))
}

/// Writes features and status up to this one.
fn bring(machine: &mut Machine, features: u128, status: &[u64]) {
    for &status in status {
        if status == 11 {
            for word in 0..2 {
                machine.write(reg::DRIVER_FEATURE_SELECT, 4, word);
                let value = (features >> (32 * word)) as u64 & 0xffff_ffff;
                machine.write(reg::DRIVER_FEATURE, 4, value);
            }
        }
        machine.write(reg::STATUS, 1, status);
    }
}

/// What is wrong with the driver.
fn violations(machine: &Machine) -> Vec<String> {
    let events = machine.log.events().iter();
    events
        .filter(|event| matches!(event, Event::Violation(_)))
        .map(Event::to_string)
        .collect()
}

#[test]
fn a_driver_that_does_as_it_should_breaks_no_rule() {
    let mut machine = machine(0);
    bring(&mut machine, feature::VERSION_1, &[0, 1, 3, 11]);
    assert_eq!(machine.read(reg::STATUS, 1), 11);
    assert_eq!(machine.read(reg::NUM_QUEUES, 2), 1);
    assert_eq!(machine.read(reg::QUEUE_SIZE, 2), 8);
    machine.write(reg::QUEUE_SELECT, 2, 1);
    assert_eq!(
        machine.read(reg::QUEUE_SIZE, 2),
        0,
        "there is no such queue"
    );
    machine.write(reg::STATUS, 1, 15);
    machine.write(reg::STATUS, 1, 0);
    assert_eq!(machine.read(reg::STATUS, 1), 0);
    assert_eq!(violations(&machine), [""; 0]);
}

/// Something that a driver does.
type Deed = fn(&mut Machine);

#[test]
fn rules_that_a_driver_breaks_are_noticed() {
    let cases: &[(&str, Deed)] = &[
        ("a width that is not the field's", |machine| {
            machine.read(reg::DEVICE_FEATURE, 2);
        }),
        ("a field that is for reading", |machine| {
            machine.write(reg::NUM_QUEUES, 2, 1);
        }),
        ("a status bit is dropped", |machine| {
            machine.write(reg::STATUS, 1, 2)
        }),
        ("features after FEATURES_OK", |machine| {
            machine.write(reg::DRIVER_FEATURE, 4, 0);
        }),
        ("a notification before DRIVER_OK", |machine| {
            machine.write(pci::at::NOTIFY.0, 2, 0);
        }),
        ("a queue size that is too large", |machine| {
            machine.write(reg::QUEUE_SIZE, 2, 16);
        }),
        ("a size of a split queue that is no power of 2", |machine| {
            machine.write(reg::QUEUE_SIZE, 2, 6);
        }),
        ("a reset of a queue without the feature", |machine| {
            machine.write(reg::QUEUE_RESET, 2, 1);
        }),
        ("SUSPEND without the feature", |machine| {
            machine.write(reg::STATUS, 1, 15);
            machine.write(reg::STATUS, 1, 31);
        }),
        ("a disabled queue", |machine| {
            machine.write(reg::QUEUE_ENABLE, 2, 0);
        }),
        ("a configuration that there is not", |machine| {
            machine.read(pci::at::DEVICE.0, 1);
        }),
        ("an offset where nothing is", |machine| {
            machine.read(0x900, 4);
        }),
    ];
    for (what, case) in cases {
        let mut machine = machine(0);
        bring(&mut machine, feature::VERSION_1, &[0, 1, 3, 11]);
        assert_eq!(violations(&machine), [""; 0]);
        case(&mut machine);
        assert_ne!(violations(&machine), [""; 0], "{what}");
    }
}

#[test]
fn features_that_were_not_offered_are_not_agreed_on() {
    for features in [0, feature::VERSION_1 | feature::PACKED] {
        let mut machine = machine(0);
        bring(&mut machine, features, &[0, 1, 3, 11]);
        assert_eq!(machine.read(reg::STATUS, 1), 3);
        assert_eq!(violations(&machine).len(), 1);
    }
}

#[test]
fn a_suspended_device_is_to_be_left_alone() {
    let features = feature::VERSION_1 | feature::SUSPEND;
    let mut machine = machine(feature::SUSPEND);
    bring(&mut machine, features, &[0, 1, 3, 11, 15, 31]);
    machine.work();
    assert_eq!(machine.read(reg::STATUS, 1), 27, "SUSPEND for DRIVER_OK");
    assert_eq!(violations(&machine), [""; 0]);
    machine.write(reg::QUEUE_SELECT, 2, 0);
    assert_eq!(violations(&machine).len(), 1);
    machine.write(reg::STATUS, 1, 31);
    machine.work();
    assert_eq!(machine.read(reg::STATUS, 1), 15);
    machine.write(reg::QUEUE_SELECT, 2, 0);
    assert_eq!(violations(&machine).len(), 1, "it has resumed");
    let told = [Event::Suspended, Event::Resumed];
    let told = told.map(|told| machine.log.events().contains(&told));
    assert_eq!(told, [true, true]);
}

#[test]
fn the_structures_are_found_through_configuration_space() {
    let space = pci::config_space(4, [0xff, 0, 0], 4);
    let mut seen = Vec::new();
    let mut at = usize::from(space[0x34]);
    while at != 0 {
        seen.push((space[at], space[at + 3]));
        at = usize::from(space[at + 1]);
    }
    assert_eq!(seen, [(0x11, 0), (9, 1), (9, 2), (9, 3), (9, 4), (9, 5)]);

    let mut machine = machine(0);
    let window = pci::cap::PCI_CFG;
    machine.write_space(window + 8, &(reg::NUM_QUEUES as u32).to_le_bytes());
    machine.write_space(window + 12, &2u32.to_le_bytes());
    assert_eq!(
        machine.read_space(window + 16, 2),
        1,
        "the number of queues"
    );
}

/// Has a device carry out a command, through its window.
fn command(machine: &mut Machine, command: &str) -> String {
    let mut bytes = command.as_bytes().to_vec();
    bytes.resize(64, b' ');
    for (at, piece) in bytes.chunks(4).enumerate() {
        machine.write_space(192 + 4 * at, piece);
    }
    let mut answer = Vec::new();
    loop {
        let piece = (0..16).map(|at| machine.read_space(192 + 4 * at, 4) as u32);
        let piece: Vec<u8> = piece.flat_map(u32::to_le_bytes).collect();
        if piece[0] == 0 {
            return String::from_utf8(answer).unwrap();
        }
        answer.extend(piece.iter().filter(|byte| **byte != 0));
    }
}

#[test]
fn tests_choose_scenarios_and_see_verdicts_through_the_window() {
    let mut machine = machine(0);
    assert_eq!(
        command(&mut machine, "scenario of no such name"),
        "no such scenario"
    );
    assert_eq!(command(&mut machine, "verdict"), "pass");
    machine.write(reg::NUM_QUEUES, 2, 1);
    let verdict = command(&mut machine, "verdict");
    assert!(verdict.starts_with("fail: violation "), "{verdict}");
    assert_eq!(command(&mut machine, "count violation"), "1");
    for scenario in scenario::all() {
        let answer = command(&mut machine, &format!("scenario {}", scenario.name));
        assert_eq!(answer, "ok");
    }
    machine.read(reg::STATUS, 1);
    let log = command(&mut machine, "log");
    assert!(log.ends_with("read common 0x14 1 0x0\n"), "{log}");
}

/// What a campaign tells a driver that reads the same, and how many of it was altered.
fn campaign(seed: u64) -> (Vec<u64>, String) {
    let mut machine = machine(0);
    let name = format!("scenario campaign-{seed}");
    assert_eq!(command(&mut machine, &name), "ok");
    let read = (0..1000).map(|at| machine.read(at % 14 * 4, 4)).collect();
    (read, command(&mut machine, "altered"))
}

#[test]
fn campaigns_are_replayed_from_their_seeds() {
    let told: Vec<_> = (0..32).map(campaign).collect();
    let again: Vec<_> = (0..32).map(campaign).collect();
    assert_eq!(told, again);
    let mut machine = machine(0);
    for name in ["campaign-", "campaign-x", "campaign--1"] {
        let answer = command(&mut machine, &format!("scenario {name}"));
        assert_eq!(answer, "no such seed");
    }
}
