// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Interrupts on a line.

use pure::transport::line::{
    Line,
    Verdict, //
};
use std::cell::Cell;

/// PCI-ISR-03: zero is another device's interrupt, and so is what a device reads as that is gone, or
/// bits that nobody has defined; no queue is asked.
#[test]
fn others_interrupts_are_left_to_them() {
    let line = Line::new();
    for isr in [0x00, 0xff, 0x04, 0x80] {
        let verdict = line.interrupt(isr, 0, || panic!("no queue is asked"));
        assert_eq!(verdict, Verdict::NotOurs);
    }
}

/// PCI-ISR-04, PCI-ISR-05, PCI-CHG-01: one byte can say that queues have something and that the configuration
/// changed: both are dealt with.
#[test]
fn both_can_be_said_at_once() {
    let line = Line::new();
    let asked = Cell::new(0);
    let ask = || {
        asked.set(asked.get() + 1);
        true
    };
    assert_eq!(line.interrupt(3, 0, ask), Verdict::Config);
    assert_eq!(asked.get(), 1);
    assert_eq!(line.interrupt(1, 0, ask), Verdict::Handled);
    assert_eq!(asked.get(), 2);
    assert_eq!(line.interrupt(2, 0, ask), Verdict::Config);
    assert_eq!(asked.get(), 2);
}

/// An interrupt about nothing is the device's if it says so: its queues may just have been emptied.
#[test]
fn a_device_is_believed() {
    let line = Line::new();
    for now in 0..100_000 {
        assert_eq!(line.interrupt(1, now, || false), Verdict::Handled);
    }
}

/// A device that interrupts about nothing all the time does not keep the kernel from switching the
/// line off, which others may share.
#[test]
fn a_storm_is_not_ours() {
    let line = Line::new();
    let ours = (0..1_000_000)
        .filter(|_| line.interrupt(1, 5_000, || false) != Verdict::NotOurs)
        .count();
    assert!(ours <= 10_000, "{ours}");

    // It is over when there is work again, or the second is.
    assert_eq!(line.interrupt(1, 5_000, || true), Verdict::Handled);
    assert_eq!(line.interrupt(1, 5_000, || false), Verdict::Handled);
    for _ in 0..20_000 {
        line.interrupt(2, 5_000, || true);
    }
    assert_eq!(line.interrupt(2, 5_000, || true), Verdict::NotOurs);
    assert_eq!(line.interrupt(2, 6_001, || true), Verdict::Config);
}

/// The kernel switches a line off after 100000 interrupts of which hardly any was anybody's. On a slow
/// machine that takes longer than the second for which a device is believed: it is not believed anew
/// in each of them.
#[test]
fn a_storm_does_not_end_while_it_lasts() {
    for per_millisecond in [20, 1_000] {
        let line = Line::new();
        let ours = (0..500_000)
            .filter(|number| {
                line.interrupt(3, number / per_millisecond, || false) != Verdict::NotOurs
            })
            .count();
        assert!(ours <= 10_000, "{ours}");
    }
}
