// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The device's configuration space.
//!
//! Fields are accessed in the widths that the specification asks for: 8, 16 and 32 bits as one
//! access, 64 bits as two of 32, byte arrays byte by byte. What takes more than one access is
//! repeated until the device says that nothing changed meanwhile, but not for ever.

/// How often a read is tried that the device keeps changing.
pub const RETRIES: u32 = 64;

/// Access to the configuration space of a device.
///
/// Values are in the CPU's byte order, whatever order the device has. Callers stay below `len()` and
/// keep to natural alignment; each call makes one access of its width, if there is a generation.
pub trait ConfigAccess {
    /// Bytes there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is a generation. Without one, as by the legacy interface, what takes more than
    /// a byte is read until it is twice the same (VIRTIO 1.4, 2.5.4), and may be read by bytes.
    fn has_generation(&self) -> bool {
        true
    }

    /// The generation, if there is one: it changes with each change that the driver could otherwise
    /// see half of.
    fn generation(&self) -> u32;
    /// Reads a byte.
    fn read8(&self, offset: usize) -> u8;
    /// Reads a 16-bit field.
    fn read16(&self, offset: usize) -> u16;
    /// Reads a 32-bit field.
    fn read32(&self, offset: usize) -> u32;
    /// Writes a byte.
    fn write8(&self, offset: usize, value: u8);
    /// Writes a 16-bit field.
    fn write16(&self, offset: usize, value: u16);
    /// Writes a 32-bit field.
    fn write32(&self, offset: usize, value: u32);

    /// Reads a 64-bit field, which is two fields of 32 bits to the transport.
    fn read64(&self, offset: usize) -> u64 {
        let low = self.read32(offset);
        let high = self.read32(offset.wrapping_add(4));
        (u64::from(high) << 32) | u64::from(low)
    }

    /// Writes a 64-bit field.
    fn write64(&self, offset: usize, value: u64) {
        // CAST: what does not fit has been masked or shifted out.
        self.write32(offset, (value & 0xffff_ffff) as u32);
        self.write32(offset.wrapping_add(4), (value >> 32) as u32);
    }
}

/// Why a field was not accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The device has no such field: its configuration space ends before.
    OutOfRange,
    /// The field does not lie at a multiple of its width.
    Unaligned,
    /// The device changed its configuration each time that it was read.
    Unstable,
}

impl ConfigError {
    /// A description for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfRange => "field beyond the end of the configuration space",
            Self::Unaligned => "field not aligned",
            Self::Unstable => "configuration changes at each read",
        }
    }
}

/// What a field can be.
mod sealed {
    /// Keeps [`Field`](super::Field) to the types that are here.
    pub trait Sealed {}
}

/// A type that a field of the configuration space can have.
pub trait Field: sealed::Sealed + Sized + PartialEq {
    /// Bytes of the field.
    const SIZE: usize;
    /// Of what its offset has to be a multiple: a power of two.
    const ALIGN: usize;
    /// Whether it takes one access, where there is a generation.
    const SINGLE: bool;
    /// Reads the field at an offset that has been checked.
    #[doc(hidden)]
    fn load<A: ConfigAccess + ?Sized>(access: &A, offset: usize) -> Self;
    /// Writes the field at an offset that has been checked.
    #[doc(hidden)]
    fn store<A: ConfigAccess + ?Sized>(self, access: &A, offset: usize);
}

/// Makes an integer a field that takes one access.
macro_rules! single {
    ($($type:ty, $read:ident, $write:ident;)*) => {$(
        impl sealed::Sealed for $type {}

        impl Field for $type {
            const SIZE: usize = size_of::<Self>();
            const ALIGN: usize = size_of::<Self>();
            const SINGLE: bool = true;

            #[inline]
            fn load<A: ConfigAccess + ?Sized>(access: &A, offset: usize) -> Self {
                access.$read(offset)
            }

            #[inline]
            fn store<A: ConfigAccess + ?Sized>(self, access: &A, offset: usize) {
                access.$write(offset, self);
            }
        }
    )*};
}

single! {
    u8, read8, write8;
    u16, read16, write16;
    u32, read32, write32;
}

impl sealed::Sealed for u64 {}

impl Field for u64 {
    const SIZE: usize = 8;
    // It is two fields of 32 bits to the transport, and nothing says that it lies at a multiple of
    // 8.
    const ALIGN: usize = 4;
    const SINGLE: bool = false;

