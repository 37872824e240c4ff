// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Interrupts.

use mmio::{
    access::reg,
    Access,
    Device,
    Kind, //
};
use pure::transport::{
    line::{
        Line,
        Verdict, //
    },
    mmio::interrupt, //
};
use std::cell::Cell;

/// What an interrupt is taken for, and whether queues were asked.
fn handle(device: &Device, line: &Line, now: u64, work: bool) -> (Verdict, bool) {
    let asked = Cell::new(false);
    let queues = || {
        asked.set(true);
        work
    };
    let verdict = line.interrupt(interrupt::take(device), now, queues);
    (verdict, asked.get())
}

/// MMIO-REG-19, MMIO-INT-01, MMIO-INT-03: the device is asked why it interrupts, and told that this was
/// noticed, which lets go of the line: of what was read, and nothing else.
#[test]
fn reasons_are_acknowledged() {
    for (reasons, expected) in [
        (1, (Verdict::Handled, true)),
        (2, (Verdict::Config, false)),
        (3, (Verdict::Config, true)),
    ] {
        let device = Device::new(Kind::default());
        device.interrupt(reasons);
        assert_eq!(handle(&device, &Line::new(), 0, true), expected);
        assert_eq!(
            device.log(),
            [
                Access::Read(reg::INTERRUPT_STATUS, 4),
                Access::Write(reg::INTERRUPT_ACK, 4, reasons),
            ]
        );
        assert!(!device.interrupts());
    }
}

/// MMIO-INT-03: what happens once the reasons were read, while the queues are looked at, interrupts
/// again.
#[test]
fn what_comes_meanwhile_is_not_lost() {
    for meanwhile in [1, 2] {
        let device = Device::new(Kind::default());
        device.interrupt(1);
        let queues = || {
            device.interrupt(meanwhile);
            true
        };
        Line::new().interrupt(interrupt::take(&device), 0, queues);
        assert!(device.interrupts());
    }
}

/// MMIO-REG-18, MMIO-REG-20, MMIO-REG-27: a device that has no reason did not interrupt. Bits that
/// nobody has defined are no reasons, and are not acknowledged. Nor did one that is gone.
#[test]
fn others_interrupts_are_left_to_them() {
    for status in [0, 4, 0xffff_fffc, 0x8000_0000, u32::MAX] {
        let device = Device::new(Kind {
            more_interrupts: status,
            ..Kind::default()
        });
        let result = handle(&device, &Line::new(), 0, true);
        assert_eq!(result, (Verdict::NotOurs, false));
        assert_eq!(device.log(), [Access::Read(reg::INTERRUPT_STATUS, 4)]);
    }
    // Beside a reason they do no harm.
    let device = Device::new(Kind {
        more_interrupts: 0xffff_fff0,
        ..Kind::default()
    });
    device.interrupt(1);
    assert_eq!(
        handle(&device, &Line::new(), 0, true),
        (Verdict::Handled, true)
    );
}

/// A device that never lets go of its line, without anything to show for it, does not keep the kernel
/// from switching the line off: it does so after 100000 interrupts of which hardly any was anybody's,
/// however long that takes.
#[test]
fn a_line_that_stays_asserted_is_given_up() {
    for stuck in [1, 2, 3] {
        for per_millisecond in [20, 1_000] {
            let device = Device::new(Kind {
                more_interrupts: stuck,
                ..Kind::default()
            });
            let line = Line::new();
            // The device is believed for a while, in the first 100000.
            let mut ours = [0; 5];
            for number in 0..500_000 {
                let block = usize::try_from(number / 100_000).unwrap_or(0);
                let now = number / per_millisecond;
                let (verdict, _) = handle(&device, &line, now, false);
                ours[block] += u32::from(verdict != Verdict::NotOurs);
                device.forget();
            }
            assert!(ours[0] <= 10_000, "{ours:?}");
            assert_eq!(ours[1..], [0; 4]);
        }
    }
}
