// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Verdicts on drivers of the legacy interfaces: each passes a driver that does as it should, and none
//! that does one thing otherwise.

mod old_driver;

use old_driver::{
    Driver,
    Wrong, //
};
use vdev::{
    scenario,
    transport::Transport::{
        self,
        MmioLegacy,
        PciLegacy, //
    }, //
};

/// The good driver passes, the others do not.
#[track_caller]
fn judged(transport: Transport, kind: &str, scenario: &str, wrong: &[Wrong]) {
    let meet = |wrong| Driver::meet(transport, kind, wrong, scenario);
    assert_eq!(meet(Wrong::Nothing), "pass", "{scenario} of {kind}");
    for &wrong in wrong {
        let verdict = meet(wrong);
        assert!(
            verdict.starts_with("fail"),
            "{scenario} of {kind}: {wrong:?}"
        );
    }
}

/// PCI-LEG-02 -09 -10 -13 INIT-10 VQ-SPLIT-03 -05: from the status to the first answer.
#[test]
fn of_the_order_by_pci() {
    use Wrong::*;
    let wrong = [
        NoDriver,
        FeaturesOk,
        Blind,
        LateFeatures,
        Greedy,
        NoSize,
        WritesSize,
        Address,
        WideStatus,
        AlwaysAsks,
        Idle,
    ];
    judged(PciLegacy, "rng", "legacy-order", &wrong);
    judged(PciLegacy, "blk", "legacy-order", &wrong);
    judged(PciLegacy, "blk", "legacy-order", &[Unframed]);
}

/// MMIO-LEG-02 to -10, -12, -13.
#[test]
fn of_the_order_by_mmio() {
    use Wrong::*;
    let wrong = [
        NoDriver,
        FeaturesOk,
        Blind,
        LateFeatures,
        Greedy,
        NoSize,
        OtherSize,
        NoQueueSize,
        NoAlign,
        NoPageSize,
        OddPageSize,
        NoCheck,
        Address,
        Modern,
        IdFirst,
        Incurious,
        NoAck,
        NoEnd,
        Idle,
    ];
    judged(MmioLegacy, "rng", "mmio-legacy-order", &wrong);
    judged(MmioLegacy, "blk", "mmio-legacy-order", &wrong);
}

/// PCI-LEG-05 -06: the configuration is behind the registers that there are.
#[test]
fn of_where_the_configuration_is() {
    use Wrong::*;
    judged(PciLegacy, "blk", "legacy-moves", &[FixedConfig, Idle]);
    let wrong = [FarConfig, Insists, Incurious, Idle];
    judged(PciLegacy, "blk", "legacy-line", &wrong);
}

/// RSV-18 RSV-19 BLK-LEG-06: what is accepted of what is offered.
#[test]
fn of_what_is_accepted() {
    use Wrong::*;
    let wrong = [Trapped, Barriers, NoLayout, Greedy, Idle];
    for transport in [PciLegacy, MmioLegacy] {
        judged(transport, "rng", "legacy-offers", &wrong);
        judged(transport, "blk", "legacy-offers", &wrong);
    }
}

/// VQ-SPLIT-03: the size is the device's.
#[test]
fn of_sizes() {
    use Wrong::*;
    for transport in [PciLegacy, MmioLegacy] {
        judged(transport, "rng", "legacy-size-1024", &[NoSize, Idle]);
        judged(transport, "rng", "legacy-size-2", &[NoSize, Idle]);
    }
    judged(MmioLegacy, "rng", "legacy-size-1024", &[OtherSize]);
}

/// CFG-09: what has no generation is read until it is the same twice.
#[test]
fn of_a_capacity_that_changes() {
    use Wrong::*;
    for transport in [PciLegacy, MmioLegacy] {
        judged(transport, "blk", "legacy-capacity", &[ReadsOnce]);
        judged(transport, "blk", "legacy-capacity-never", &[ReadsOnce]);
    }
}

/// MMIO-LEG-04 -05 -11: a queue that is in use, or is none, is left alone.
#[test]
fn of_queues_that_are_not_to_be_used() {
    use Wrong::*;
    for transport in [PciLegacy, MmioLegacy] {
        judged(transport, "rng", "legacy-page-stuck", &[NoCheck, UsesBusy]);
        judged(transport, "rng", "legacy-size-0", &[NoSize]);
    }
}

/// VQ-SPLIT-04 -05: a driver that puts the used ring elsewhere gets no answer.
#[test]
fn a_ring_is_where_the_device_looks_for_it() {
    for transport in [PciLegacy, MmioLegacy] {
        for (wrong, is_lost) in [(Wrong::Nothing, false), (Wrong::Compact, true)] {
            let mut driver = Driver::new(transport, "rng", wrong);
            driver.serve();
            let lost = driver.logged(|event| event.to_string().ends_with("got no answer"));
            assert_eq!(lost, is_lost, "{transport:?} {wrong:?}");
        }
    }
}

/// All scenarios that are meant for these devices can be met by a driver that believes what it is
/// told: the device survives it.
#[test]
fn devices_survive_their_own_scenarios() {
    let names = scenario::all().map(|one| one.name);
    for name in names.filter(|name| name.contains("legacy")) {
        for transport in [PciLegacy, MmioLegacy] {
            for kind in ["rng", "blk"] {
                for wrong in [Wrong::Nothing, Wrong::NoCheck] {
                    Driver::meet(transport, kind, wrong, name);
                }
            }
        }
    }
}
