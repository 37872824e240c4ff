// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices that the user names.

use pure::transport::mmio::parameter::{
    Error,
    Place,
    Places, //
};

/// What becomes of one text.
fn parsed(text: &str) -> Result<Place, Error> {
    let mut places = Places::new();
    places.add(text.as_bytes())?;
    let place = *places.iter().next().expect("it was added");
    assert_eq!(places.iter().count(), 1);
    Ok(place)
}

/// What is shown of them.
fn shown(places: &Places) -> String {
    let mut text = String::new();
    places.show(&mut text).expect("a string takes all");
    text
}

#[test]
fn numbers_are_decimal_octal_or_hexadecimal_with_units_of_size() {
    let place = Place {
        base: 0xfeb0_0000,
        size: 512,
        irq: 5,
        id: 0,
    };
    assert_eq!(parsed("512@0xfeb00000:5"), Ok(place));
    assert_eq!(parsed("0x200@4272947200:0x5"), Ok(place));
    assert_eq!(parsed("01000@0XFEB00000:05:0"), Ok(place));
    let sized = |text: &str| parsed(&format!("{text}@0:1")).map(|place| place.size);
    assert_eq!(sized("4K"), Ok(4096));
    assert_eq!(sized("0x10k"), Ok(16384));
    assert_eq!(sized("1M"), Ok(1 << 20));
    assert_eq!(sized("2g"), Ok(2 << 30));
    assert_eq!(sized("17179869184G"), Err(Error::Form));
}

#[test]
fn a_device_without_a_number_gets_the_next_one() {
    let mut places = Places::new();
    for text in ["1@0:1", "1@1:1", "1@2:1:7", "1@3:1"] {
        assert_eq!(places.add(text.as_bytes()), Ok(()));
    }
    let ids: Vec<u32> = places.iter().map(|place| place.id).collect();
    assert_eq!(ids, [0, 1, 7, 8]);
}

#[test]
fn the_number_after_the_largest_is_0() {
    let mut places = Places::new();
    assert_eq!(places.add(b"1@0:1:2147483647"), Ok(()));
    assert_eq!(places.add(b"1@1:1"), Ok(()));
    assert_eq!(places.iter().last().map(|place| place.id), Some(0));
}

#[test]
fn two_devices_have_not_the_same_number() {
    let mut places = Places::new();
    assert_eq!(places.add(b"1@0:1:4"), Ok(()));
    assert_eq!(places.add(b"1@1:1:3"), Ok(()));
    for text in ["1@2:1:3", "1@2:1", "1@2:1:4"] {
        assert_eq!(places.add(text.as_bytes()), Err(Error::Taken), "{text}");
    }
    assert_eq!(places.iter().count(), 2);
}

#[test]
fn what_is_shown_can_be_given_again() {
    let mut places = Places::new();
    for text in [
        "4K@0xd0000000:9",
        "512@0xfeb00000:5:3",
        "0x200@0xffffffffffff0000:31",
    ] {
        assert_eq!(places.add(text.as_bytes()), Ok(()));
    }
    let text = shown(&places);
    assert_eq!(
        text,
        "0x1000@0xd0000000:9:0\n0x200@0xfeb00000:5:3\n0x200@0xffffffffffff0000:31:4\n"
    );
    let mut again = Places::new();
    for line in text.lines() {
        assert_eq!(again.add(line.as_bytes()), Ok(()));
    }
    assert_eq!(shown(&again), text);
}

#[test]
fn what_is_not_of_that_form_is_refused() {
    for text in [
        "",
        "512",
        "512@",
        "@0:1",
        "512@0",
        "512@0:",
        "512@0:x",
        "512@0x:1",
        "512@0:1:",
        "512@0:1:x",
        "512@0:1:1:1",
        "512@0:1 ",
        " 512@0:1",
        "-512@0:1",
        "512@-1:1",
        "512@0:-1",
        "512@0:1:-1",
        "512KK@0:1",
        "09@0:1",
        "512@0:4294967296",
        "512@0:1:2147483648",
        "18446744073709551616@0:1",
        "512@0x10000000000000000:1",
    ] {
        assert_eq!(parsed(text), Err(Error::Form), "{text}");
    }
}

#[test]
fn registers_have_addresses_and_interrupts_are_not_0() {
    assert_eq!(parsed("0@0:1"), Err(Error::Range));
    assert_eq!(parsed("2@0xffffffffffffffff:1"), Err(Error::Range));
    assert!(parsed("1@0xffffffffffffffff:1").is_ok());
    assert_eq!(parsed("512@0:0"), Err(Error::Irq));
}

#[test]
fn all_that_can_be_named_can_be_shown_in_a_page() {
    let mut places = Places::new();
    let longest = |id: usize| format!("0xffffffffffffffff@0x0:4294967295:{}", 2147483647 - id);
    for id in 0..Places::MAX {
        assert_eq!(places.add(longest(id).as_bytes()), Ok(()));
    }
    assert_eq!(places.add(b"1@0:1:5"), Err(Error::Full));
    // Both cannot be long: registers end below the end of addresses.
    assert!(shown(&places).len() < 4096);
    assert_eq!(places.iter().count(), Places::MAX);
}
