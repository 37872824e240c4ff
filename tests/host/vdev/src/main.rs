// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! `vdev DIRECTORY NAME=TYPE[,FEATURE...]...`: serves devices to QEMU.
//!
//! Each device has the socket `NAME.sock` in the directory, and its log in `NAME.log`. Features are
//! those of rings and transports that it offers, by their names in QEMU; without any, those of a
//! plain split ring. The words `mmio`, `mmio-legacy`, `legacy` and `transitional`
//! are of another [`Transport`], and with `legacy` a word such as `bar-short` is of another [`Bar`]. Network devices
//! with the word `peer` are joined, the first with the second and so on; one without is joined with a
//! station that answers. The program ends with its standard input.

use std::fs::File;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{
    sync_channel,
    Receiver,
    SyncSender, //
};
use vdev::{
    devices::{
        self,
        net::Far,
        Net, //
    },
    event::Log,
    machine::Machine,
    model::Model,
    server::{
        serve,
        Shared, //
    },
    state::feature,
    transport::{
        Bar,
        Transport, //
    }, //
};

/// The feature that is called so.
fn feature(name: &str) -> Option<u128> {
    Some(match name {
        "any_layout" => feature::ANY_LAYOUT,
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

/// Frames that are on their way between two devices at most.
const ON_THE_WAY: usize = 64;

/// An end of a wire: where frames go, and where they come from.
type End = (SyncSender<Vec<u8>>, Receiver<Vec<u8>>);

/// A device, and where frames come from for it.
type Device = (Box<dyn Model>, Option<Receiver<Vec<u8>>>);

/// Both ends of a wire.
fn wire() -> (End, End) {
    let (to_left, left) = sync_channel(ON_THE_WAY);
    let (to_right, right) = sync_channel(ON_THE_WAY);
    ((to_right, left), (to_left, right))
}

/// Devices that are to be served.
#[derive(Default)]
struct Bench {
    /// How many there were.
    count: u8,
    /// The end of a wire whose other end is some device's.
    loose: Option<End>,
}

impl Bench {
    /// A device of a type.
    fn device(&mut self, kind: &str, is_peer: bool) -> Option<Device> {
        let number = self.count;
        self.count = self.count.wrapping_add(1);
        if kind != "net" {
            return (!is_peer).then_some((devices::by_name(kind)?, None));
        }
        if !is_peer {
            return Some((Box::new(Net::new(number, Far::Station)), None));
        }
        let (to, from) = self.loose.take().unwrap_or_else(|| {
            let (one, other) = wire();
            self.loose = Some(other);
            one
        });
        Some((Box::new(Net::new(number, Far::Peer(to))), Some(from)))
    }

    /// Serves a device in a thread of its own.
    fn begin(&mut self, directory: &Path, spec: &str) -> Result<(), String> {
        let (name, what) = spec.split_once('=').ok_or("a device is NAME=TYPE")?;
        let mut words: Vec<&str> = what.split(',').collect();
        let kind = words.remove(0);
        let before = words.len();
        words.retain(|word| *word != "peer");
        let is_peer = words.len() != before;
        let transports: Vec<Transport> = words
            .iter()
            .filter_map(|word| Transport::by_name(word))
            .collect();
        words.retain(|word| Transport::by_name(word).is_none());
        let transport = transports.last().copied().unwrap_or_default();
        let bar = words.iter().find_map(|word| Bar::by_name(word));
        words.retain(|word| Bar::by_name(word).is_none());
        if bar.is_some() && transport != Transport::PciLegacy {
            return Err("another BAR 0 is for legacy devices".into());
        }
        if transport.has_legacy() && kind == "net" {
            // Its header is another one then (5.1.9.1).
            return Err("no legacy interface of net".into());
        }
        let device = self.device(kind, is_peer);
        let (model, from) = device.ok_or_else(|| format!("no device type {kind}"))?;
        let mut features = 0;
        for word in words {
            features |= feature(word).ok_or_else(|| format!("no feature {word}"))?;
        }
        let path = directory.join(name);
        let log = path.with_extension("log");
        let log = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let log = Log::new(Some(Box::new(log)));
        let shared = Shared::start(
            Machine::on(transport, model, features, log).with_bar(bar.unwrap_or_default()),
        );
        if let Some(from) = from {
            let shared = shared.clone();
            std::thread::spawn(move || {
                for frame in from {
                    shared.with(|machine| machine.arrive(frame));
                }
            });
        }
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
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(directory) = arguments.next() else {
        eprintln!("usage: vdev DIRECTORY NAME=TYPE[,FEATURE...]...");
        return ExitCode::from(2);
    };
    let mut bench = Bench::default();
    for spec in arguments {
        if let Err(error) = bench.begin(Path::new(&directory), &spec) {
            eprintln!("vdev: {spec}: {error}");
            return ExitCode::FAILURE;
        }
    }
    // Nothing is to be read there; a failure is an end as well.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    ExitCode::SUCCESS
}
