/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oneDNN's matrix product: single precision, which on some processors outruns OpenBLAS, and bfloat16 operands with sums in single precision,
 * where the processor multiplies them natively. Both are looked up in oneDNN's own cache of compiled kernels.
 */
#include <dnnl.h>
#include <stdint.h>
#include <string.h>

#include "math/clones.h"
#include "math/compute.h"

/* Of the OpenMP runtime that oneDNN runs on: how many threads the calling one starts. */
extern int omp_get_max_threads(void);
extern void omp_set_num_threads(int);

struct product {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	dnnl_primitive_desc_t description;
	dnnl_primitive_t primitive;
	dnnl_memory_t a, b, c;
};

static dnnl_status_t describe(dnnl_memory_desc_t *desc, size_t rows, size_t columns, size_t ld, bool transposed, dnnl_data_type_t type)
{
	const dnnl_dims_t dims = { (dnnl_dim_t)rows, (dnnl_dim_t)columns };
	const dnnl_dims_t strides = { transposed ? 1 : (dnnl_dim_t)ld, transposed ? (dnnl_dim_t)ld : 1 };
	return dnnl_memory_desc_init_by_strides(desc, 2, dims, type, strides);
}

static dnnl_status_t prepare(struct product *product, const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b, const dnnl_memory_desc_t *c,
			     bool add)
{
	dnnl_primitive_attr_t attributes = NULL;
	dnnl_post_ops_t after = NULL;
	dnnl_matmul_desc_t matmul;
	dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
	if (!status && add && !(status = dnnl_post_ops_create(&after)) && !(status = dnnl_post_ops_append_sum(after, 1)))
		status = dnnl_primitive_attr_set_post_ops(attributes, after);
	if (!status)
		status = dnnl_matmul_desc_init(&matmul, a, b, NULL, c);
	if (!status)
		status = dnnl_primitive_desc_create(&product->description, &matmul, attributes, product->engine, NULL);
	if (!status)
		status = dnnl_primitive_create(&product->primitive, product->description);
	dnnl_post_ops_destroy(after);
	dnnl_primitive_attr_destroy(attributes);
	return status;
}

/* Where n is 1 or k is, a stride of that axis is of no meaning to the product but checked by oneDNN: rows as they lie suffice. */
static dnnl_status_t run(struct product *product, dnnl_data_type_t type, bool ta, bool tb, size_t m, size_t n, size_t k, const void *a,
			 size_t lda, const void *b, size_t ldb, bool add, float *c, size_t ldc)
{
	dnnl_memory_desc_t as, bs, cs;
	dnnl_status_t status = dnnl_engine_create(&product->engine, dnnl_cpu, 0);
	if (!status)
		status = dnnl_stream_create(&product->stream, product->engine, dnnl_stream_in_order);
	if (!status && !(status = describe(&as, m, k, lda, ta, type)) && !(status = describe(&bs, k, n, ldb, tb, type)))
		status = describe(&cs, m, n, ldc, false, dnnl_f32);
	if (!status)
		status = prepare(product, &as, &bs, &cs, add);
	if (!status)
		status = dnnl_memory_create(&product->a, &as, product->engine, (void *)a);
	if (!status)
		status = dnnl_memory_create(&product->b, &bs, product->engine, (void *)b);
	if (!status)
		status = dnnl_memory_create(&product->c, &cs, product->engine, c);
	const dnnl_exec_arg_t arguments[] = { { DNNL_ARG_SRC, product->a }, { DNNL_ARG_WEIGHTS, product->b }, { DNNL_ARG_DST, product->c } };
	if (!status)
		status = dnnl_primitive_execute(product->primitive, product->stream, 3, arguments);
	return status ? status : dnnl_stream_wait(product->stream);
}

static int gemm(dnnl_data_type_t type, bool ta, bool tb, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *b, size_t ldb,
		bool add, float *c, size_t ldc, struct wh_err *err)
{
	struct product product = { 0 };
	int team = omp_get_max_threads(); /* what the program around us set */
	omp_set_num_threads(1);
	dnnl_status_t status = run(&product, type, ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc);
	omp_set_num_threads(team);
	/* each of them accepts NULL */
	dnnl_memory_destroy(product.a);
	dnnl_memory_destroy(product.b);
	dnnl_memory_destroy(product.c);
	dnnl_primitive_destroy(product.primitive);
	dnnl_primitive_desc_destroy(product.description);
	dnnl_stream_destroy(product.stream);
	dnnl_engine_destroy(product.engine);
	if (status == dnnl_out_of_memory)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (status)
		return wh_err_set(err, WH_E_INTERNAL, "oneDNN refuses a product of %zu x %zu x %zu: status %d", m, k, n, (int)status);
	return WH_OK;
}

static int gemm_f32(bool ta, bool tb, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *b, size_t ldb, bool add, float *c,
		    size_t ldc, struct wh_err *err)
{
	return gemm(dnnl_f32, ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc, err);
}

static int gemm_bf16(bool ta, bool tb, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *b, size_t ldb, bool add, float *c,
		     size_t ldc, struct wh_err *err)
{
	return gemm(dnnl_bf16, ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc, err);
}

/* The upper half of a float, to nearest, ties to even; a NaN stays one. */
WH_CLONES static void round_bf16(size_t n, const float *x, void *operand)
{
	uint16_t *out = operand;
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;
		memcpy(&bits, &x[i], sizeof bits);
		uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
		out[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
	}
}

static bool has_bf16(void)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512bf16");
#else
	return false;
#endif
}

const struct wh_compute wh_compute_onednn = {
	.name = "fp32-onednn",
	.summary = "single precision, oneDNN",
	.operand = sizeof(float),
	.precision = 0,
	.gemm = gemm_f32,
};

const struct wh_compute wh_compute_bf16 = {
	.name = "bf16",
	.summary = "operands in bfloat16, sums in single precision, oneDNN",
	.operand = sizeof(uint16_t),
	.precision = 0x1p-8,
	.available = has_bf16,
	.round = round_bf16,
	.gemm = gemm_bf16,
};
