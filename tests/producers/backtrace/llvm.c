/* SPDX-License-Identifier: Apache-2.0 */
/* clang -c llvm.c: the compiler crashes where it is told to. */
struct shape {
	int sides;
};

int area(struct shape *shape)
{
#pragma clang __debug crash
	return shape->sides;
}
