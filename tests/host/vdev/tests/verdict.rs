// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a device says of its driver.

use vdev::{
    devices,
    event::Log,
    machine::Machine,
    pci, //
};

#[test]
fn a_violation_that_is_known_can_be_left_out() {
    let mut machine = Machine::new(devices::by_name("rng").unwrap(), 0, Log::new(None));
    assert_eq!(machine.command("verdict"), "pass");
    machine.write(pci::at::ISR.0, 1, 0);
    let wrong = "fail: violation write of the ISR status";
    assert_eq!(machine.command("verdict"), wrong);
    assert_eq!(machine.command("verdict but read"), wrong);
    assert_eq!(machine.command("verdict but write of the ISR"), "pass");

    // Another one is not hidden by it.
    machine.read(0xfff0, 4);
    let other = "fail: violation read of 0xfff0, where nothing is";
    assert_eq!(machine.command("verdict but write of the ISR"), other);
}
