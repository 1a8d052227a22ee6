/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT OR Apache-2.0 */
/*
 * Interface between user space and the privbox module: docs/kernel-abi.md.
 */
#ifndef PRIVBOX_UAPI_H
#define PRIVBOX_UAPI_H

#ifndef __ASSEMBLY__
#include <linux/ioctl.h>
#include <linux/types.h>
#endif

#define PRIVBOX_ABI 1

/* Offsets from privbox_bind.landing. */
#define PRIVBOX_LANDING_ENTER 0x00
#define PRIVBOX_LANDING_EXITED 0x01
#define PRIVBOX_LANDING_RETURN 0x10
#define PRIVBOX_LANDING_RESUME 0x20
#define PRIVBOX_LANDING_RESUME_INT3 0x28
#define PRIVBOX_LANDING_CALLOUT 0x30
#define PRIVBOX_LANDING_BLOCK 0x40
#define PRIVBOX_LANDING_SYSCALL 0x50
#define PRIVBOX_LANDING_SYSCALL_RETURN 0x52
#define PRIVBOX_LANDING_SYSCALL_INT3 0x58
#define PRIVBOX_LANDING_SIZE 0x60

#define PRIVBOX_DIGEST_SIZE 32

#ifndef __ASSEMBLY__
/* Address order; start is relative to the box. */
struct privbox_function {
	__u64 start;
	__u64 size;
};

/* A PT_LOAD segment; start is relative to the box. Address order. */
struct privbox_segment {
	__s64 start;
	__u64 size;
	__u32 flags;		/* PF_R, PF_W, PF_X */
	__u32 reserved;		/* 0 */
};

/* The thunk's table: the clone of a normal function. Run-time addresses. */
struct privbox_map {
	__u64 normal;
	__u64 clone;
};

struct privbox_bind {
	__u32 size;		/* of this struct */
	__u32 abi;		/* PRIVBOX_ABI */
	/* The manifest and what else the digest covers: docs/image-format.md. */
	__u32 manifest_version;
	__u32 gate_version;
	__u32 level;
	__u32 strength;
	__u64 features;
	__u64 base;		/* run-time address of the box */
	__u64 text_start;	/* these five: minus the box's start */
	__u64 text_end;
	__u64 tables_start;
	__u64 tables_end;
	__u64 box_end;
	__u64 functions;	/* address of n_functions struct privbox_function */
	__u64 n_functions;
	__u64 segments;		/* address of n_segments struct privbox_segment */
	__u64 n_segments;
	/* The process. */
	__u64 landing;
	__s64 unsafe_sp;	/* offset of __privbox_unsafe_sp from the FS base */
	__u64 map;		/* address of n_map struct privbox_map */
	__u64 n_map;
	__u64 flags;		/* 0 */
	__u8 digest[PRIVBOX_DIGEST_SIZE];	/* out */
};

struct privbox_thread {
	__u32 size;
	__u32 abi;
	__u64 safe_stack;	/* usable bytes: wish (0: the module's default), and what was given */
	__u64 flags;		/* 0 */
};

#define PRIVBOX_FORK_DROP 1		/* forget the copy */
struct privbox_fork {
	__u32 size;
	__u32 abi;
	__u64 flags;
};

struct privbox_stats {
	__u32 size;
	__u32 abi;
	__u64 entries;
	__u64 gate_calls;	/* system calls through the gate, slow ones included */
	__u64 slow_calls;	/* those of them made by the landing's syscall, or that ended with other work than a switch of context */
	__u64 callouts;
	__u64 demotions;
	__u64 resumes;		/* promotions of suspended states */
	__u64 switches;		/* times that the thread was scheduled away while in the box */
	__u64 safe_stack_peak;	/* bytes that were ever written, page granular */
};

struct privbox_trust {
	__u32 size;
	__u32 abi;
	__u8 digest[PRIVBOX_DIGEST_SIZE];
};

struct privbox_list {
	__u32 size;
	__u32 abi;
	__u64 digests;		/* address of `count` arrays of 32 bytes; 0: only count them */
	__u64 count;		/* room; out: how many there are */
};

#define PRIVBOX_INFO_PTI (1 << 0)		/* page-table isolation is on */
#define PRIVBOX_INFO_ALLOW_SPAP (1 << 1)	/* parameter: level spap runs, for measuring */
#define PRIVBOX_INFO_UNMITIGATED (1 << 2)	/* parameter: CPU bugs are ignored, for measuring */
#define PRIVBOX_INFO_TRANSIENT (1 << 3)		/* parameter: only images of strength transient run */

struct privbox_info {
	__u32 size;
	__u32 abi;
	__u32 gate_version;
	__u32 manifest_version;
	__u64 flags;
	__u64 trusted;		/* number of digests */
	__u64 contexts;		/* threads with a context */
	__u64 default_safe_stack;
	char kernel[64];	/* release that the module was built for */
	char missing[192];	/* CPU bugs that are ignored, comma separated; empty: none */
};

#define PRIVBOX_IOC_INFO _IOWR(0xb7, 0x40, struct privbox_info)
#define PRIVBOX_IOC_TRUST _IOW(0xb7, 0x41, struct privbox_trust)
#define PRIVBOX_IOC_UNTRUST _IOW(0xb7, 0x42, struct privbox_trust)
#define PRIVBOX_IOC_LIST _IOWR(0xb7, 0x43, struct privbox_list)
#define PRIVBOX_IOC_BIND _IOWR(0xb7, 0x44, struct privbox_bind)
#define PRIVBOX_IOC_THREAD _IOWR(0xb7, 0x45, struct privbox_thread)
/* Of a thread that is about to fork: copies its suspended states for the child. */
#define PRIVBOX_IOC_SNAPSHOT _IOW(0xb7, 0x47, struct privbox_fork)
/* In the place of THREAD, in the child: a context with the parent's suspended states. */
#define PRIVBOX_IOC_ADOPT _IOWR(0xb7, 0x48, struct privbox_thread)
#define PRIVBOX_IOC_STATS _IOWR(0xb7, 0x46, struct privbox_stats)
#endif
#endif
