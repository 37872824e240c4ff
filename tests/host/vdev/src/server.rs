// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A vfio-user server of one device: QEMU is its client.

use crate::{
    event::Event,
    machine::{
        Machine,
        VECTORS, //
    },
    pci,
    vfio::{
        command,
        irq,
        region,
        Fields,
        Header,
        Message,
        HEADER, //
    }, //
};
use std::fs::File;
use std::io::{
    self,
    Read,
    Write, //
};
use std::os::unix::net::{
    UnixListener,
    UnixStream, //
};
use std::sync::{
    Arc,
    Condvar,
    Mutex,
    MutexGuard, //
};
use std::time::{
    Duration,
    Instant, //
};
use vmm_sys_util::sock_ctrl_msg::ScmSocket;

/// `EINVAL`.
const EINVAL: u32 = 22;

/// A device, and who waits for it to have something to do.
pub struct Shared {
    machine: Mutex<Machine>,
    wake: Condvar,
}

impl Shared {
    /// A device that works on its own from here on.
    pub fn start(machine: Machine) -> Arc<Self> {
        let shared = Arc::new(Self {
            machine: Mutex::new(machine),
            wake: Condvar::new(),
        });
        let worker = shared.clone();
        std::thread::spawn(move || worker.work());
        shared
    }

    /// The device.
    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine
            .lock()
            .unwrap_or_else(|error| error.into_inner())
    }

    /// Does something with the device, and wakes its thread if there is something to do then.
    pub fn with<T>(&self, f: impl FnOnce(&mut Machine) -> T) -> T {
        let mut machine = self.lock();
        let result = f(&mut machine);
        if machine.has_work() {
            self.wake.notify_one();
        }
        result
    }

    /// What the thread of the device does.
    fn work(&self) {
        let mut machine = self.lock();
        loop {
            let due = machine.work();
            if machine.has_work() {
                // Whoever accesses a register comes first.
                drop(machine);
                std::thread::yield_now();
                machine = self.lock();
                continue;
            }
            let time = due.map_or(Duration::from_secs(3600), |due| {
                due.saturating_duration_since(Instant::now())
            });
            let waited = self.wake.wait_timeout(machine, time);
            machine = waited.unwrap_or_else(|error| error.into_inner()).0;
        }
    }
}

/// Serves one client after the other, for good.
///
/// # Errors
///
/// When no client can connect any more.
pub fn serve(listener: &UnixListener, shared: &Shared) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if let Err(error) = serve_client(stream, shared) {
            if error.kind() != io::ErrorKind::UnexpectedEof {
                eprintln!("vdev: {error}");
            }
        }
        shared.with(|machine| {
            machine.map.clear();
            machine.interrupts = Default::default();
        });
    }
}

/// Answers the messages of a client until it goes.
fn serve_client(mut stream: UnixStream, shared: &Shared) -> io::Result<()> {
    loop {
        let mut bytes = [0; HEADER];
        // A descriptor comes with the first byte of its message, so that no more than a header may
        // be read at once.
        let (count, file) = stream
            .recv_with_fd(&mut bytes)
            .map_err(|error| io::Error::from_raw_os_error(error.errno()))?;
        if count == 0 {
            return Ok(());
        }
        stream.read_exact(&mut bytes[count..])?;
        let header = Header::parse(&bytes).ok_or(io::ErrorKind::InvalidData)?;
        let mut body = vec![0; header.body()];
        stream.read_exact(&mut body)?;

        let answer = shared.with(|machine| answer(machine, header.command, &body, file));
        if header.wants_reply() {
            let answer = answer.as_deref().map_err(|error| *error);
            stream.write_all(&header.reply(answer))?;
        }
    }
}

/// Answers a message: with what is behind its header.
fn answer(
    machine: &mut Machine,
    command: u16,
    body: &[u8],
    file: Option<File>,
) -> Result<Vec<u8>, u32> {
    let fields = Fields::new(body);
    let answer = match command {
        command::VERSION => Some(version()),
        command::DMA_MAP => map(machine, fields, file),
        command::DMA_UNMAP => unmap(machine, fields, body),
        // It can be reset, and is a PCI device.
        command::GET_INFO => Some(
            Message::default()
                .words(&[16, 3, region::COUNT, irq::COUNT])
                .end(),
        ),
        command::GET_REGION_INFO => region_info(machine, fields),
        command::GET_IRQ_INFO => irq_info(fields),
        command::SET_IRQS => set_irqs(machine, fields, file),
        command::REGION_READ => read(machine, fields),
        command::REGION_WRITE => write(machine, fields),
        command::RESET => {
            machine.reset_function();
            Some(Vec::new())
        }
        _ => None,
    };
    answer.ok_or(EINVAL)
}

/// Version 0.0, and one descriptor a message.
fn version() -> Vec<u8> {
    Message::default()
        .bytes(&[0; 4])
        .bytes(b"{\"capabilities\":{\"max_msg_fds\":1}}\0")
        .end()
}

