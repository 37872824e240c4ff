// SPDX-License-Identifier: GPL-2.0
/*
 * C that Rust cannot call directly: inline functions and macros for which the
 * kernel's own rust/helpers/ has no wrapper. One file a subsystem, sorted
 * alphabetically; each function is named rust_helper_ and the C name.
 */

#include <linux/compiler_types.h>

#define __rust_helper

#include "dma.c"
#include "io.c"
#include "pci.c"
