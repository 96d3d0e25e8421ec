/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/core/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* sanitizers reserve terabytes, and call what they like */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* ---- users and capabilities ---- */

static int drop_user(uid_t uid, gid_t gid)
{
	if (geteuid() != 0)
		return 0;
	for (int capability = 0; capability < 64; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) && errno == EINVAL)
			break; /* beyond the last that this kernel knows */
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -1;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	if (syscall(SYS_capset, &head, none))
		return -1;
	if (uid && !setuid(0)) { /* what was given up can be had again: it was not given up */
		errno = EPERM;
		return -1;
	}
	return 0;
}

/* ---- resources ---- */

static void limit(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit now;
	if (getrlimit(resource, &now))
		return;
	if (most < now.rlim_max)
		now.rlim_max = most;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	(void)!setrlimit(resource, &now); /* lowering is always allowed */
}

static void limit_resources(uint64_t file_bytes)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, 32);
	limit(RLIMIT_FSIZE, file_bytes);
	limit(RLIMIT_CPU, 600);
#ifndef SANITIZED
	limit(RLIMIT_AS, (rlim_t)256 << 20);
#endif
}

/* ---- system calls ---- */

#if defined(ARCHITECTURE) && !defined(SANITIZED)
static int filter_calls(void)
{
	static const int allowed[] = {
		SYS_read, SYS_write, SYS_pwrite64, SYS_close, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_openat, SYS_unlinkat,
		SYS_renameat2, SYS_linkat, SYS_fsync, SYS_fdatasync, SYS_fallocate, SYS_getdents64, SYS_lseek, SYS_flock, SYS_fcntl,
		SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_futex, SYS_ppoll, SYS_clock_gettime,
		SYS_clock_nanosleep, SYS_nanosleep, SYS_getrandom, SYS_getpid, SYS_gettid, SYS_tgkill, SYS_rt_sigaction,
		SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit, SYS_exit_group,
#ifdef SYS_poll
		SYS_poll,
#endif
#ifdef SYS_renameat
		SYS_renameat,
#endif
	};
	enum { N = sizeof allowed / sizeof *allowed };
	struct sock_filter program[3 + N + 2 + 1];
	size_t n = 0;
	program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, N + 1);
	program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < N; i++)
		program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i], (unsigned char)(N - i), 0);
	/* not a signal: libc falls back to what it used before, or fails */
	program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog filter = { (unsigned short)n, program };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) && errno != EINVAL) /* EINVAL: a kernel without filters */
		return -1;
	return 0;
}
#else
static int filter_calls(void)
{
	return 0;
}
#endif

int wh_jail_enter(uid_t uid, gid_t gid, uint64_t file_bytes)
{
	if (drop_user(uid, gid) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	limit_resources(file_bytes);
	return filter_calls();
}
