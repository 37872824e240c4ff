// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Messages, memory, and the names of scenarios.

use device::{
    Memory,
    Violation, //
};
use std::fs::File;
use vdev::{
    dma::Map,
    scenario,
    vfio::{
        Fields,
        Header,
        HEADER,
        LIMIT, //
    },
};

/// A header's bytes.
fn header(size: u32) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..2].copy_from_slice(&7u16.to_ne_bytes());
    bytes[2..4].copy_from_slice(&9u16.to_ne_bytes());
    bytes[4..8].copy_from_slice(&size.to_ne_bytes());
    bytes
}

#[test]
fn headers_have_a_size_that_a_message_can_have() {
    let parsed = Header::parse(&header(20)).unwrap();
    assert_eq!((parsed.id, parsed.command, parsed.body()), (7, 9, 4));
    assert!(parsed.wants_reply());
    let too_long = u32::try_from(HEADER + LIMIT + 1).unwrap();
    for size in [0, 15, too_long, u32::MAX] {
        assert_eq!(Header::parse(&header(size)), None, "{size}");
    }
}

#[test]
fn answers_are_to_their_question() {
    let question = Header::parse(&header(16)).unwrap();
    let answer = question.reply(Ok(&[1, 2, 3]));
    let mut fields = Fields::new(&answer);
    assert_eq!((fields.u16(), fields.u16()), (Some(7), Some(9)));
    assert_eq!(
        (fields.u32(), fields.u32(), fields.u32()),
        (Some(19), Some(1), Some(0))
    );
    assert_eq!(fields.rest(), [1, 2, 3]);

    let answer = question.reply(Err(22));
    let mut fields = Fields::new(&answer[4..]);
    assert_eq!(
        (fields.u32(), fields.u32(), fields.u32()),
        (Some(16), Some(0x21), Some(22))
    );
    assert_eq!(fields.u32(), None);
}

/// That nothing is at an address.
fn nowhere<T>(addr: u64) -> Result<T, Violation> {
    Err(Violation::Address(addr))
}

/// A file of some pages, without a name.
fn file(bytes: u64) -> File {
    let path = std::env::temp_dir().join(format!("vdev-{}", std::process::id()));
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path);
    let file = file.unwrap();
    std::fs::remove_file(path).unwrap();
    file.set_len(bytes).unwrap();
    file
}

#[test]
fn memory_is_reached_where_it_is_mapped_only() {
    let map = Map::default();
    map.map(0x1000, 0x2000, Some((file(0x3000), 0x1000)), true)
        .unwrap();
    map.map(0x3000, 0x1000, Some((file(0x1000), 0)), false)
        .unwrap();
    map.map(0x9000, 0x1000, None, true).unwrap();

    map.write(0x1fff, &[1, 2]).unwrap();
    assert_eq!(map.read16(0x2000), Ok(2));
    map.write32(0x2ffc, 0x1234_5678).unwrap();
    let mut bytes = [9; 8];
    // Across two mappings.
    map.read(0x2ffc, &mut bytes).unwrap();
    assert_eq!(bytes, [0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0]);

    assert_eq!(
        map.write(0x2fff, &[1, 2]),
        nowhere(0x3000),
        "not for writing"
    );
    assert_eq!(map.write16(0x3000, 1), nowhere(0x3000));
    assert_eq!(map.read16(0xffe), nowhere(0xffe), "before the first");
    assert_eq!(
        map.read(0x3ffe, &mut [0; 4]),
        nowhere(0x4000),
        "behind the last"
    );
    assert_eq!(map.read16(0x9000), nowhere(0x9000), "no memory");
    assert_eq!(map.read16(u64::MAX - 1), nowhere(u64::MAX - 1));
    assert_eq!(map.read16(0x1001), Err(Violation::Alignment(0x1001)));

    assert_eq!(map.unmap(0x1000, 0x1fff), 0, "not all of it");
    assert_eq!(map.unmap(0, 0x3000), 1);
    assert_eq!(map.read16(0x1000), nowhere(0x1000));
    assert_eq!(map.read16(0x3000), Ok(0));
}

#[test]
fn scenarios_have_names_of_their_own_that_fit() {
    let mut names: Vec<&str> = scenario::all().map(|scenario| scenario.name).collect();
    for name in &names {
        assert!("scenario ".len() + name.len() < 64, "{name}");
        assert!(scenario::by_name(name).is_some());
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(scenario::by_name("of no such name").is_none());
}
