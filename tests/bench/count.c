// SPDX-License-Identifier: GPL-2.0
// Copyright (C) 2026 The virtio-rust authors
//
// A plugin of QEMU's emulation: counts the instructions that a guest's kernel executes
// between two marks, by block of code. A mark is an instruction that does nothing and that
// nobody else uses, see mark.h.
//
//	-plugin count.so,out=PREFIX
//
// At each closing mark a file is written, PREFIX.0, PREFIX.1, ...: a line for each block that
// was executed, with its address (hexadecimal), its instructions, and how often it was.
//
// Debian packages QEMU without the header of its plugins, so what is used of it is declared
// here. Version 7 is that of QEMU 11; another QEMU refuses the plugin and says so.

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;

struct qemu_plugin_u64 {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
};

enum { NO_REGISTERS = 0 };
enum { INLINE_ADD = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(struct qemu_plugin_tb *, void *), void *data);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, int op,
						       struct qemu_plugin_u64 entry, uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*cb)(unsigned int, void *),
					    int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
uint64_t qemu_plugin_u64_sum(struct qemu_plugin_u64 entry);
void qemu_plugin_u64_set(struct qemu_plugin_u64 entry, unsigned int vcpu, uint64_t value);

EXPORT int qemu_plugin_version = 7;

// A block that is translated again gets another slot.
#define SLOTS (1u << 20)

static struct block {
	uint64_t address;
	uint32_t instructions;
} blocks[SLOTS];
static unsigned int used;
static struct qemu_plugin_scoreboard *counters;
static const char *prefix = "count";
static unsigned int files;

static struct qemu_plugin_u64 counter(unsigned int slot)
{
	return (struct qemu_plugin_u64){ counters, slot * sizeof(uint64_t) };
}

static void begin(unsigned int vcpu, void *data)
{
	(void)data;
	for (unsigned int slot = 0; slot < used; slot++)
		qemu_plugin_u64_set(counter(slot), vcpu, 0);
}

static void end(unsigned int vcpu, void *data)
{
	char path[4096];
	FILE *file;

	(void)vcpu;
	(void)data;
	snprintf(path, sizeof(path), "%s.%u", prefix, files++);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		abort();
	}
	for (unsigned int slot = 0; slot < used; slot++) {
		uint64_t times = qemu_plugin_u64_sum(counter(slot));

		if (times)
			fprintf(file, "%" PRIx64 " %" PRIu32 " %" PRIu64 "\n", blocks[slot].address,
				blocks[slot].instructions, times);
	}
	fclose(file);
}

static void look_for_marks(struct qemu_plugin_tb *tb)
{
	static const uint8_t first[] = { MARK_BYTES(MARK_BEGIN) }, last[] = { MARK_BYTES(MARK_END) };
	size_t n = qemu_plugin_tb_n_insns(tb);

	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint8_t bytes[sizeof(first)];

		if (qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) != sizeof(bytes))
			continue;
		if (!memcmp(bytes, first, sizeof(bytes)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, NO_REGISTERS, NULL);
		else if (!memcmp(bytes, last, sizeof(bytes)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end, NO_REGISTERS, NULL);
	}
}

static void translated(struct qemu_plugin_tb *tb, void *data)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);

	(void)data;
	// Programs are below, the kernel is above.
	if (!(address >> 63)) {
		look_for_marks(tb);
		return;
	}
	if (used == SLOTS) {
		fprintf(stderr, "count: too many blocks\n");
		abort();
	}
	blocks[used].address = address;
	blocks[used].instructions = qemu_plugin_tb_n_insns(tb);
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, INLINE_ADD, counter(used), 1);
	used++;
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			prefix = strdup(argv[i] + 4);
	counters = qemu_plugin_scoreboard_new(SLOTS * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated, NULL);
	return 0;
}
