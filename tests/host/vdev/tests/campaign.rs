// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What devices of campaigns do: the same for the same seed, and as much as is said of them.

use device::Memory;
use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;
use vdev::{
    campaign::{
        script,
        Temper, //
    },
    common::{
        feature,
        reg, //
    },
    devices,
    event::{
        Log,
        Structure, //
    },
    machine::Machine,
    pci, //
};
use vmm_sys_util::tempfile::TempFile;

/// A ring of so many entries, its parts, and the buffers: one an entry.
const ENTRIES: u16 = 8;
const DESC: u64 = 0x1000;
const DRIVER: u64 = 0x2000;
const DEVICE: u64 = 0x3000;
const BUFFERS: u64 = 0x4000;
const ROOM: u32 = 64;

/// A generator in a campaign, and its driver, which has one request at a time.
struct Rig {
    machine: Machine,
    added: u16,
}

impl Rig {
    fn new(seed: u64) -> Self {
        let model = devices::by_name("rng").unwrap();
        let mut machine = Machine::new(model, 0, Log::new(None));
        let file: File = TempFile::new().unwrap().into_file();
        file.set_len(1 << 16).unwrap();
        machine.map.map(0, 1 << 16, Some((file, 0)), true).unwrap();
        let answer = machine.command(&format!("scenario campaign-{seed}"));
        assert_eq!(answer, "ok");
        for status in [0, 1, 3] {
            machine.write(reg::STATUS, 1, status);
        }
        machine.write(reg::DRIVER_FEATURE_SELECT, 4, 1);
        let version = (feature::VERSION_1 >> 32) as u64;
        machine.write(reg::DRIVER_FEATURE, 4, version);
        machine.write(reg::STATUS, 1, 11);
        machine.write(reg::QUEUE_SIZE, 2, ENTRIES.into());
        machine.write(reg::QUEUE_DESC, 4, DESC);
        machine.write(reg::QUEUE_DRIVER, 4, DRIVER);
        machine.write(reg::QUEUE_DEVICE, 4, DEVICE);
        machine.write(reg::QUEUE_ENABLE, 2, 1);
        machine.write(reg::STATUS, 1, 15);
        Self { machine, added: 0 }
    }

    /// Has the device fill a buffer. What the device says it wrote, if it did anything.
    fn draw(&mut self) -> Option<u32> {
        let map = self.machine.map.clone();
        let slot = self.added % ENTRIES;
        let desc = DESC + 16 * u64::from(slot);
        map.write64(desc, BUFFERS + u64::from(slot) * 64).unwrap();
        map.write32(desc + 8, ROOM).unwrap();
        map.write16(desc + 12, 2).unwrap();
        map.write16(DRIVER + 4 + 2 * u64::from(slot), slot).unwrap();
        let before = map.read16(DEVICE + 2).unwrap();
        self.added = self.added.wrapping_add(1);
        map.write16(DRIVER + 2, self.added).unwrap();
        self.machine.write(pci::at::NOTIFY.0, 2, 0);
        self.machine.work();
        if map.read16(DEVICE + 2).unwrap() == before {
            // It is late, or does not come.
            std::thread::sleep(Duration::from_millis(6));
            self.machine.work();
        }
        let entry = DEVICE + 4 + 8 * u64::from(before % ENTRIES);
        (map.read16(DEVICE + 2).unwrap() != before).then(|| map.read32(entry + 4).unwrap())
    }

    /// What was altered, by kind.
    fn altered(&mut self) -> BTreeMap<String, u64> {
        let answer = self.machine.command("altered");
        let words: Vec<&str> = answer.split(' ').collect();
        let pairs = words.chunks(2);
        pairs
            .map(|pair| (pair[0].to_string(), pair[1].parse().unwrap()))
            .collect()
    }
}

/// Some seeds of a temper.
fn seeds(temper: Temper) -> impl Iterator<Item = u64> {
    (0..640).filter(move |seed| Temper::of(*seed) == temper)
}

