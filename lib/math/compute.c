/* SPDX-License-Identifier: Apache-2.0 */
#include "math/compute.h"

#include <string.h>

#include "math/dense.h"

static int openblas_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *b, size_t ldb, bool add,
			 float *c, size_t ldc, struct wh_err *err)
{
	wh_gemm(ta, tb, m, n, k, 1, a, lda, b, ldb, add ? 1 : 0, c, ldc);
	return WH_OK;
}

static const struct wh_compute OPENBLAS = {
	.name = "fp32",
	.summary = "single precision, OpenBLAS: the reference",
	.operand = sizeof(float),
	.precision = 0,
	.gemm = openblas_gemm,
};

const struct wh_compute *const wh_computes[] = {
	&OPENBLAS,
#ifdef WH_WITH_DNNL
	&wh_compute_onednn,
	&wh_compute_bf16,
#endif
	NULL,
};

const struct wh_compute *wh_compute_find(const char *name)
{
	for (size_t i = 0; wh_computes[i]; i++)
		if (!name || !strcmp(name, wh_computes[i]->name))
			return wh_computes[i]->available && !wh_computes[i]->available() ? NULL : wh_computes[i];
	return NULL;
}
