// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A driver by the legacy interfaces, as small as it can be, that does one thing wrong if it is told
//! to: what the verdicts are tried with.
//!
//! It has one queue and one request: 64 bytes of a generator, or the first sector of a disk.

use vdev::{
    devices,
    event::{
        Event,
        Log, //
    },
    machine::Machine,
    mmio_legacy::reg as mmio,
    pci,
    pci_legacy::{
        self,
        reg, //
    },
    state::feature,
    transport::Transport, //
};
use vmm_sys_util::tempfile::TempFile;

/// What the driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing.
    Nothing,
    /// It does not announce itself (DRIVER).
    NoDriver,
    /// It sets FEATURES_OK.
    FeaturesOk,
    /// It does not look at the features.
    Blind,
    /// It accepts features once the device works.
    LateFeatures,
    /// It accepts what was not offered.
    Greedy,
    /// It accepts the bit that nobody is to accept.
    Trapped,
    /// It accepts barriers.
    Barriers,
    /// It does not accept ANY_LAYOUT.
    NoLayout,
    /// It does not look at the size of a queue.
    NoSize,
    /// It goes by another size than the device says.
    OtherSize,
    /// It writes the size of a queue, by PCI.
    WritesSize,
    /// It aligns the used ring to 64 bytes, and does not say so.
    Compact,
    /// It writes the address of the page and not its number.
    Address,
    /// It does not look whether a queue is in use.
    NoCheck,
    /// It does not look for the configuration elsewhere with MSI-X.
    FixedConfig,
    /// It looks for it behind the vectors when there are none.
    FarConfig,
    /// It reads the capacity once.
    ReadsOnce,
    /// It reads the status by 4 bytes.
    WideStatus,
    /// It never uses the device.
    Idle,
    /// It has the header and the status of a request with its data.
    Unframed,
    /// It does not ask why there was an interrupt.
    Incurious,
    /// It asks although it has vectors.
    AlwaysAsks,
    /// It goes by vectors, although the device takes none.
    Insists,
    /// It does not tell the size of pages.
    NoPageSize,
    /// It tells a size of pages that is none.
    OddPageSize,
    /// It tells no size of its queue.
    NoQueueSize,
    /// It tells no alignment.
    NoAlign,
    /// It reads a register of version 2.
    Modern,
    /// It begins with the device id.
    IdFirst,
    /// It does not acknowledge interrupts.
    NoAck,
    /// It does not end its queue.
    NoEnd,
    /// It uses a queue that it knows to be in use.
    UsesBusy,
}

use Wrong::*;

/// The driver, with its device.
pub struct Driver {
    /// The device.
    pub machine: Machine,
    is_mmio: bool,
    is_disk: bool,
    wrong: Wrong,
    /// Whether MSI-X is in use.
    msix: bool,
    /// Entries of the queue.
    size: u64,
}

/// Where the queue is, and behind it the buffer.
const QUEUE: u64 = 0x10_0000;
const BUFFER: u64 = 0x18_0000;

/// The features that it takes: ANY_LAYOUT.
const KNOWN: u64 = 1 << 27;

/// A file to interrupt by.
fn eventfd() -> std::fs::File {
    TempFile::new().unwrap().into_file()
}

impl Driver {
    /// A driver of a device of this kind.
    pub fn new(transport: Transport, kind: &str, wrong: Wrong) -> Self {
        let model = devices::by_name(kind).unwrap();
        let mut machine = Machine::on(transport, model, feature::INDIRECT, Log::new(None));
        let file = eventfd();
        file.set_len(0x10_0000).unwrap();
        machine
            .map
            .map(QUEUE, 0x10_0000, Some((file, 0)), true)
            .unwrap();
        machine.interrupts.line = Some(eventfd());
        Self {
            machine,
            is_mmio: transport == Transport::MmioLegacy,
            is_disk: kind == "blk",
            wrong,
            msix: false,
            size: 0,
        }
    }

    /// What such a driver does from its beginning to its end in a scenario, and the verdict.
    pub fn meet(transport: Transport, kind: &str, wrong: Wrong, scenario: &str) -> String {
        let mut driver = Self::new(transport, kind, wrong);
        assert_eq!(
            driver.machine.command(&format!("scenario {scenario}")),
            "ok"
        );
        driver.serve();
        driver.machine.command("verdict")
    }

    /// Does all that there is to do, as far as the device lets it.
    pub fn serve(&mut self) {
        if self.bind() {
            self.use_once();
            self.unbind();
        }
    }

