// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Verdicts pass what a good driver does, and nothing else: each is given the log of such a driver,
//! and then logs that differ from it in one thing.

use vdev::{
    common::{
        feature,
        reg, //
    },
    event::{
        Event,
        Structure, //
    },
    pci::cap,
    scenario::{
        self,
        Verdict, //
    },
};

/// A register of the common configuration.
fn common(at: u64) -> (Structure, u64) {
    (Structure::Common, at)
}

/// A field of the configuration.
fn config(at: u64) -> (Structure, u64) {
    (Structure::Device, at)
}

/// A request of a disk.
fn request(kind: u32, sector: u64, out: u64, room: u64) -> Event {
    Event::Request(format!(
        "{kind} sector {sector} out {out} in {room} segments 1 longest 4096 open 0"
    ))
}

/// Something that is done to the device from outside.
fn done(what: &str) -> Event {
    Event::Note(format!("do {what}"))
}

/// What a driver does until the device works, accepting these features.
fn start(features: u128) -> Vec<Event> {
    let mut log: Vec<Event> = [cap::COMMON, cap::NOTIFY, cap::ISR, cap::DEVICE]
        .into_iter()
        .flat_map(|at| [3, 8, 12].map(|field| Event::Capability(false, at + field, 4)))
        .collect();
    log.push(Event::Map(0xffff_0000, 0x3000));
    log.extend([Event::Status(0), Event::Reset]);
    log.extend([Event::Status(1), Event::Status(3)]);
    for word in 0..4 {
        let bits = u64::try_from(features >> (32 * word) & 0xffff_ffff).unwrap();
        log.push(Event::Write(common(reg::DRIVER_FEATURE_SELECT), 4, word));
        log.push(Event::Write(common(reg::DRIVER_FEATURE), 4, bits));
    }
    log.push(Event::Status(11));
    log.push(Event::Read(config(0), 4, 131_072));
    log.push(Event::Read(config(4), 4, 0));
    for (at, place) in [0x20, 0x28, 0x30].into_iter().zip(0xffff_0000u64..) {
        log.push(Event::Write(common(at), 4, place));
        log.push(Event::Write(common(at + 4), 4, 0));
    }
    log.extend([Event::Enabled(0, 8), Event::Status(15)]);
    log
}

/// What a device is used for, once.
fn use_once() -> Vec<Event> {
    vec![
        Event::Kick(0),
        Event::Taken(0, 0, 0, 64),
        Event::Used(0, 0, 64),
        Event::Interrupt(Some(1)),
    ]
}

/// All that a driver has to accept here.
const LEAST: u128 = feature::VERSION_1 | feature::ACCESS_PLATFORM;

/// A log in parts.
fn log(parts: &[Vec<Event>]) -> Vec<Event> {
    parts.concat()
}

/// The verdict of a scenario.
fn verdict(name: &str, events: &[Event]) -> Verdict {
    (scenario::by_name(name).expect(name).verdict)(events)
}

/// The good log passes; with each of these put behind its first event like `after`, it does not.
fn check(name: &str, good: &[Event], wrong: &[(Event, Event)]) {
    verdict(name, good).unwrap_or_else(|what| panic!("{name}: {what}"));
    let broken = Event::Violation("of a rule".into());
    assert!(verdict(name, &log(&[good.to_vec(), vec![broken]])).is_err() || name.contains("phys"));
    for (after, what) in wrong {
        let at = good.iter().position(|event| event == after);
        let mut events = good.to_vec();
        events.insert(at.expect("the log has it") + 1, what.clone());
        assert!(verdict(name, &events).is_err(), "{name}: {what}");
    }
}

/// Without any of these the log does not pass.
fn needs(name: &str, good: &[Event], needed: impl Fn(&Event) -> bool) {
    let mut events = good.to_vec();
    events.retain(|event| !needed(event));
    assert_ne!(events.len(), good.len());
    assert!(verdict(name, &events).is_err(), "{name}");
}

