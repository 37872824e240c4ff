// SPDX-License-Identifier: GPL-2.0
/*
 * Exports the library's Rust symbols and helpers to the driver modules, by the
 * same means as rust/exports.c of the kernel: the v0 mangling gives names that
 * are C identifiers, and all of them are GPL-only.
 */

#include <linux/export.h>

#define EXPORT_SYMBOL_RUST_GPL(sym) extern int sym; EXPORT_SYMBOL_GPL(sym)

#include "exports_generated.h"
