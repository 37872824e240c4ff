// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! `vdev DIRECTORY NAME=TYPE[,FEATURE...]...`: serves devices to QEMU.
//!
//! Each device has the socket `NAME.sock` in the directory, and its log in `NAME.log`. Features are
//! those of rings and transports that it offers, by their names in QEMU; without any, those of a
//! plain split ring. The program ends with its standard input.

use std::fs::File;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::ExitCode;
use vdev::{
    common::feature,
    devices,
    event::Log,
    machine::Machine,
    server::{
        serve,
        Shared, //
    },
};

/// The feature that is called so.
fn feature(name: &str) -> Option<u128> {
    Some(match name {
        "indirect_desc" => feature::INDIRECT,
        "event_idx" => feature::EVENT_IDX,
        "iommu_platform" => feature::ACCESS_PLATFORM,
        "packed" => feature::PACKED,
        "in_order" => feature::IN_ORDER,
        "queue_reset" => feature::RING_RESET,
        "suspend" => feature::SUSPEND,
        _ => return None,
    })
}

/// Serves a device in a thread of its own.
fn begin(directory: &Path, spec: &str) -> Result<(), String> {
    let (name, what) = spec.split_once('=').ok_or("a device is NAME=TYPE")?;
    let mut words = what.split(',');
    let kind = words.next().unwrap_or_default();
    let model = devices::by_name(kind).ok_or_else(|| format!("no device type {kind}"))?;
    let mut features = 0;
    for word in words {
        features |= feature(word).ok_or_else(|| format!("no feature {word}"))?;
    }
    let path = directory.join(name);
    let log = path.with_extension("log");
    let log = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let shared = Shared::start(Machine::new(model, features, Log::new(Some(Box::new(log)))));
    // It is there from the first on: who waits for it to be there can connect.
    let path = path.with_extension("sock");
    let listener =
        UnixListener::bind(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    std::thread::spawn(move || {
        if let Err(error) = serve(&listener, &shared) {
            eprintln!("vdev: {error}");
        }
    });
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(directory) = arguments.next() else {
        eprintln!("usage: vdev DIRECTORY NAME=TYPE[,FEATURE...]...");
        return ExitCode::from(2);
    };
    for spec in arguments {
        if let Err(error) = begin(Path::new(&directory), &spec) {
            eprintln!("vdev: {spec}: {error}");
            return ExitCode::FAILURE;
        }
    }
    // Nothing is to be read there; a failure is an end as well.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    ExitCode::SUCCESS
}
