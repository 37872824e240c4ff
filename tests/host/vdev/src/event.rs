// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What was seen of the driver and done by the device, in order.

use std::fmt;
use std::io::Write;
use std::time::Instant;

/// The structures of a device that a driver has access to: those of PCI (4.1.4), and the blocks of
/// registers that other transports have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// The common configuration.
    Common,
    /// The ISR status.
    Isr,
    /// The configuration of the device's type.
    Device,
    /// Notifications.
    Notify,
    /// The registers of the legacy interface of PCI (4.1.4.10).
    Legacy,
    /// The registers of memory-mapped I/O, of either version (4.2.2, 4.2.4).
    Mmio,
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Common => "common",
            Self::Isr => "isr",
            Self::Device => "device",
            Self::Notify => "notify",
            Self::Legacy => "legacy",
            Self::Mmio => "mmio",
        })
    }
}

/// A register: structure and offset there.
pub type Register = (Structure, u64);

/// What happened. Its [`Display`](fmt::Display) is its line in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The driver read a register: register, bytes, and what it was told.
    Read(Register, usize, u64),
    /// The driver wrote a register: register, bytes, value.
    Write(Register, usize, u64),
    /// The driver, or what finds capabilities for it, read or wrote one of the standard's in
    /// configuration space: whether it wrote, offset, bytes.
    Capability(bool, usize, usize),
    /// The driver wrote the device status.
    Status(u8),
    /// The device has reset itself, and says so.
    Reset,
    /// The device is suspended.
    Suspended,
    /// The device has resumed.
    Resumed,
    /// A queue was enabled: index, entries.
    Enabled(u16, u16),
    /// A queue was disabled, without a reset of it.
    Disabled(u16),
    /// The driver asked for the reset of a queue.
    QueueReset(u16),
    /// The device has reset a queue, and says so.
    QueueIsReset(u16),
    /// The driver notified a queue.
    Kick(u16),
    /// The driver made a buffer available: queue, id, bytes to read, bytes to write.
    Taken(u16, u16, u64, u64),
    /// The driver made more available while the device was suspended: queue.
    TakenSuspended(u16),
    /// The device used a buffer: queue, id, bytes that it says it wrote.
    Used(u16, u32, u32),
    /// The device interrupted: by a vector or, without, by its line.
    Interrupt(Option<u16>),
    /// A request, in words of the device's type.
    Request(String),
    /// Memory was mapped for the device: address, bytes.
    Map(u64, u64),
    /// Memory was unmapped.
    Unmap(u64, u64),
    /// The driver broke a rule.
    Violation(String),
    /// Anything else.
    Note(String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read((structure, offset), width, value) => {
                write!(f, "read {structure} {offset:#x} {width} {value:#x}")
            }
            Self::Write((structure, offset), width, value) => {
                write!(f, "write {structure} {offset:#x} {width} {value:#x}")
            }
            Self::Capability(is_write, offset, width) => {
                let what = if *is_write { "write" } else { "read" };
                write!(f, "{what} capability {offset:#x} {width}")
            }
            Self::Status(value) => write!(f, "status {value}"),
            Self::Reset => f.write_str("reset"),
            Self::Suspended => f.write_str("suspended"),
            Self::Resumed => f.write_str("resumed"),
            Self::Enabled(queue, size) => write!(f, "enabled {queue} {size}"),
            Self::Disabled(queue) => write!(f, "disabled {queue}"),
            Self::QueueReset(queue) => write!(f, "queue-reset {queue}"),
            Self::QueueIsReset(queue) => write!(f, "queue-is-reset {queue}"),
            Self::Kick(queue) => write!(f, "kick {queue}"),
            Self::Taken(queue, id, readable, writable) => {
                write!(f, "taken {queue} {id} {readable} {writable}")
            }
            Self::TakenSuspended(queue) => write!(f, "taken-suspended {queue}"),
            Self::Used(queue, id, len) => write!(f, "used {queue} {id} {len}"),
            Self::Interrupt(Some(vector)) => write!(f, "interrupt {vector}"),
            Self::Interrupt(None) => f.write_str("interrupt line"),
            Self::Request(text) => write!(f, "request {text}"),
            Self::Map(addr, len) => write!(f, "map {addr:#x} {len:#x}"),
            Self::Unmap(addr, len) => write!(f, "unmap {addr:#x} {len:#x}"),
            Self::Violation(text) => write!(f, "violation {text}"),
            Self::Note(text) => write!(f, "note {text}"),
        }
    }
}

/// The log of one scenario. Behind its limit it only counts.
pub struct Log {
    /// When it began.
    start: Instant,
    /// What happened.
    events: Vec<Event>,
    /// What was not kept.
    dropped: usize,
    /// Where all lines of all scenarios go.
    file: Option<Box<dyn Write + Send>>,
}

/// Events that are kept for a verdict.
const LIMIT: usize = 50_000;

impl Log {
    /// An empty log that also goes to `file`.
    pub fn new(file: Option<Box<dyn Write + Send>>) -> Self {
        Self {
            start: Instant::now(),
            events: Vec::new(),
            dropped: 0,
            file,
        }
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.events.clear();
        self.dropped = 0;
        self.start = Instant::now();
    }

    /// Adds an event.
    pub fn add(&mut self, event: Event) {
        let full = self.events.len() >= LIMIT;
        // What is wrong is always kept.
        if full && !matches!(event, Event::Violation(_)) {
            self.dropped += 1;
            return;
        }
        if let Some(file) = &mut self.file {
            // A log that can not be written is none; the verdicts do not depend on the file.
            let _ = writeln!(file, "{:7} {event}", self.start.elapsed().as_millis());
        }
        self.events.push(event);
    }

    /// Adds a remark.
    pub fn note(&mut self, text: impl Into<String>) {
        self.add(Event::Note(text.into()));
    }

    /// What happened.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What happened, a line each.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let dropped = (self.dropped != 0).then(|| format!("note {} more events", self.dropped));
        self.events.iter().map(Event::to_string).chain(dropped)
    }
}
