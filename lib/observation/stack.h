/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call stack as a report says it: frames[0] is the crash point, strings as printed (not normalised), NULL where not said.
 * The body of an observation of the signal `stack`. An empty stack is allowed: a report without frames is still a report.
 */
#ifndef WHORL_OBSERVATION_STACK_H
#define WHORL_OBSERVATION_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/observation.h>

#include "base/arena.h"

struct wh_frame {
	const char *function; /* NULL: unknown (`??`) */
	const char *module;   /* path or name as printed */
	const char *module_version;
	const char *build_id;
	const char *file;
	uint32_t line;    /* 0: not said */
	uint64_t offset;  /* within the function where there is one, else within the module */
	uint64_t address;
	const char *trust; /* how an unwinder came to it: "context", "cfi", "frame_pointer", "scan", …; NULL: not said. Not owned: static */
	bool has_offset, has_address;
	bool inlined;    /* no return address of its own */
	bool unreliable; /* the unwinder was guessing (the kernel's `? f`) */
	bool handler;    /* a signal handler's or interrupt's boundary; function is its text: `<signal handler called>`, `</IRQ>` */
};

/* A thread beside the one that crashed. */
struct wh_stack_thread {
	const char *name; /* or number; NULL: not said */
	struct wh_frame *frames;
	size_t n_frames;
};

struct wh_stack {
	struct wh_frame *frames;
	size_t n_frames;
	const char *thread;     /* name or number of the thread that crashed */
	const char *crash_type; /* as bug trackers say it: "Heap-buffer-overflow/READ 4"; lines separated by '\n' */
	/* When a message rather than the frames says what failed (an assertion, a fatal error), the lines that stand for the
	 * first frames of the crash state, separated by '\n'; else NULL. */
	const char *crash_state;
	struct wh_stack_thread *threads; /* the others, where the report has them; no part of a fingerprint */
	size_t n_threads;
};

/* A report being put together: a stack that grows in an arena. */
struct wh_stack_builder {
	struct wh_arena *arena;
	struct wh_stack stack;
	size_t cap;
	bool failed; /* out of memory or over the arena's limit; sticks */
	struct wh_observation observation;
	size_t attributes_cap, threads_cap;
};

#define WH_STACK_MOST_THREADS 4096
#define WH_STACK_MOST_FRAMES 65536 /* further ones are dropped: nobody reads them, and hostile input has no end */

void wh_stack_builder_init(struct wh_stack_builder *, struct wh_arena *);
/* The next frame, zeroed; NULL where it was dropped or memory is short (`failed`). */
struct wh_frame *wh_stack_builder_frame(struct wh_stack_builder *);
/* What was built so far is the stack of another thread than the one that crashed: moves its frames there (no frame is then left), name
 * copied, NULL: not said. Threads beyond WH_STACK_MOST_THREADS are dropped. */
void wh_stack_builder_thread(struct wh_stack_builder *, const char *name);
/* Sets an attribute, replacing one of that name; value is copied (n bytes). Empty values are not kept. */
void wh_stack_builder_attribute(struct wh_stack_builder *, const char *name, const char *value, size_t n);
/* Copies n bytes into the arena; NULL and `failed` where memory is short. */
const char *wh_stack_builder_copy(struct wh_stack_builder *, const char *text, size_t n);
/* The observation, complete; its id is NULL unless the reader sets one. */
struct wh_observation *wh_stack_builder_finish(struct wh_stack_builder *);

#endif
