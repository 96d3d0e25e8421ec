/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dense linear algebra over OpenBLAS: row-major floats, sizes below 2^31, leading dimensions in elements.
 *
 * Invariant: BLAS runs on the thread that calls it and starts none of its own; parallel work is ours (wh_parallel) and cuts a product
 * into pieces that depend on its shape alone, so that any number of threads gives the same bits on one kind of processor.
 */
#ifndef WHORL_MATH_DENSE_H
#define WHORL_MATH_DENSE_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>
#include <whorl/host.h>

/* c[m x n] = alpha op(a) op(b) + beta c, with op(a) m x k and op(b) k x n; ta: a is stored transposed, k x m. beta = 0: c is not read. */
void wh_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b, size_t ldb,
	     float beta, float *c, size_t ldc);

/* The same in double, where sums decide: half the speed. */
void wh_gemm_double(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda, const double *b, size_t ldb,
		    double beta, double *c, size_t ldc);

/* c[n x n] = alpha a a' + beta c with a n x k; ta: a' a with a k x n. c is symmetric before, and both its halves after. */
void wh_syrk(bool ta, size_t n, size_t k, float alpha, const float *a, size_t lda, float beta, float *c, size_t ldc);

/* g[n x n] = x x' of n rows of length d, on the host's threads. Errors: WH_E_CANCELLED. */
int wh_gram(const float *x, size_t n, size_t d, size_t ldx, float *g, const struct wh_host *, struct wh_err *) WH_NODISCARD;

/* y[m] = alpha op(a) x + beta y, a stored m x n (t: n x m). */
void wh_gemv(bool t, size_t m, size_t n, float alpha, const float *a, size_t lda, const float *x, float beta, float *y);
float wh_dot(size_t n, const float *x, const float *y);
/* y += alpha x */
void wh_axpy(size_t n, float alpha, const float *x, float *y);

/*
 * Eigen-decomposition of a symmetric a[n x n], overwritten: values[n] ascend, row i of vectors[n x n] is the unit eigenvector of
 * values[i], its sign such that the element of largest magnitude (the first of equals) is positive. Relatively robust
 * representations (LAPACK syevr). Errors: WH_E_NOMEM, WH_E_LIMIT (n), WH_E_USAGE (not finite, or no convergence).
 */
int wh_eigen(size_t n, double *a, double *values, double *vectors, struct wh_err *) WH_NODISCARD;
int wh_eigen_float(size_t n, float *a, float *values, float *vectors, struct wh_err *) WH_NODISCARD;

/* a[n x n] = l l', l in the lower half, zeroes above. Errors: WH_E_LIMIT (n), WH_E_USAGE: not positive definite. */
int wh_cholesky(size_t n, double *a, struct wh_err *) WH_NODISCARD;
int wh_cholesky_float(size_t n, float *a, struct wh_err *) WH_NODISCARD;

/* Which kernels of OpenBLAS run here, as it calls them, and whether they use the widest vectors that the processor has. They do not where
 * the environment names others (OPENBLAS_CORETYPE) or the library is older than the processor: half the speed and less. */
struct wh_kernels {
	const char *name;    /* static */
	const char *widest;  /* the processor's vectors: "AVX-512", "AVX2", "AVX", "SSE", "NEON" */
	bool fit;
};
struct wh_kernels wh_math_kernels(void);
/* What `fit` says of kernels of that name on a processor with those vectors. */
bool wh_kernels_fit(const char *name, const char *widest);

#endif
