/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) 2026 The virtio-rust authors */
/*
 * Marks for the plugin: a nop of seven bytes with an address that it does not use. No
 * compiler writes such an address.
 */
#ifndef MARK_H
#define MARK_H

#define MARK_BEGIN 0x76697231
#define MARK_END 0x76697232

/* nopl MARK(%rax) */
#define MARK_BYTES(mark) \
	0x0f, 0x1f, 0x80, (mark) & 0xff, ((mark) >> 8) & 0xff, ((mark) >> 16) & 0xff, ((mark) >> 24) & 0xff

#define MARK_HERE(mark) __asm__ volatile("nopl %c0(%%rax)" : : "i"(mark) : "memory")

#endif