#[test]
fn a_seed_answers_the_same_each_time() {
    for seed in seeds(Temper::Mild).take(20).chain(seeds(Temper::Late)) {
        let drawn = |_| {
            let mut rig = Rig::new(seed);
            let drawn: Vec<_> = (0..100).map(|_| rig.draw()).collect();
            (drawn, rig.altered())
        };
        assert_eq!(drawn(1), drawn(2), "seed {seed}");
    }
}

#[test]
fn seeds_answer_otherwise_than_their_neighbours() {
    let drawn = |seed| {
        let mut rig = Rig::new(seed);
        (0..100).map(|_| rig.draw()).collect::<Vec<_>>()
    };
    for seed in [0, 1, 32, 64] {
        assert_ne!(drawn(seed), drawn(seed + 1));
    }
}

#[test]
fn completions_are_counted_exactly() {
    for seed in seeds(Temper::Mild) {
        let mut rig = Rig::new(seed);
        let lengths: Vec<_> = (0..200).map(|_| rig.draw().unwrap()).collect();
        let wrong = lengths.iter().filter(|len| **len != ROOM).count() as u64;
        let altered = rig.altered();
        assert_eq!(altered["completions"], wrong, "seed {seed}");
        // The rarest is one in four.
        assert!(wrong > 20, "seed {seed}: {wrong}");
        for kind in ["withheld", "late", "registers", "configuration", "resets"] {
            assert_eq!(altered[kind], 0, "seed {seed}: {kind}");
        }
        assert_eq!(rig.machine.command("verdict"), "pass", "seed {seed}");
    }
}

#[test]
fn a_driver_of_a_mild_device_may_break_no_rule() {
    let mut rig = Rig::new(0);
    rig.machine.write(reg::QUEUE_SIZE, 2, 4);
    assert!(rig.machine.command("verdict").starts_with("fail"));
}

#[test]
fn registers_have_numbers_of_their_own() {
    let register = |offset| (Structure::Common, offset);
    for seed in seeds(Temper::Registers) {
        let (mut one, mut other) = (script(seed), script(seed));
        let (one, other) = (one.read.as_mut().unwrap(), other.read.as_mut().unwrap());
        for _ in 0..50 {
            // A status that is polled more often, as the device is slow.
            one(register(reg::STATUS), 0);
            assert_eq!(
                one(register(reg::QUEUE_SIZE), 64),
                other(register(reg::QUEUE_SIZE), 64)
            );
        }
    }
}

#[test]
fn tempers_take_turns_and_do_what_they_are_called() {
    let counted = |temper| {
        let mut sum = BTreeMap::new();
        for seed in seeds(temper) {
            let mut rig = Rig::new(seed);
            for at in (pci::cap::COMMON..pci::cap::PCI_CFG + 20).step_by(4) {
                rig.machine.read_space(at, 4);
            }
            let mut misses = 0;
            for _ in 0..50 {
                rig.machine.read(reg::STATUS, 1);
                // Many are dead soon.
                if misses < 3 {
                    misses += u32::from(rig.draw().is_none());
                }
            }
            for (kind, count) in rig.altered() {
                *sum.entry(kind).or_insert(0) += count;
            }
        }
        move |kind: &str| sum[kind]
    };
    assert_eq!(seeds(Temper::Mild).count(), 160, "two in eight");
    assert_eq!(seeds(Temper::All).count(), 80, "one in eight");

    let mild = counted(Temper::Mild);
    assert!(mild("completions") > 160 * 50 / 3);
    let late = counted(Temper::Late);
    assert!(late("late") > 50 && late("registers") == 0);
    let wild = counted(Temper::Wild);
    assert!(wild("withheld") > 0 && wild("registers") == 0);
    let registers = counted(Temper::Registers);
    assert!(registers("registers") > 160 * 50 / 20);
    assert_eq!(registers("completions"), 0);
    let configuration = counted(Temper::Configuration);
    assert!(configuration("resets") > 5 && configuration("configuration") > 5);
    assert!(configuration("capabilities") > 0 && configuration("registers") == 0);
    let all = counted(Temper::All);
    for kind in ["completions", "registers", "resets", "late", "capabilities"] {
        assert!(all(kind) > 0, "{kind}");
    }
}
