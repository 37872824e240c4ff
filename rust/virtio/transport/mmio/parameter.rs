// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices that the user says are there: `<size>@<base>:<irq>[:<id>]`, as the parameter
//! `virtio_mmio.device` of the C driver has them.
//!
//! Neither a device tree nor ACPI tells of such a device, and registers cannot be looked for. See
//! [`super::named`] for where the parameter is.

use core::fmt::Write;

/// Where a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Physical address of its registers.
    pub base: u64,
    /// Bytes of registers; not 0, and the last one has an address.
    pub size: u64,
    /// Number of its interrupt; not 0.
    pub irq: u32,
    /// Its number on the bus, at most `i32::MAX`.
    pub id: u32,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is not of that form, or a number is too large.
    Form,
    /// There are no registers, or they do not fit below the end of addresses.
    Range,
    /// 0 is no interrupt.
    Irq,
    /// Another device has that number.
    Taken,
    /// No more devices can be named.
    Full,
}

/// Devices in the order in which they were named.
#[derive(Debug)]
pub struct Places {
    /// What was named, at the beginning of the array.
    places: [Option<Place>; Self::MAX],
    /// The number of the next device that is not given one.
    next: u32,
}

impl Places {
    /// How many devices can be named.
    pub const MAX: usize = 64;

    /// No devices.
    pub const fn new() -> Self {
        Self {
            places: [None; Self::MAX],
            next: 0,
        }
    }

    /// Adds the device of a text. Without an id, it gets that of the one before it and one more; the
    /// first one gets 0.
    ///
    /// # Errors
    ///
    /// What is wrong with the text. Nothing was added.
    pub fn add(&mut self, text: &[u8]) -> Result<(), Error> {
        let place = parse(text, self.next)?;
        if self.iter().any(|other| other.id == place.id) {
            return Err(Error::Taken);
        }
        let free = self.places.iter_mut().find(|entry| entry.is_none());
        *free.ok_or(Error::Full)? = Some(place);
        self.next = place.id.wrapping_add(1) & MAX_ID;
        Ok(())
    }

    /// The devices.
    pub fn iter(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().flatten()
    }

    /// Writes a line for each device, as [`Self::add`] takes it: less than 4 KiB in all.
    ///
    /// # Errors
    ///
    /// That of `out`.
    pub fn show(&self, out: &mut dyn Write) -> Result<(), core::fmt::Error> {
        for place in self.iter() {
            let Place {
                base,
                size,
                irq,
                id,
            } = place;
            writeln!(out, "{size:#x}@{base:#x}:{irq}:{id}")?;
        }
        Ok(())
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::new()
    }
}

/// The largest number of a device: the kernel takes negative ones for something else.
const MAX_ID: u32 = i32::MAX as u32;

/// The device of a text; its number is `id`, if it says none.
fn parse(text: &[u8], id: u32) -> Result<Place, Error> {
    let (size, text) = number(text).ok_or(Error::Form)?;
    let (size, text) = scaled(size, text).ok_or(Error::Form)?;
    let (base, text) = after(b'@', text).and_then(number).ok_or(Error::Form)?;
    let (irq, text) = after(b':', text).and_then(number).ok_or(Error::Form)?;
    let irq = u32::try_from(irq).map_err(|_| Error::Form)?;
    let id = if text.is_empty() {
        id
    } else {
        match after(b':', text).and_then(number) {
            Some((id, [])) => u32::try_from(id).map_err(|_| Error::Form)?,
            _ => return Err(Error::Form),
        }
    };
    if id > MAX_ID {
        return Err(Error::Form);
    }
    if irq == 0 {
        return Err(Error::Irq);
    }
    if size == 0 || base.checked_add(size - 1).is_none() {
        return Err(Error::Range);
    }
    Ok(Place {
        base,
        size,
        irq,
        id,
    })
}

/// What follows a letter.
fn after(letter: u8, text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(&[letter])
}

/// The number that a text begins with, and what follows: decimal, octal after `0`, hexadecimal after
/// `0x`.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (radix, digits) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', b'0'..=b'9', ..] => (8, text),
        _ => (10, text),
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(radix);
    let length = digits
        .iter()
        .position(|byte| digit(byte).is_none())
        .unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(length)?;
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for digit in digits.iter().filter_map(digit) {
        value = value.checked_mul(radix.into())?.checked_add(digit.into())?;
    }
    Some((value, rest))
}

/// A number of bytes with the unit that may follow it.
fn scaled(value: u64, text: &[u8]) -> Option<(u64, &[u8])> {
    let shift = match text.first() {
        Some(b'K' | b'k') => 10,
        Some(b'M' | b'm') => 20,
        Some(b'G' | b'g') => 30,
        _ => return Some((value, text)),
    };
    Some((value.checked_mul(1 << shift)?, text.get(1..)?))
}