#[test]
fn of_the_order() {
    let good = log(&[
        start(LEAST),
        use_once(),
        vec![Event::Status(0), Event::Reset],
    ]);
    let kick = Event::Kick(0);
    check(
        "order",
        &good,
        &[
            // A step left out, done twice, or taken back.
            (Event::Status(3), Event::Status(7)),
            (Event::Status(11), Event::Status(3)),
            (Event::Status(15), Event::Status(0x8f)),
            // Too early.
            (Event::Status(11), kick.clone()),
            (Event::Status(3), Event::Taken(0, 0, 0, 64)),
            (Event::Status(1), Event::Read(config(32), 1, 1)),
            (Event::Status(3), Event::Write(config(32), 1, 1)),
            // Never.
            (kick, Event::Read((Structure::Isr, 0), 1, 0)),
            (Event::Status(15), Event::Capability(true, 0x5c, 1)),
        ],
    );
    needs("order", &good, |event| matches!(event, Event::Kick(_)));
    needs("order", &good, |event| matches!(event, Event::Interrupt(_)));
    for at in [cap::COMMON, cap::NOTIFY, cap::ISR, cap::DEVICE] {
        needs(
            "order",
            &good,
            |event| matches!(event, Event::Capability(false, offset, _) if *offset == at + 8),
        );
    }
    let mut early = good.clone();
    early.insert(0, Event::Read(common(reg::STATUS), 1, 0));
    assert!(verdict("order", &early).is_err(), "registers come first");
}

#[test]
fn of_the_interrupt_line() {
    let asked = |value| Event::Read((Structure::Isr, 0), 1, value);
    let grow = done("grow");
    let good = log(&[
        start(LEAST),
        vec![Event::Kick(0), Event::Interrupt(None), asked(1), asked(0)],
        vec![grow.clone(), Event::Interrupt(None), asked(2)],
        vec![Event::Read(config(0), 4, 262_144)],
    ]);
    check(
        "line",
        &good,
        &[
            (Event::Kick(0), Event::Interrupt(Some(0))),
            (Event::Kick(0), asked(1)),
            (asked(2), Event::Interrupt(None)),
        ],
    );
    needs("line", &good, |event| *event == asked(1));
    needs("line", &good, |event| *event == asked(2));
    needs("line", &good, |event| *event == grow);
    needs("line", &good, |event| {
        *event == Event::Read(config(0), 4, 262_144)
    });
}

#[test]
fn of_what_a_device_keeps() {
    let unmap = || Event::Unmap(0xffff_0000, 4096);
    let good = log(&[
        start(LEAST),
        vec![Event::Kick(0), Event::Taken(0, 0, 0, 64), Event::Status(0)],
        vec![Event::Reset, unmap(), unmap()],
    ]);
    check("kept", &good, &[(Event::Taken(0, 0, 0, 64), unmap())]);
    needs("kept", &good, |event| *event == unmap());
    needs("kept", &good, |event| *event == Event::Reset);
    needs("kept", &good, |event| matches!(event, Event::Taken(..)));
}

#[test]
fn of_what_is_accepted() {
    for (name, wrong) in [
        ("bare", 1 << 29),
        ("generator-offers-all", 1 << 5),
        ("generator-offers-all", 1 << 41),
        ("generator-offers-all", 1 << 64),
        ("disk-offers-all", 1 << 18),
        ("disk-offers-all", 1 << 17),
        ("disk-offers-all", 1 << 27),
        ("disk-offers-all", 1 << 127),
    ] {
        let accepting = |features| {
            let mut events = log(&[start(features), use_once()]);
            events.retain(|event| !matches!(event, Event::Read((Structure::Device, _), ..)));
            events
        };
        check(name, &accepting(LEAST), &[]);
        needs(name, &accepting(LEAST), |event| {
            matches!(event, Event::Used(..))
        });
        // It is so when the driver has gone as well.
        for gone in [vec![], vec![Event::Status(0), Event::Reset]] {
            let right = log(&[accepting(LEAST), gone.clone()]);
            assert_eq!(verdict(name, &right), Ok(()), "{name}");
            let wrong = log(&[accepting(LEAST | wrong), gone]);
            assert!(verdict(name, &wrong).is_err(), "{name}");
        }
    }
    let mut good = log(&[start(LEAST), use_once()]);
    check(
        "disk-offers-all",
        &good,
        &[
            (Event::Kick(0), request(2, 0, 16, 0)),
            (Event::Kick(0), request(5, 0, 16, 0)),
            (Event::Kick(0), request(28, 0, 16, 0)),
            (
                Event::Status(11),
                Event::Read(common(reg::ADMIN_QUEUE_NUM), 2, 0xffff),
            ),
        ],
    );
    assert!(verdict("generator-offers-all", &good).is_err());
    good.retain(|event| !matches!(event, Event::Read((Structure::Device, _), ..)));
    check("generator-offers-all", &good, &[]);
}

