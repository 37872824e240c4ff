/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The C headers whose declarations bindgen turns into bindings; what is taken
 * from them stands in bindgen_parameters. Sorted alphabetically.
 */

#include <linux/hw_random.h>
