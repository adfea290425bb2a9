/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What policy_line.c needs of the kernel's headers, for a build in user space.
 */
#ifndef TB_USER_SPACE_H
#define TB_USER_SPACE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <linux/types.h>

typedef __u32 u32;
typedef __u64 u64;

#define U64_MAX ((u64)~0ULL)
#define S64_MAX ((__s64)(U64_MAX >> 1))
#define BIT(number) (1UL << (number))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif /* TB_USER_SPACE_H */