    /// Writes a register of PCI, or the one of memory-mapped I/O for the same.
    fn write(&mut self, at: u64, value: u64) {
        let (at, width) = self.place(at);
        self.machine.write(at, width, value);
    }

    /// Reads one.
    fn read(&mut self, at: u64) -> u64 {
        let (at, width) = self.place(at);
        self.machine.read(at, width)
    }

    /// Where a register is, and its bytes.
    fn place(&self, at: u64) -> (u64, usize) {
        let (here, width) = match at {
            reg::DEVICE_FEATURES => (mmio::DEVICE_FEATURES, 4),
            reg::DRIVER_FEATURES => (mmio::DRIVER_FEATURES, 4),
            reg::QUEUE_ADDRESS => (mmio::QUEUE_PFN, 4),
            reg::QUEUE_SIZE => (mmio::QUEUE_SIZE_MAX, 2),
            reg::QUEUE_SELECT => (mmio::QUEUE_SEL, 2),
            reg::QUEUE_NOTIFY => (mmio::QUEUE_NOTIFY, 2),
            reg::STATUS if self.wrong == WideStatus => (mmio::STATUS, 4),
            reg::STATUS => (mmio::STATUS, 1),
            reg::ISR => (mmio::INTERRUPT_STATUS, 1),
            _ => return (at, 2),
        };
        match self.is_mmio {
            true => (here, 4),
            false => (at, width),
        }
    }

    /// The capacity, byte by byte, until it is the same twice, or never.
    fn capacity(&mut self) -> Option<u64> {
        let base = match (self.is_mmio, self.wrong) {
            (true, _) => 0x100,
            (_, FixedConfig) => pci_legacy::config(false),
            (_, FarConfig) => pci_legacy::config(true),
            _ => pci_legacy::config(self.msix),
        };
        let mut last = None;
        for _ in 0..16 {
            let bytes = (0..8).map(|at| self.machine.read(base + at, 1) << (8 * at));
            let now = bytes.sum();
            if last == Some(now) || self.wrong == ReadsOnce {
                return Some(now);
            }
            last = Some(now);
        }
        None
    }

    /// Turns MSI-X on or off, as the kernel does.
    fn set_msix(&mut self, on: bool) {
        self.msix = on;
        self.machine
            .write_space(pci::cap::MSIX + 2, &[3, u8::from(on) << 7]);
        self.machine.interrupts.by_vector = on;
        self.machine.interrupts.vectors = (0..4).map(|_| on.then(eventfd)).collect();
    }

    /// Takes vectors for the configuration and the queue. Whether the device did.
    fn vectors(&mut self) -> bool {
        self.set_msix(true);
        let mut taken = true;
        for at in [reg::CONFIG_VECTOR, reg::QUEUE_VECTOR] {
            self.write(at, 0);
            taken &= self.read(at) == 0;
        }
        if !taken && self.wrong != Insists {
            self.set_msix(false);
        }
        taken
    }

    /// Brings the device to work. Whether it did.
    fn bind(&mut self) -> bool {
        if self.is_mmio {
            let ids = match self.wrong {
                IdFirst => [mmio::DEVICE_ID, mmio::MAGIC, mmio::VERSION],
                _ => [mmio::MAGIC, mmio::VERSION, mmio::DEVICE_ID],
            };
            for at in ids {
                self.machine.read(at, 4);
            }
            match self.wrong {
                NoPageSize => {}
                OddPageSize => self.machine.write(mmio::GUEST_PAGE_SIZE, 4, 4095),
                _ => self.machine.write(mmio::GUEST_PAGE_SIZE, 4, 4096),
            }
            if self.wrong == Modern {
                self.machine.read(0xfc, 4);
            }
        }
        self.write(reg::STATUS, 0);
        if self.read(reg::STATUS) != 0 {
            return false;
        }
        self.write(reg::STATUS, 1);
        if self.wrong != NoDriver {
            self.write(reg::STATUS, 3);
        }
        self.features();
        if self.is_disk && self.capacity().is_none() {
            return false;
        }
        if !self.queue() {
            return false;
        }
        if !self.is_mmio {
            self.vectors();
            if self.is_disk {
                self.capacity();
            }
        }
        match self.wrong {
            FeaturesOk => self.write(reg::STATUS, 15),
            NoDriver => self.write(reg::STATUS, 5),
            _ => self.write(reg::STATUS, 7),
        }
        if self.wrong == LateFeatures {
            self.write(reg::DRIVER_FEATURES, 0);
        }
        true
    }