#[test]
fn of_data_of_vendors_and_odd_sizes() {
    let mut good = log(&[start(LEAST), use_once()]);
    good.insert(0, Event::Capability(false, cap::PCI_CFG + 2, 2));
    let reset = Event::Reset;
    check(
        "vendor-data",
        &good,
        &[
            (reset.clone(), Event::Capability(false, cap::PCI_CFG + 4, 4)),
            (reset.clone(), Event::Capability(false, cap::PCI_CFG + 8, 4)),
            (reset, Event::Capability(true, cap::PCI_CFG + 8, 4)),
        ],
    );
    needs("vendor-data", &good, |event| {
        *event == Event::Capability(false, cap::PCI_CFG + 2, 2)
    });
    check(
        "odd-size",
        &good,
        &[(Event::Status(11), Event::Enabled(0, 12))],
    );
    let packed = log(&[start(LEAST | feature::PACKED), use_once()]);
    assert!(verdict("odd-size", &packed).is_err());
}

#[test]
fn of_addresses() {
    let good = log(&[start(LEAST), use_once()]);
    check(
        "bus-addresses",
        &good,
        &[(Event::Status(3), Event::Unmap(0xffff_0000, 0x3000))],
    );
    needs("bus-addresses", &good, |event| {
        matches!(event, Event::Map(..))
    });
    let without = log(&[start(feature::VERSION_1), use_once()]);
    assert!(verdict("bus-addresses", &without).is_err());
    assert!(verdict("physical-addresses", &without).is_err(), "mapped");

    let physical: Vec<Event> = without
        .into_iter()
        .filter(|event| !matches!(event, Event::Map(..)))
        .map(|event| match event {
            Event::Write(at, 4, value) if value >= 0xffff_0000 => {
                Event::Write(at, 4, value - 0xf000_0000)
            }
            event => event,
        })
        .collect();
    let high: Vec<Event> = physical
        .iter()
        .map(|event| match event {
            Event::Write(at, 4, value) if *value >= 0xfff_0000 => {
                Event::Write(*at, 4, value + 0xf000_0000)
            }
            event => event.clone(),
        })
        .collect();
    check(
        "physical-addresses",
        &physical,
        &[(Event::Status(3), Event::Map(0xffff_0000, 4096))],
    );
    assert!(verdict("physical-addresses", &high).is_err());

    let requests = [0, 1].map(|kind| request(kind, 0, 0, 0));
    let good = log(&[start(LEAST), requests.to_vec()]);
    let open = Event::Request("1 sector 0 out 512 in 0 segments 1 longest 512 open 1".into());
    check("blk-directions", &good, &[(Event::Status(15), open)]);
    for missing in requests {
        needs("blk-directions", &good, |event| *event == missing);
    }
}

#[test]
fn of_capacity() {
    let last = request(0, 131_064, 0, 4096);
    let good = log(&[start(LEAST), vec![last.clone()]]);
    for name in ["blk-end", "blk-4k"] {
        let behind = request(1, 131_071, 1024, 0);
        check(name, &good, &[(Event::Status(15), behind)]);
        needs(name, &good, |event| *event == last);
        // Sectors of 4096 bytes.
        let fewer = log(&[start(LEAST), vec![request(0, 16_383, 0, 4096)]]);
        assert!(verdict(name, &fewer).is_err());
    }

    let change = |what, sectors| {
        vec![
            done(what),
            Event::Interrupt(Some(0)),
            Event::Read(config(0), 4, sectors),
            Event::Read(config(4), 4, 0),
        ]
    };
    let good = log(&[
        start(LEAST),
        vec![last.clone()],
        change("shrink", 32_768),
        vec![request(0, 0, 0, 4096)],
        change("empty", 0),
    ]);
    let behind = Event::Read(config(0), 4, 32_768);
    check("blk-changes", &good, &[(behind.clone(), last)]);
    needs("blk-changes", &good, |event| *event == behind);
    needs("blk-changes", &good, |event| {
        *event == Event::Interrupt(Some(0))
    });
    needs("blk-changes", &good, |event| {
        matches!(event, Event::Note(_))
    });
}

