/* SPDX-License-Identifier: Apache-2.0 */
#include "math/dense.h"

#include <cblas.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/thread.h"

/* Debian's OpenBLAS brings LAPACK without LAPACKE's header: its Fortran symbols, as gfortran names them. */
extern void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a, const int *lda, const double *vl,
		    const double *vu, const int *il, const int *iu, const double *abstol, int *m, double *w, double *z, const int *ldz,
		    int *isuppz, double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t, size_t);
extern void ssyevr_(const char *jobz, const char *range, const char *uplo, const int *n, float *a, const int *lda, const float *vl,
		    const float *vu, const int *il, const int *iu, const float *abstol, int *m, float *w, float *z, const int *ldz,
		    int *isuppz, float *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t, size_t);
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
extern void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t);

enum { GRAM_ROWS = 256 };

static void one_thread(void)
{
	if (openblas_get_num_threads() != 1)
		openblas_set_num_threads(1);
}

static CBLAS_TRANSPOSE transpose(bool t)
{
	return t ? CblasTrans : CblasNoTrans;
}

void wh_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b, size_t ldb,
	     float beta, float *c, size_t ldc)
{
	one_thread();
	cblas_sgemm(CblasRowMajor, transpose(ta), transpose(tb), (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

void wh_gemm_double(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda, const double *b, size_t ldb,
		    double beta, double *c, size_t ldc)
{
	one_thread();
	cblas_dgemm(CblasRowMajor, transpose(ta), transpose(tb), (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

void wh_syrk(bool ta, size_t n, size_t k, float alpha, const float *a, size_t lda, float beta, float *c, size_t ldc)
{
	one_thread();
	cblas_ssyrk(CblasRowMajor, CblasLower, transpose(ta), (int)n, (int)k, alpha, a, (int)lda, beta, c, (int)ldc);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			c[j * ldc + i] = c[i * ldc + j];
}

struct gram {
	const float *x;
	size_t n, d, ldx;
	float *g;
};

/* Rows first … last-1 of the lower half. */
static int gram_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct gram *gram = user;
	wh_gemm(false, true, last - first, last, gram->d, 1, gram->x + first * gram->ldx, gram->ldx, gram->x, gram->ldx, 0,
		gram->g + first * gram->n, gram->n);
	return WH_OK;
}

int wh_gram(const float *x, size_t n, size_t d, size_t ldx, float *g, const struct wh_host *host, struct wh_err *err)
{
	struct gram gram = { x, n, d, ldx, g };
	WH_TRY(wh_parallel(host, NULL, n, GRAM_ROWS, gram_rows, &gram, err));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			g[j * n + i] = g[i * n + j];
	return WH_OK;
}

void wh_gemv(bool t, size_t m, size_t n, float alpha, const float *a, size_t lda, const float *x, float beta, float *y)
{
	one_thread();
	cblas_sgemv(CblasRowMajor, transpose(t), (int)(t ? n : m), (int)(t ? m : n), alpha, a, (int)lda, x, 1, beta, y, 1);
}

float wh_dot(size_t n, const float *x, const float *y)
{
	one_thread();
	return cblas_sdot((int)n, x, 1, y, 1);
}

void wh_axpy(size_t n, float alpha, const float *x, float *y)
{
	one_thread();
	cblas_saxpy((int)n, alpha, x, 1, y, 1);
}

/* n^2 elements are counted in int within LAPACK. */
static int check_order(size_t n, struct wh_err *err)
{
	return n <= 46340 ? WH_OK : wh_err_set(err, WH_E_LIMIT, "a matrix of order %zu is too large to decompose", n);
}

static int not_finite(struct wh_err *err)
{
	return wh_err_set(err, WH_E_USAGE, "a matrix to decompose holds what is no finite number");
}

/* One text for both precisions; row-major symmetric is column-major symmetric, and eigenvectors in columns are rows of ours. */
#define EIGEN(name, real, syevr)                                                                                                        \
	int name(size_t n, real *a, real *values, real *vectors, struct wh_err *err)                                                    \
	{                                                                                                                               \
		WH_TRY(check_order(n, err));                                                                                            \
		if (!n)                                                                                                                 \
			return WH_OK;                                                                                                   \
		for (size_t i = 0; i < n * n; i++)                                                                                      \
			if (!isfinite(a[i]))                                                                                            \
				return not_finite(err);                                                                                 \
		one_thread();                                                                                                           \
		int order = (int)n, found = 0, info = 0, ask = -1, n_iwork = 0;                                                         \
		real zero = 0, n_work = 0;                                                                                              \
		int *support = malloc(2 * n * sizeof *support);                                                                         \
		if (!support)                                                                                                           \
			return wh_err_set(err, WH_E_NOMEM, "out of memory");                                                            \
		syevr("V", "A", "U", &order, a, &order, &zero, &zero, &order, &order, &zero, &found, values, vectors, &order, support,  \
		      &n_work, &ask, &n_iwork, &ask, &info, 1, 1, 1);                                                                   \
		int lwork = (int)n_work, liwork = n_iwork;                                                                              \
		real *work = malloc((size_t)lwork * sizeof *work);                                                                      \
		int *iwork = malloc((size_t)liwork * sizeof *iwork);                                                                    \
		int code = work && iwork ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");                                        \
		if (code == WH_OK) {                                                                                                    \
			syevr("V", "A", "U", &order, a, &order, &zero, &zero, &order, &order, &zero, &found, values, vectors, &order,   \
			      support, work, &lwork, iwork, &liwork, &info, 1, 1, 1);                                                   \
			if (info)                                                                                                       \
				code = wh_err_set(err, WH_E_USAGE, "the eigenvalues of a matrix of order %zu did not converge", n);     \
		}                                                                                                                       \
		for (size_t i = 0; code == WH_OK && i < n; i++) {                                                                       \
			real *row = vectors + i * n, most = 0;                                                                          \
			for (size_t j = 0; j < n; j++)                                                                                  \
				if ((real)fabs((double)row[j]) > (real)fabs((double)most))                                              \
					most = row[j];                                                                                  \
			for (size_t j = 0; most < 0 && j < n; j++)                                                                      \
				row[j] = -row[j];                                                                                       \
		}                                                                                                                       \
		free(support);                                                                                                          \
		free(work);                                                                                                             \
		free(iwork);                                                                                                            \
		return code;                                                                                                            \
	}

EIGEN(wh_eigen, double, dsyevr_)
EIGEN(wh_eigen_float, float, ssyevr_)

/* Our lower half is LAPACK's upper one. */
#define CHOLESKY(name, real, potrf)                                                                                                     \
	int name(size_t n, real *a, struct wh_err *err)                                                                                 \
	{                                                                                                                               \
		WH_TRY(check_order(n, err));                                                                                            \
		if (!n)                                                                                                                 \
			return WH_OK;                                                                                                   \
		one_thread();                                                                                                           \
		int order = (int)n, info = 0;                                                                                           \
		potrf("U", &order, a, &order, &info, 1);                                                                                \
		if (info)                                                                                                               \
			return wh_err_set(err, WH_E_USAGE, "a matrix of order %zu is not positive definite", n);                        \
		for (size_t i = 0; i < n; i++) {                                                                                        \
			if (!isfinite(a[i * n + i]))                                                                                    \
				return not_finite(err);                                                                                 \
			memset(a + i * n + i + 1, 0, (n - i - 1) * sizeof *a);                                                          \
		}                                                                                                                       \
		return WH_OK;                                                                                                           \
	}

CHOLESKY(wh_cholesky, double, dpotrf_)
CHOLESKY(wh_cholesky_float, float, spotrf_)

static const char *widest_vectors(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl"))
		return "AVX-512";
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return "AVX2";
	return __builtin_cpu_supports("avx") ? "AVX" : "SSE";
#else
	return "NEON";
#endif
}

/* Names of OpenBLAS's x86 kernels by what they are written in; others use no more than SSE. */
static const struct {
	const char *name, *vectors;
} KERNELS[] = {
	{ "SkylakeX", "AVX-512" }, { "Cooperlake", "AVX-512" }, { "SapphireRapids", "AVX-512" }, { "Haswell", "AVX2" }, { "Zen", "AVX2" },
	{ "Excavator", "AVX2" }, { "Steamroller", "AVX" },	{ "Piledriver", "AVX" },	 { "Bulldozer", "AVX" }, { "Sandybridge", "AVX" },
};

static int width(const char *vectors)
{
	static const char *const ASCENDING[] = { "SSE", "AVX", "AVX2", "AVX-512" };
	for (int i = 0; i < 4; i++)
		if (!strcmp(vectors, ASCENDING[i]))
			return i;
	return -1; /* not x86: any kernels have the only vectors there are */
}

bool wh_kernels_fit(const char *name, const char *widest)
{
	const char *uses = "SSE";
	for (size_t i = 0; i < sizeof KERNELS / sizeof *KERNELS; i++)
		if (!strcasecmp(name, KERNELS[i].name))
			uses = KERNELS[i].vectors;
	return width(uses) >= width(widest);
}

struct wh_kernels wh_math_kernels(void)
{
	const char *name = openblas_get_corename(), *widest = widest_vectors();
	return (struct wh_kernels){ name, widest, wh_kernels_fit(name, widest) };
}
