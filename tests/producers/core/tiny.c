/* SPDX-License-Identifier: Apache-2.0 */
/* A program without a library, so small that it can be kept beside its core: make.sh. */
#define KEEP __attribute__((noinline, noclone, used))

static int *volatile nowhere;
static volatile int depth = 2;

static inline __attribute__((always_inline)) int load(int *p)
{
	return *p + 1;
}

KEEP int inner(int n)
{
	return load(nowhere) + n;
}

KEEP int middle(int n)
{
	return n ? middle(n - 1) + 1 : inner(n) + 2;
}

KEEP int outer(void)
{
	volatile int room[24];
	room[depth] = middle(depth);
	return room[depth] + 1;
}

KEEP void begin(void)
{
	outer();
	for (;;)
		;
}

#if defined __x86_64__
__asm__(".globl _start\n.type _start,@function\n_start: .cfi_startproc\n.cfi_undefined rip\nxor %ebp,%ebp\nand $-16,%rsp\ncall begin\nhlt\n.cfi_endproc\n.size _start,.-_start");
#elif defined __i386__
__asm__(".globl _start\n.type _start,@function\n_start: .cfi_startproc\n.cfi_undefined eip\nxor %ebp,%ebp\nand $-16,%esp\ncall begin\nhlt\n.cfi_endproc\n.size _start,.-_start");
#elif defined __aarch64__
__asm__(".globl _start\n.type _start,%function\n_start: .cfi_startproc\n.cfi_undefined x30\nmov x29,#0\nbl begin\nbrk #1\n.cfi_endproc\n.size _start,.-_start");
#elif defined __arm__
void __aeabi_unwind_cpp_pr0(void) {} /* what its tables refer to */
void __aeabi_unwind_cpp_pr1(void) {}
__asm__(".globl _start\n.type _start,%function\n_start: .fnstart\n.cantunwind\nmov r11,#0\nbl begin\nudf #1\n.fnend\n.size _start,.-_start");
#endif