#[test]
fn of_a_change_and_a_reset() {
    let both = done("grow-and-reset");
    let again = start(LEAST);
    let good = log(&[
        start(LEAST),
        vec![both.clone(), Event::Interrupt(Some(0))],
        again.clone(),
        use_once(),
    ]);
    let name = "blk-changes-and-resets";
    check(name, &good, &[(both, Event::Interrupt(Some(0)))]);
    needs(name, &good, |event| matches!(event, Event::Interrupt(_)));
    needs(name, &good, |event| *event == Event::Reset);
    needs(name, &good, |event| matches!(event, Event::Used(..)));
    needs(name, &good, |event| {
        matches!(event, Event::Read((Structure::Device, 0), ..))
    });
}

#[test]
fn of_requests() {
    let read = request(0, 0, 0, 512);
    let good = log(&[start(LEAST), vec![read.clone(), request(8, 0, 0, 20)]]);
    for kind in [1, 4, 13] {
        let wrong = (Event::Status(15), request(kind, 0, 0, 0));
        check("blk-read-only", &good, &[wrong]);
    }
    needs("blk-read-only", &good, |event| *event == read);

    let lifetime = request(10, 0, 0, 6);
    let good = log(&[start(LEAST), vec![lifetime.clone()]]);
    for name in ["blk-lifetime", "blk-short-lifetime"] {
        check(name, &good, &[]);
        needs(name, &good, |event| *event == lifetime);
    }

    let [kept, lost] = [0, 1].map(|flags| Event::Note(format!("range of type 13 flags {flags}")));
    let several = request(11, 0, 64, 0);
    let ranges = [
        several.clone(),
        request(13, 0, 16, 0),
        request(14, 0, 16, 0),
    ];
    let mut good = log(&[
        start(LEAST),
        ranges.to_vec(),
        vec![kept.clone(), lost.clone()],
    ]);
    check("blk-ranges", &good, &[]);
    for missing in ranges.iter().chain([&kept, &lost]) {
        needs("blk-ranges", &good, |event| event == missing);
    }
    good.retain(|event| *event != lost);
    check("blk-ranges-kept", &good, &[(several, lost)]);
    needs("blk-ranges-kept", &good, |event| *event == kept);

    let mut all: Vec<Event> = (1..9).map(|n| request(1, 0, 512 * n, 0)).collect();
    all.extend([0, 4, 8].map(|kind| request(kind, 0, 0, 0)));
    let good = log(&[start(LEAST), all.clone()]);
    check("blk-shapes", &good, &[]);
    for missing in all.iter().skip(8).chain(&all[..1]) {
        needs("blk-shapes", &good, |event| event == missing);
    }
}

#[test]
fn of_caches() {
    let (write, flush) = (request(1, 0, 4096, 0), request(4, 0, 0, 0));
    let mode = config(32);
    let none = log(&[start(LEAST), vec![write.clone()]]);
    let read = (Event::Status(15), Event::Read(mode, 1, 1));
    check(
        "blk-no-cache",
        &none,
        &[(Event::Status(15), flush.clone()), read.clone()],
    );
    needs("blk-no-cache", &none, |event| *event == write);

    let good = log(&[start(LEAST), vec![write.clone(), flush.clone()]]);
    check(
        "blk-fixed-cache",
        &good,
        &[read, (flush.clone(), write.clone())],
    );
    needs("blk-fixed-cache", &good, |event| *event == flush);

    let told = |value| Event::Write(mode, 1, value);
    let good = log(&[
        start(LEAST),
        vec![write.clone(), told(0), flush.clone(), write.clone()],
        vec![told(1), flush.clone()],
    ]);
    check("blk-switched-cache", &good, &[(told(0), write)]);
    needs("blk-switched-cache", &good, |event| *event == told(0));
    needs("blk-switched-cache", &good, |event| *event == told(1));
    needs("blk-switched-cache", &good, |event| *event == flush);
}

#[test]
fn of_zones() {
    let (report, append) = (request(16, 0, 0, 4096), request(15, 8192, 4096, 8));
    // VIRTIO_BLK_F_ZONED.
    let good = log(&[start(LEAST | 1 << 17), vec![report.clone(), append.clone()]]);
    let none = log(&[start(LEAST), vec![report.clone(), append.clone()]]);
    for scenario in ["zoned-few", "zoned-append"] {
        check(scenario, &good, &[]);
        needs(scenario, &good, |event| *event == report);
        assert!(verdict(scenario, &none).is_err(), "{scenario}");
    }
    needs("zoned-append", &good, |event| *event == append);
}
