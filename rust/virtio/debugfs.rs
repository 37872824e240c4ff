// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What debugfs shows of a device: `/sys/kernel/debug/virtio_rust/<device>/`.
//!
//! | file       | what                                                                            |
//! | ---------- | ------------------------------------------------------------------------------- |
//! | `features` | a line for each feature that the device offers: bit, name, `negotiated` or `offered` |
//! | `state`    | what the device is and how it fares, a key and a value a line                    |
//! | `queue<N>` | form, size and counters of queue `N`, a key and a value a line                   |
//!
//! Reading disturbs nobody: counters are plain ones that their queue's user writes, and what is
//! shown of a queue that works is a moment old.

use kernel::{
    debugfs::{
        Dir,
        Scope,
        ScopedDir, //
    },
    fmt,
    prelude::*,
    str::CString,
    sync::Arc, //
};

use super::{
    device::Device,
    feature,
    id::DeviceId,
    ring::{
        stats::Stats,
        Violation, //
    }, //
};

kernel::sync::global_lock! {
    // SAFETY: `init` is called when the module is loaded, before any driver can register.
    unsafe(uninit) static ROOT: Mutex<Option<Dir>> = None;
}

/// Makes the directory of all devices.
///
/// # Safety
///
/// To be called once, before the first [`Entry`] is made.
pub(crate) unsafe fn init() {
    // SAFETY: By the requirement of this function.
    unsafe { ROOT.init() };
    *ROOT.lock() = Some(Dir::new(c"virtio_rust"));
}

/// Removes the directory of all devices, of which there are none any more.
pub(crate) fn exit() {
    *ROOT.lock() = None;
}

/// The directory of one device, until this is dropped.
pub(crate) struct Entry {
    _scope: Pin<KBox<Scope<View>>>,
}

/// What the files of a device show.
struct View {
    device: Arc<Device>,
    kind: DeviceId,
    queues: KVec<QueueView>,
}

/// What the file of a queue shows.
struct QueueView {
    file: CString,
    device: Arc<Device>,
    index: usize,
    stats: Arc<Stats>,
}

impl Entry {
    /// Shows a device of type `kind` that is started.
    ///
    /// # Errors
    ///
    /// `ENOMEM`. That debugfs fails, or is not there, is no error.
    pub(crate) fn new(device: Arc<Device>, kind: DeviceId) -> Result<Self> {
        let mut queues = KVec::new();
        for (index, stats) in device.queue_stats()?.into_iter().enumerate() {
            let view = QueueView {
                file: CString::try_from_fmt(fmt!("queue{index}"))?,
                device: device.clone(),
                index,
                stats,
            };
            queues.push(view, GFP_KERNEL)?;
        }

        let root = ROOT.lock().clone().ok_or(ENODEV)?;
        let name = CString::try_from_fmt(fmt!("{}", device.name()))?;
        let view = View {
            device,
            kind,
            queues,
        };
        let scope = root.scope(view, &name, View::add_files);
        Ok(Self {
            _scope: KBox::pin_init(scope, GFP_KERNEL)?,
        })
    }
}

impl View {
    /// Adds the files of a device to its directory.
    fn add_files<'data>(&'data self, dir: &ScopedDir<'data, '_>) {
        dir.read_callback_file(c"features", self, &Self::features);
        dir.read_callback_file(c"state", self, &Self::state);
        for queue in &self.queues {
            dir.read_callback_file(&queue.file, queue, &QueueView::show);
        }
    }

    /// Contents of `features`.
    fn features(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let negotiated = self.device.features();
        for feature in self.device.offered().iter() {
            let name = feature::name(self.kind, feature).unwrap_or("(unknown)");
            let state = match negotiated.contains(feature) {
                true => "negotiated",
                false => "offered",
            };
            writeln!(f, "{} {} {}", feature.bit(), name, state)?;
        }
        Ok(())
    }

    /// Contents of `state`.
    fn state(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(fmt!("device {}\n", self.device.parent().name()))?;
        writeln!(f, "type {}", self.kind.name().unwrap_or("(unnamed)"))?;
        let interface = match self.device.is_legacy() {
            true => "legacy",
            false => "modern",
        };
        writeln!(f, "interface {interface}")?;
        writeln!(f, "state {}", self.device.life())?;
        writeln!(f, "restarts {}", self.device.restarts())
    }
}

impl QueueView {
    /// Contents of the queue's file.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut form = "";
        let mut size = 0;
        let mut broken = false;
        let mut polled = false;
        self.device.with_queue(self.index, &mut |queue| {
            form = queue.form();
            size = queue.size();
            broken = queue.is_broken();
            polled = queue.is_polled();
        });
        writeln!(f, "form {form}")?;
        writeln!(f, "size {size}")?;
        writeln!(f, "broken {}", u8::from(broken))?;
        writeln!(f, "polled {}", u8::from(polled))?;

        let stats = &*self.stats;
        writeln!(f, "kicks {}", stats.kicks.get())?;
        writeln!(f, "suppressed {}", stats.suppressed.get())?;
        writeln!(f, "interrupts {}", stats.interrupts.get())?;
        writeln!(f, "completions {}", stats.completions.get())?;
        writeln!(f, "clamped {}", stats.clamped.get())?;
        for violation in Violation::OF_DEVICE {
            writeln!(
                f,
                "rejected_{} {}",
                violation.name(),
                stats.rejected(violation)
            )?;
        }
        Ok(())
    }
}