/// Maps memory.
fn map(machine: &mut Machine, mut fields: Fields<'_>, file: Option<File>) -> Option<Vec<u8>> {
    let (_, flags) = (fields.u32()?, fields.u32()?);
    let (offset, addr, size) = (fields.u64()?, fields.u64()?, fields.u64()?);
    let file = file.map(|file| (file, offset));
    machine.map.map(addr, size, file, flags & 2 != 0).ok()?;
    machine.log.add(Event::Map(addr, size));
    Some(Vec::new())
}

/// Unmaps memory.
fn unmap(machine: &mut Machine, mut fields: Fields<'_>, body: &[u8]) -> Option<Vec<u8>> {
    let (_, flags) = (fields.u32()?, fields.u32()?);
    let (addr, size) = (fields.u64()?, fields.u64()?);
    if flags & 2 != 0 {
        machine.map.clear();
    } else {
        machine.map.unmap(addr, size);
    }
    machine.event(Event::Unmap(addr, size));
    machine.react();
    Some(body.to_vec())
}

/// The BAR that a region is.
fn bar(region: u32) -> Option<u8> {
    u8::try_from(region).ok().filter(|bar| *bar < 6)
}

/// What a region is.
fn region_info(machine: &Machine, mut fields: Fields<'_>) -> Option<Vec<u8>> {
    let (_, _, index) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let size = match index {
        region::BAR1 => pci::TABLE_SIZE,
        region::CONFIG => pci::SIZE as u64,
        _ => bar(index).map_or(0, |bar| machine.bar_size(bar)),
    };
    // It can be read and written, by messages only.
    let flags = if size != 0 { 3 } else { 0 };
    let message = Message::default().words(&[32, flags, index, 0]);
    Some(message.long(size).long(0).end())
}

/// What an interrupt is.
fn irq_info(mut fields: Fields<'_>) -> Option<Vec<u8>> {
    let (_, _, index) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let (flags, count) = match index {
        irq::INTX => (7, 1),
        irq::MSIX => (9, VECTORS.into()),
        _ => (0, 0),
    };
    Some(Message::default().words(&[16, flags, index, count]).end())
}

/// Takes eventfds, or gives them up.
fn set_irqs(machine: &mut Machine, mut fields: Fields<'_>, file: Option<File>) -> Option<Vec<u8>> {
    let (_, flags, index) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let (start, count) = (fields.u32()?, fields.u32()?);
    let interrupts = &mut machine.interrupts;
    if index == irq::INTX && flags & irq::UNMASK != 0 {
        machine.line_unmasked();
    } else if flags & irq::TRIGGER != 0 {
        match index {
            irq::INTX if count == 0 => interrupts.line = None,
            irq::INTX if flags & irq::EVENTFD != 0 => interrupts.line = file,
            irq::MSIX if count == 0 => {
                interrupts.vectors.clear();
                interrupts.by_vector = false;
            }
            irq::MSIX if flags & irq::EVENTFD != 0 => {
                interrupts.by_vector = true;
                let at = usize::try_from(start)
                    .ok()
                    .filter(|at| *at < VECTORS.into())?;
                if interrupts.vectors.len() <= at {
                    interrupts.vectors.resize_with(at + 1, || None);
                }
                interrupts.vectors[at] = file;
            }
            _ => {}
        }
    }
    Some(Vec::new())
}

/// Reads a region.
fn read(machine: &mut Machine, mut fields: Fields<'_>) -> Option<Vec<u8>> {
    let (offset, index, count) = (fields.u64()?, fields.u32()?, fields.u32()?);
    let len = usize::try_from(count)
        .ok()
        .filter(|len| *len <= pci::SIZE)?;
    let mut bytes = Vec::with_capacity(len);
    match index {
        region::CONFIG => {
            let start = usize::try_from(offset).ok()?;
            for at in (start..start.checked_add(len)?).step_by(4) {
                let width = (start + len - at).min(4);
                bytes.extend(&machine.read_space(at, width).to_ne_bytes()[..width]);
            }
        }
        // No interrupt is pending.
        region::BAR1 => bytes.resize(len, 0),
        _ => match bar(index).filter(|_| len <= 8) {
            Some(bar) => bytes.extend(&machine.read_bar(bar, offset, len).to_ne_bytes()[..len]),
            None => bytes.resize(len, 0),
        },
    }
    let message = Message::default().long(offset).words(&[index, count]);
    Some(message.bytes(&bytes).end())
}

/// Writes a region.
fn write(machine: &mut Machine, mut fields: Fields<'_>) -> Option<Vec<u8>> {
    let (offset, index, count) = (fields.u64()?, fields.u32()?, fields.u32()?);
    let bytes = fields.rest();
    if bytes.len() != usize::try_from(count).ok()? {
        return None;
    }
    match index {
        region::CONFIG => machine.write_space(usize::try_from(offset).ok()?, bytes),
        region::BAR1 => {}
        _ => {
            let fold = |value, byte: &u8| value << 8 | u64::from(*byte);
            let value = bytes.iter().rev().fold(0, fold);
            if let Some(bar) = bar(index).filter(|_| bytes.len() <= 8) {
                machine.write_bar(bar, offset, bytes.len(), value);
            }
        }
    }
    Some(Message::default().long(offset).words(&[index, count]).end())
}
