// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Interrupts of a device behind PCI, by either interface (VIRTIO 1.4, 4.1.5.1.2).

use kernel::{
    bindings,
    prelude::*,
    str::CString,
    sync::Arc, //
};

use super::vectors::VectorRegisters;
use crate::{
    io::Mapping,
    irq,
    pci::{
        Function,
        Vectors, //
    },
    virtio::{
        irq::{
            LineInterrupt,
            SharedInterrupt, //
        },
        transport::{
            Interrupts,
            Plan,
            Wired, //
        }, //
    },
};

/// Registered handlers.
type Handlers = KVec<irq::Registration>;

/// Registered handlers and the vectors that they are on, in the order in which they are to go.
struct Guard {
    _handlers: Handlers,
    _vectors: Vectors,
}

/// Requests interrupts in the best way that can be had, and tells the device by its `registers`. `isr`
/// is its ISR status.
///
/// # Errors
///
/// What the last of the possible ways failed with.
pub(super) fn wire<V: VectorRegisters>(
    function: &Arc<Function>,
    isr: &Arc<Mapping>,
    registers: &V,
    interrupts: &Interrupts<'_>,
) -> Result<Wired> {
    let mut last = ENODEV;
    for plan in Plan::ALL {
        match wire_as(plan, function, isr, registers, interrupts) {
            Ok(wired) => return Ok(wired),
            Err(err) => last = err,
        }
    }
    Err(last)
}

/// Requests the interrupts of a plan, and tells the device.
///
/// # Errors
///
/// What requesting returns; `EBUSY` when the device does not take a vector.
fn wire_as<V: VectorRegisters>(
    plan: Plan,
    function: &Arc<Function>,
    isr: &Arc<Mapping>,
    registers: &V,
    interrupts: &Interrupts<'_>,
) -> Result<Wired> {
    let queues = u16::try_from(interrupts.queues.len())?;
    let kind = match plan {
        Plan::Line => bindings::PCI_IRQ_INTX,
        _ => bindings::PCI_IRQ_MSIX,
    };
    let spread = plan == Plan::PerQueue && interrupts.affinity;
    let vectors = function.vectors(plan.count(queues), kind, spread)?;

    let handlers = match plan {
        Plan::PerQueue => handle_per_queue(&vectors, interrupts),
        Plan::Shared => handle_shared(&vectors, interrupts),
        Plan::Line => handle_line(isr, &vectors, interrupts),
    }?;
    if !plan.program_all(registers, queues, interrupts.polled) {
        return Err(EBUSY);
    }
    Ok(Wired {
        _guard: KBox::new(
            Guard {
                _handlers: handlers,
                _vectors: vectors,
            },
            GFP_KERNEL,
        )? as KBox<dyn Send + Sync>,
        plan,
    })
}

/// One vector for configuration changes and one for each queue.
fn handle_per_queue(vectors: &Vectors, interrupts: &Interrupts<'_>) -> Result<Handlers> {
    let queues = interrupts.queues;
    let mut handlers = KVec::with_capacity(queues.len().saturating_add(1), GFP_KERNEL)?;

    handle_config(vectors, interrupts, &mut handlers)?;
    for (vector, (name, handler)) in (1..).zip(queues) {
        let name = CString::try_from_fmt(fmt!("{}", &**name))?;
        let registration = handler.register(vectors.irq(vector)?, name)?;
        handlers.push(registration, GFP_KERNEL)?;
    }
    Ok(handlers)
}

/// One vector for configuration changes and one for all queues.
fn handle_shared(vectors: &Vectors, interrupts: &Interrupts<'_>) -> Result<Handlers> {
    let mut handlers = KVec::with_capacity(2, GFP_KERNEL)?;

    handle_config(vectors, interrupts, &mut handlers)?;
    let name = CString::try_from_fmt(fmt!("{}-virtqueues", interrupts.name))?;
    handlers.push(
        irq::Registration::new(
            vectors.irq(1)?,
            irq::Sharing::Exclusive,
            name,
            SharedInterrupt::new(interrupts.queues)?,
        )?,
        GFP_KERNEL,
    )?;
    Ok(handlers)
}

/// Vector 0 for configuration changes.
fn handle_config(
    vectors: &Vectors,
    interrupts: &Interrupts<'_>,
    handlers: &mut Handlers,
) -> Result {
    let name = CString::try_from_fmt(fmt!("{}-config", interrupts.name))?;
    handlers.push(
        irq::Registration::new_threaded(
            vectors.irq(0)?,
            irq::Sharing::Exclusive,
            name,
            interrupts.config.clone(),
        )?,
        GFP_KERNEL,
    )?;
    Ok(())
}

/// The interrupt line, for everything.
fn handle_line(
    isr: &Arc<Mapping>,
    vectors: &Vectors,
    interrupts: &Interrupts<'_>,
) -> Result<Handlers> {
    let mut handlers = KVec::with_capacity(1, GFP_KERNEL)?;

    let isr = isr.clone();
    // Reading the byte clears it and lets go of the line.
    let cause = move || isr.read8(0);
    handlers.push(
        LineInterrupt::register(vectors.irq(0)?, interrupts, cause)?,
        GFP_KERNEL,
    )?;
    Ok(handlers)
}