    /// Agrees on features.
    fn features(&mut self) {
        if self.is_mmio {
            self.machine.write(mmio::DEVICE_FEATURES_SEL, 4, 0);
            self.machine.write(mmio::DRIVER_FEATURES_SEL, 4, 0);
        }
        let offered = match self.wrong {
            Blind => KNOWN,
            _ => self.read(reg::DEVICE_FEATURES),
        };
        let accepted = match self.wrong {
            Greedy => 1 << 29,
            Trapped => offered & (KNOWN | 1 << 30),
            Barriers => offered & (KNOWN | 1),
            NoLayout => 0,
            _ => offered & KNOWN,
        };
        self.write(reg::DRIVER_FEATURES, accepted);
    }

    /// Puts the queue to its page. Whether there is one.
    fn queue(&mut self) -> bool {
        self.write(reg::QUEUE_SELECT, 0);
        if self.wrong != NoCheck && self.read(reg::QUEUE_ADDRESS) != 0 && self.wrong != UsesBusy {
            return false;
        }
        self.size = match self.wrong {
            NoSize => 8,
            OtherSize => self.read(reg::QUEUE_SIZE) * 2,
            _ => self.read(reg::QUEUE_SIZE),
        };
        if !self.size.is_power_of_two() {
            return false;
        }
        if self.wrong == WritesSize {
            self.write(reg::QUEUE_SIZE, self.size);
        }
        if self.is_mmio {
            if self.wrong != NoQueueSize {
                self.machine.write(mmio::QUEUE_SIZE, 4, self.size);
            }
            if self.wrong != NoAlign {
                self.machine.write(mmio::QUEUE_ALIGN, 4, 4096);
            }
        }
        let page = match self.wrong {
            Address => QUEUE,
            _ => QUEUE >> 12,
        };
        self.write(reg::QUEUE_ADDRESS, page);
        true
    }

    /// Where the rings are: available and used.
    fn rings(&self) -> [u64; 2] {
        let available = QUEUE + 16 * self.size;
        let align = if self.wrong == Compact { 64 } else { 4096 };
        let end = available + 2 * (3 + self.size);
        [available, end.next_multiple_of(align)]
    }

    /// Makes one request, and waits for its answer.
    fn use_once(&mut self) {
        if self.wrong == Idle {
            return;
        }
        let parts: &[(u32, u16)] = match (self.is_disk, self.wrong) {
            (false, _) => &[(64, 2)],
            (true, Unframed) => &[(16, 0), (513, 2)],
            (true, _) => &[(16, 0), (512, 2), (1, 2)],
        };
        let map = self.machine.map.clone();
        let mut addr = BUFFER;
        for (index, (len, flags)) in (0u16..).zip(parts) {
            let more = u16::from(usize::from(index) + 1 < parts.len());
            let at = QUEUE + 16 * u64::from(index);
            map.write(at, &addr.to_le_bytes()).unwrap();
            map.write(at + 8, &len.to_le_bytes()).unwrap();
            map.write(at + 12, &(flags | more).to_le_bytes()).unwrap();
            map.write(at + 14, &(index + 1).to_le_bytes()).unwrap();
            addr += u64::from(*len);
        }
        let [available, used] = self.rings();
        map.write(available, &[0, 0, 1, 0, 0, 0]).unwrap();
        self.write(reg::QUEUE_NOTIFY, 0);
        self.machine.work();
        let mut index = [0; 2];
        map.read(used + 2, &mut index).unwrap();
        if index == [0, 0] {
            self.machine.log.note("the driver got no answer");
            return;
        }
        let asks = !self.msix && self.wrong != Incurious || self.wrong == AlwaysAsks;
        if !self.is_mmio && asks {
            self.read(reg::ISR);
        }
        if self.is_mmio && self.wrong != Incurious {
            let causes = self.read(reg::ISR);
            if self.wrong != NoAck {
                self.machine.write(mmio::INTERRUPT_ACK, 4, causes & 3);
            }
        }
    }

    /// Lets go of the device.
    fn unbind(&mut self) {
        self.write(reg::STATUS, 0);
        if self.wrong != NoEnd {
            self.write(reg::QUEUE_SELECT, 0);
            self.write(reg::QUEUE_ADDRESS, 0);
        }
        if self.msix {
            self.set_msix(false);
        }
    }

    /// Whether something like this is in the log.
    pub fn logged(&self, is: impl Fn(&Event) -> bool) -> bool {
        self.machine.log.events().iter().any(is)
    }
}
