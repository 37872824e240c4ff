// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Telling devices their interrupt vectors.

use life::{
    reg,
    Access,
    Device,
    Driver,
    Kind, //
};
use pure::transport::pci::{
    common::NO_VECTOR,
    vectors::{
        clear,
        Plan, //
    }, //
};

/// The first plan that a device with room for so many vectors takes for two queues.
fn plan(device: &Device) -> Option<Plan> {
    let driver = Driver::new(device);
    Plan::ALL
        .into_iter()
        .find(|plan| plan.program(&driver.common, 2))
}

/// A device of two queues with room for so many vectors.
fn device(vectors: u32) -> Device {
    Device::new(Kind {
        vectors,
        ..Kind::default()
    })
}

/// PCI-MSIX-02, PCI-MSIX-06: a device that does not take a vector for each queue gets a shared one; one that does
/// not take that, none at all.
#[test]
fn fewer_vectors_are_tried() {
    let roomy = device(3);
    assert_eq!(plan(&roomy), Some(Plan::PerQueue));
    assert_eq!(roomy.queue(1).vector, Some(2));

    for vectors in [2, 3] {
        let tight = device(vectors);
        tight.change(|kind| kind.vectors = 2);
        assert_eq!(plan(&tight), Some(Plan::Shared));
        assert_eq!(tight.config_vector(), Some(0));
        assert_eq!(tight.queue(0).vector, Some(1));
        assert_eq!(tight.queue(1).vector, Some(1));
    }

    for vectors in [0, 1] {
        let full = device(vectors);
        assert_eq!(plan(&full), Some(Plan::Line));
        assert_eq!(full.config_vector(), None);
        assert_eq!(full.queue(0).vector, None);
    }
}

/// A plan that fails leaves no vector behind.
#[test]
fn what_fails_is_undone() {
    let device = device(2);
    assert!(!Plan::PerQueue.program(&Driver::new(&device).common, 2));

    assert_eq!(device.config_vector(), None);
    assert_eq!(device.queue(0).vector, None);
    assert_eq!(device.queue(1).vector, None);
}

/// Queues that are polled come after the others, and have no vector in any plan; nor does the device
/// need room for any.
#[test]
fn polled_queues_have_no_vector() {
    for (plan, first) in [
        (Plan::PerQueue, Some(1)),
        (Plan::Shared, Some(1)),
        (Plan::Line, None),
    ] {
        let device = device(2);
        let driver = Driver::new(&device);
        assert!(plan.program_all(&driver.common, 1, 1), "{plan:?}");
        assert_eq!(device.queue(0).vector, first, "{plan:?}");
        assert_eq!(device.queue(1).vector, None, "{plan:?}");
        let written = device.written(reg::QUEUE_MSIX_VECTOR);
        assert_eq!(written.last(), Some(&NO_VECTOR.into()), "{plan:?}");
        assert_eq!(written.len(), 2, "{plan:?}");
    }
}

/// What a device was told is told again after a reset, which makes it forget.
#[test]
fn vectors_can_be_cleared() {
    let device = device(3);
    let driver = Driver::new(&device);
    assert!(Plan::PerQueue.program(&driver.common, 2));
    clear(&driver.common, 2);
    assert_eq!(device.config_vector(), None);
    assert_eq!(
        device.written(reg::QUEUE_MSIX_VECTOR),
        [1, 2, NO_VECTOR.into(), NO_VECTOR.into()]
    );
}

/// No queue gets the number that means that there is none.
#[test]
fn no_vector_is_no_vector() {
    assert_eq!(Plan::PerQueue.queue(0), Some(1));
    assert_eq!(Plan::PerQueue.queue(0xfffd), Some(0xfffe));
    assert_eq!(Plan::PerQueue.queue(0xfffe), None);
    assert_eq!(Plan::PerQueue.queue(0xffff), None);
    assert_eq!(Plan::PerQueue.count(0xffff), 0x10000);
    assert_eq!(Plan::Shared.queue(0xffff), Some(1));
    assert_eq!(Plan::Line.queue(3), Some(NO_VECTOR));
}

/// PCI-MSIX-01: whatever the size of the table, there is a way for the device to interrupt: one that
/// has room for more vectors is told no more of them than are of use.
#[test]
fn any_size_of_the_table_will_do() {
    for vectors in 0..=0x800 {
        for queues in [1, 2, 3, 0x7fe, 0x7ff] {
            let device = device(vectors);
            let common = Driver::new(&device).common;
            let fits = |plan: &Plan| *plan == Plan::Line || plan.count(queues) <= vectors;
            let tried = Plan::ALL
                .into_iter()
                .find(|plan| plan.program(&common, queues));
            let best = Plan::ALL.into_iter().find(fits);
            assert_eq!(tried, best, "{vectors} vectors for {queues} queues");
        }
    }
}

/// PCI-MSIX-04: no event gets a vector beyond those that were asked for, which are no more than the
/// table has. PCI-MSIX-05: after a vector is written it is read back, before anything else.
#[test]
fn vectors_are_in_the_table_and_read_back() {
    let registers = [reg::CONFIG_MSIX_VECTOR, reg::QUEUE_MSIX_VECTOR];
    for plan in Plan::ALL {
        for queues in 1..40 {
            let device = device(u32::MAX);
            let driver = Driver::new(&device);
            assert!(plan.program(&driver.common, queues));
            assert!(plan.program_queue(&driver.common, queues - 1));
            clear(&driver.common, queues);

            let log = device.log();
            let mut count = 0;
            for (at, access) in log.iter().enumerate() {
                let Access::Write(register, width, vector) = *access else {
                    continue;
                };
                if !registers.contains(&register) {
                    continue;
                }
                let known = vector < plan.count(queues) || vector == NO_VECTOR.into();
                assert!(known, "{plan:?}: vector {vector} of {queues} queues");
                assert_eq!(log.get(at + 1), Some(&Access::Read(register, width)));
                count += 1;
            }
            assert!(count > 2 * queues, "each has one");
        }
    }
}
