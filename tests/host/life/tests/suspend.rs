// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Suspending devices by their status.

use life::{
    reg,
    Access,
    Answer,
    Device,
    Driver,
    Kind, //
};
use pure::bringup::{
    Failure,
    Progress,
    SUSPEND_TIMEOUT, //
};

/// A device at work that suspends and resumes like this.
fn working(suspend: Answer) -> (Device, Driver, Progress) {
    let device = Device::new(Kind {
        suspend,
        ..Kind::default()
    });
    let driver = Driver::new(&device);
    let (progress, _) = driver.probe(&[64]).expect("it comes up");
    device.forget();
    (device, driver, progress)
}

/// SUSP-02, SUSP-05, SUSP-06, RSV-23: the device has suspended itself when it shows SUSPEND and no DRIVER_OK, and has
/// resumed when it is the other way round; both are waited for.
#[test]
fn a_device_suspends_and_resumes() {
    let (device, driver, progress) = working(Answer::After(30));

    assert_eq!(progress.suspend(&driver), Ok(()));
    assert_eq!(device.status(), 0x1b);
    assert_eq!(device.waited(), 30);
    assert_eq!(device.written(reg::DEVICE_STATUS), [0x1f]);

    assert_eq!(progress.unsuspend(&driver), Ok(()));
    assert_eq!(device.status(), 0x0f);
    assert_eq!(device.waited(), 60);
    assert_eq!(progress.check(&driver), Ok(()));
    let other =
        |access: &Access| matches!(access, Access::Write(at, ..) if *at != reg::DEVICE_STATUS);
    assert!(!device.log().iter().any(other), "more than the status");
}

/// SUSP-07: a device may ask for a reset instead, which is noticed at once.
#[test]
fn a_device_can_fail_to_suspend_or_to_resume() {
    let (device, driver, progress) = working(Answer::NeedsReset);
    assert_eq!(progress.suspend(&driver), Err(Failure::Status));
    assert_eq!(device.waited(), 0);

    let (device, driver, progress) = working(Answer::After(0));
    assert_eq!(progress.suspend(&driver), Ok(()));
    device.change(|kind| kind.suspend = Answer::NeedsReset);
    assert_eq!(progress.unsuspend(&driver), Err(Failure::Status));
    assert_eq!(device.waited(), 0);
}

/// A device that does neither is not waited for longer than there is to be.
#[test]
fn a_device_that_does_nothing() {
    let (device, driver, progress) = working(Answer::Never);
    assert_eq!(progress.suspend(&driver), Err(Failure::Timeout));
    let waited = device.waited();
    assert!((SUSPEND_TIMEOUT..SUSPEND_TIMEOUT + 10).contains(&waited));

    device.change(|kind| kind.gone_at = Some(0));
    assert_eq!(progress.suspend(&driver), Err(Failure::Gone));
}

/// A device that lost its power while it was suspended is not resumed: it has to be brought up.
#[test]
fn a_device_that_forgot() {
    let (device, driver, progress) = working(Answer::After(0));
    assert_eq!(progress.suspend(&driver), Ok(()));
    let again = Driver::new(&device);
    pure::bringup::reset(&again).map(|_| ()).expect("it resets");
    device.forget();

    assert_eq!(progress.unsuspend(&driver), Err(Failure::Status));
    assert!(device.written(reg::DEVICE_STATUS).is_empty());
}

/// SUSP-01: what is not at work is not suspended.
#[test]
fn only_what_works_is_suspended() {
    let device = Device::new(Kind::default());
    let driver = Driver::new(&device);
    let quiet = pure::bringup::reset(&driver).expect("it resets");
    let (progress, _) = pure::bringup::negotiate(quiet, &driver, Ok).expect("it agrees");
    device.forget();

    assert_eq!(progress.suspend(&driver), Err(Failure::Status));
    assert!(device.written(reg::DEVICE_STATUS).is_empty());
}
