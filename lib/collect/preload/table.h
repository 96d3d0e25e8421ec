/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live allocations per call site, as libwhorl-alloc.so leaves them in a file that the recorder maps: written without locks by the threads
 * of one process, read from outside at any time, whole after the process died of whatever. One file a process and program, FOLDER/alloc.PID;
 * exec puts another in its place (by rename), a forked child makes its own.
 *
 * Allocations are sampled by bytes as a Poisson process: with a mean of m bytes between samples one of s bytes is taken with the
 * probability 1 - exp(-s/m), and stands for 1/that many; so sums of objects and of bytes are unbiased, whatever the sizes, and stay so
 * where m changes on the way. A site is a stack; live is what was made less what was freed.
 *
 * This header is shared by the injected library and the recorder and needs nothing but libc.
 */
#ifndef WHORL_COLLECT_PRELOAD_TABLE_H
#define WHORL_COLLECT_PRELOAD_TABLE_H

#include <stdint.h>

#define WH_ALLOC_MAGIC "whorl-al"
#define WH_ALLOC_VERSION 1
#define WH_ALLOC_FOLDER "WHORL_ALLOC"    /* environment: where tables are put; unset or empty: nothing is sampled */
#define WH_ALLOC_MEAN "WHORL_ALLOC_MEAN" /* environment: the least mean of bytes between samples */
#define WH_ALLOC_MEAN_INITIAL 65536
#define WH_ALLOC_FILE "alloc." /* and the process's number, as it sees it */

#define WH_ALLOC_FRAMES 16
#define WH_ALLOC_SITES 4096
#define WH_ALLOC_INDEX (2 * WH_ALLOC_SITES)
#define WH_ALLOC_MODULES 255
#define WH_ALLOC_HEAD 2048
#define WH_ALLOC_PATH 256
#define WH_ALLOC_ONE 256 /* objects are counted in this fraction of one */

enum wh_alloc_kind { WH_ALLOC_HEAP, WH_ALLOC_MMAP };

struct wh_alloc_module {
	uint32_t ready; /* 1: the rest is there */
	uint32_t n_head;
	uint64_t base; /* where it begins in memory */
	char path[WH_ALLOC_PATH];
	unsigned char head[WH_ALLOC_HEAD]; /* its first bytes in memory: the build-id is in them */
};

struct wh_alloc_site {
	uint32_t ready; /* 1: frames are there */
	uint8_t n_frames, kind;
	uint64_t hash;
	/* The innermost first, without the library's own: module (from 1, 0: in none) << 48 | offset from where the module begins. */
	uint64_t frames[WH_ALLOC_FRAMES];
	uint32_t into[WH_ALLOC_FRAMES]; /* bytes from the beginning of the function, as its unwind table says, to the address: what names a stripped one */
	uint64_t made_objects, made_bytes, freed_objects, freed_bytes; /* only ever added to */
};

struct wh_alloc_table {
	char magic[8];
	uint32_t version, pid;
	uint64_t samples;     /* taken */
	uint64_t lost;        /* taken, but without a place to remember them: counted nowhere else */
	uint64_t failed;      /* allocations that the allocator refused; all, not sampled */
	uint64_t nanoseconds; /* that sampling took */
	uint64_t mean;        /* bytes between samples, now */
	uint32_t n_sites, n_modules; /* given out; at most WH_ALLOC_SITES, WH_ALLOC_MODULES count */
	uint32_t index[WH_ALLOC_INDEX]; /* by hash: site + 1; 0 free, UINT32_MAX being filled */
	struct wh_alloc_module modules[WH_ALLOC_MODULES];
	struct wh_alloc_site sites[WH_ALLOC_SITES];
};

#endif