    fn load<A: ConfigAccess + ?Sized>(access: &A, offset: usize) -> Self {
        access.read64(offset)
    }

    fn store<A: ConfigAccess + ?Sized>(self, access: &A, offset: usize) {
        access.write64(offset, self);
    }
}

impl<const N: usize> sealed::Sealed for [u8; N] {}

impl<const N: usize> Field for [u8; N] {
    const SIZE: usize = N;
    const ALIGN: usize = 1;
    const SINGLE: bool = N <= 1;

    fn load<A: ConfigAccess + ?Sized>(access: &A, offset: usize) -> Self {
        let mut bytes = [0; N];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = access.read8(offset.wrapping_add(at));
        }
        bytes
    }

    fn store<A: ConfigAccess + ?Sized>(self, access: &A, offset: usize) {
        for (at, byte) in self.into_iter().enumerate() {
            access.write8(offset.wrapping_add(at), byte);
        }
    }
}

/// The configuration space of a device, or what can be seen of it in one generation: see
/// [`Self::consistent`].
#[derive(Debug)]
pub struct Config<'a, A: ?Sized> {
    /// The accessors.
    access: &'a A,
    /// Whether it is the caller's duty to check the generation.
    held: bool,
}

impl<A: ?Sized> Clone for Config<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: ?Sized> Copy for Config<'_, A> {}

impl<'a, A: ConfigAccess + ?Sized> Config<'a, A> {
    /// The configuration space behind these accessors.
    pub fn new(access: &'a A) -> Self {
        Self {
            access,
            held: false,
        }
    }

    /// Bytes there are. A driver needs no more than those of the fields that it uses.
    pub fn len(&self) -> usize {
        self.access.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.access.is_empty()
    }

    /// Checks that there is a field of this type.
    fn check<T: Field>(&self, offset: usize) -> Result<(), ConfigError> {
        match offset.checked_add(T::SIZE) {
            Some(end) if end <= self.access.len() => {}
            _ => return Err(ConfigError::OutOfRange),
        }
        if offset & T::ALIGN.wrapping_sub(1) != 0 {
            return Err(ConfigError::Unaligned);
        }
        Ok(())
    }

    /// Reads a field. A value that takes several accesses is never put together from two
    /// generations.
    ///
    /// # Errors
    ///
    /// Any [`ConfigError`]; [`ConfigError::Unstable`] only for what takes several accesses.
    pub fn read<T: Field>(&self, offset: usize) -> Result<T, ConfigError> {
        self.check::<T>(offset)?;
        if T::SINGLE && (T::SIZE <= 1 || self.access.has_generation()) {
            return Ok(T::load(self.access, offset));
        }
        self.consistent(|config| Ok(T::load(config.access, offset)))
    }

    /// Reads a field that exists only with a feature which is `present` or not. If it is not, the
    /// device is not asked.
    ///
    /// # Errors
    ///
    /// See [`Self::read`].
    pub fn optional<T: Field>(
        &self,
        present: bool,
        offset: usize,
    ) -> Result<Option<T>, ConfigError> {
        if !present {
            return Ok(None);
        }
        self.read(offset).map(Some)
    }

    /// Reads several fields as they were at one time. What `read` does may be repeated, up to
    /// [`RETRIES`] times; where there is no generation, until it returns the same twice.
    ///
    /// # Errors
    ///
    /// Those of `read`, at once; [`ConfigError::Unstable`] if the device changed its configuration
    /// each time.
    pub fn consistent<R: PartialEq>(
        &self,
        mut read: impl FnMut(&Self) -> Result<R, ConfigError>,
    ) -> Result<R, ConfigError> {
        if self.held {
            return read(self);
        }
        let held = Self {
            access: self.access,
            held: true,
        };
        if !self.access.has_generation() {
            let mut before = read(&held)?;
            for _ in 1..RETRIES {
                let after = read(&held)?;
                if before == after {
                    return Ok(after);
                }
                before = after;
            }
            return Err(ConfigError::Unstable);
        }
        let mut before = self.access.generation();
        for _ in 0..RETRIES {
            let result = read(&held)?;
            let after = self.access.generation();
            if before == after {
                return Ok(result);
            }
            before = after;
        }
        Err(ConfigError::Unstable)
    }

    /// Writes a field.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] or [`ConfigError::Unaligned`].
    pub fn write<T: Field>(&self, offset: usize, value: T) -> Result<(), ConfigError> {
        self.check::<T>(offset)?;
        value.store(self.access, offset);
        Ok(())
    }
}
