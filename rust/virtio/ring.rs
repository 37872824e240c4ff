// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Virtqueue rings.
//!
//! What is here knows the rules of a ring and nothing of where it lies: memory and barriers come
//! through a trait. It depends on [`core`] only, so the same source is built into the module and
//! into host tests.

pub mod descriptor;
pub mod event;
pub mod layout;
pub mod split;
