// SPDX-License-Identifier: GPL-2.0
// Copyright (C) 2026 The virtio-rust authors
//
// Work whose beginning and end are marked, so that nothing but it is counted: starting fio
// executes more instructions than a thousand requests.
//
//	load aio PATH read|write random|sequential SIZE DEPTH COUNT
//	load read PATH SIZE COUNT
//
// The first keeps DEPTH requests of SIZE bytes in flight by Linux' asynchronous requests,
// submitted one by one as fio does by default. A tenth of COUNT passes before the mark. The
// second reads COUNT times. Both print the requests that were made in total, with those
// outside the marks.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mark.h"

#define PAGE 4096

static void need(int true, const char *what)
{
	if (!true) {
		fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
		exit(1);
	}
}

// A buffer in which no two pages are neighbours in physical memory, so that each run has as
// many segments as any other: the same page again and again.
static char *buffer(size_t size)
{
	int fd = memfd_create("buffer", 0);
	char *memory;

	size = (size + PAGE - 1) / PAGE * PAGE;
	need(fd >= 0 && !ftruncate(fd, PAGE), "memfd");
	memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(memory != MAP_FAILED, "mmap");
	for (size_t at = 0; at < size; at += PAGE) {
		void *page = mmap(memory + at, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0);

		need(page == memory + at, "mmap");
		memory[at] = 0x5a;
	}
	close(fd);
	return memory;
}

struct target {
	int fd;
	uint64_t blocks;
	size_t size;
	int write, random;
	uint64_t next, state;
};

// Where the next request goes: xorshift64, the same in each run.
static uint64_t offset(struct target *target)
{
	if (!target->random)
		return target->next++ % target->blocks * target->size;
	target->state ^= target->state << 13;
	target->state ^= target->state >> 7;
	target->state ^= target->state << 17;
	return target->state % target->blocks * target->size;
}

static void submit(struct target *target, aio_context_t context, struct iocb *request)
{
	request->aio_lio_opcode = target->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
	request->aio_fildes = target->fd;
	request->aio_nbytes = target->size;
	request->aio_offset = offset(target);
	need(syscall(SYS_io_submit, context, 1L, &request) == 1, "io_submit");
}

static void aio(char **argv)
{
	struct target target = {
		.write = !strcmp(argv[3], "write"),
		.random = !strcmp(argv[4], "random"),
		.size = strtoul(argv[5], NULL, 0),
		.state = 0x9e3779b97f4a7c15,
	};
	long depth = atol(argv[6]), count = atol(argv[7]), before = count / 10 + depth, done = 0, got;
	struct io_event events[depth];
	struct iocb requests[depth];
	aio_context_t context = 0;
	uint64_t bytes = 0;

	target.fd = open(argv[2], (target.write ? O_RDWR : O_RDONLY) | O_DIRECT);
	need(target.fd >= 0, argv[2]);
	need(!ioctl(target.fd, BLKGETSIZE64, &bytes) && bytes >= target.size, "size of the device");
	target.blocks = bytes / target.size;
	need(!syscall(SYS_io_setup, depth, &context), "io_setup");
	memset(requests, 0, sizeof(requests));
	for (long i = 0; i < depth; i++) {
		requests[i].aio_buf = (uintptr_t)buffer(target.size);
		requests[i].aio_data = i;
		submit(&target, context, &requests[i]);
	}

	// In flight are as many at the end as at the beginning.
	for (long phase = 0; phase < 2; phase++) {
		long until = phase ? before + count : before;

		if (phase)
			MARK_HERE(MARK_BEGIN);
		while (done < until) {
			long most = until - done < depth ? until - done : depth;

			got = syscall(SYS_io_getevents, context, 1L, most, events, NULL);
			need(got > 0, "io_getevents");
			for (long i = 0; i < got; i++) {
				need(events[i].res == (int64_t)target.size, "a request");
				submit(&target, context, &requests[events[i].data]);
			}
			done += got;
		}
	}
	MARK_HERE(MARK_END);

	for (long left = depth; left > 0; left -= got) {
		got = syscall(SYS_io_getevents, context, 1L, left, events, NULL);
		need(got > 0, "io_getevents");
	}
	printf("%ld\n", done + depth);
}

static void reading(char **argv)
{
	size_t size = strtoul(argv[3], NULL, 0);
	long count = atol(argv[4]), before = count / 10 + 1;
	int fd = open(argv[2], O_RDONLY);
	char *memory = buffer(size);

	need(fd >= 0, argv[2]);
	for (long i = 0; i < before + count; i++) {
		if (i == before)
			MARK_HERE(MARK_BEGIN);
		need(read(fd, memory, size) == (ssize_t)size, "read");
	}
	MARK_HERE(MARK_END);
	printf("%ld\n", before + count);
}

int main(int argc, char **argv)
{
	if (argc == 8 && !strcmp(argv[1], "aio")) {
		aio(argv);
	} else if (argc == 5 && !strcmp(argv[1], "read")) {
		reading(argv);
	} else {
		fprintf(stderr, "usage: see load.c\n");
		return 2;
	}
	return 0;
}
