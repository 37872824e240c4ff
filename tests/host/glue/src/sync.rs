// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Synchronisation.

pub use std::sync::Arc;

/// Barriers, which remember that they were made.
pub mod barrier {
    use std::cell::RefCell;

    thread_local! {
        /// Those made since the last look.
        static MADE: RefCell<Vec<(Flavour, Order)>> = const { RefCell::new(Vec::new()) };
    }

    /// Against whom.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Flavour {
        /// `mb()` and its like: everybody.
        All,
        /// `smp_mb()` and its like: other processors.
        Smp,
        /// `dma_mb()` and its like: devices that share coherent memory.
        Dma,
    }

    /// What is ordered.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Order {
        /// Everything.
        Full,
        /// Reads.
        Read,
        /// Writes.
        Write,
    }

    /// A type that stands for an order.
    pub trait Ordering {
        /// Which one.
        const ORDER: Order;
    }

    macro_rules! ordering {
        ($($name:ident)*) => {$(
            #[doc = concat!("See [`Order::", stringify!($name), "`].")]
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl Ordering for $name {
                const ORDER: Order = Order::$name;
            }
        )*};
    }
    ordering!(Full Read Write);

    /// Remembers a barrier.
    fn note<T: Ordering>(flavour: Flavour) {
        MADE.with_borrow_mut(|made| made.push((flavour, T::ORDER)));
    }

    /// Against everybody.
    pub fn mb<T: Ordering>(_: T) {
        note::<T>(Flavour::All);
    }

    /// Against other processors.
    pub fn smp_mb<T: Ordering>(_: T) {
        note::<T>(Flavour::Smp);
    }

    /// Against devices.
    pub fn dma_mb<T: Ordering>(_: T) {
        note::<T>(Flavour::Dma);
    }

    /// What this thread has made since the last call.
    pub fn take_made() -> Vec<(Flavour, Order)> {
        MADE.take()
    }
}
