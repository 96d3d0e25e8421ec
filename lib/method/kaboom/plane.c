/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/plane.h"

#include <stdlib.h>

static const double SHARE = 0.9;
enum { MOST = 50 };

int wh_plane_fit(struct wh_plane *plane, const float *rows, size_t n, size_t d, const struct wh_host *host, struct wh_err *err)
{
	int code = wh_pca_fit(rows, n, d, NULL, SHARE, MOST, host, &plane->pca, err);
	plane->energy = 0;
	for (size_t i = 0; code == WH_OK && i < plane->pca.r; i++)
		plane->energy += plane->pca.variance[i] * (double)(n - 1) / (double)n;
	return code;
}

void wh_plane_release(struct wh_plane *plane)
{
	wh_pca_release(&plane->pca);
	*plane = (struct wh_plane){ 0 };
}

int wh_plane_project(const struct wh_plane *plane, const float *row, float *z, double *outside, struct wh_err *err)
{
	*outside = 0;
	return plane->pca.d ? wh_pca_project(&plane->pca, row, 1, z, outside, NULL, err) : WH_OK;
}

void wh_plane_save(const struct wh_plane *plane, struct wh_str *out)
{
	const struct wh_pca *pca = &plane->pca;
	wh_pack_u64(out, pca->d);
	wh_pack_u64(out, pca->r);
	wh_pack_floats(out, pca->mean, pca->d);
	wh_pack_floats(out, pca->component, pca->r * pca->d);
	for (size_t i = 0; i < pca->r; i++)
		wh_pack_real(out, pca->variance[i]);
	wh_pack_real(out, pca->total);
	wh_pack_real(out, plane->energy);
}

void wh_plane_load(struct wh_plane *plane, size_t d, struct wh_unpack *in)
{
	struct wh_pca *pca = &plane->pca;
	pca->d = wh_unpack_size(in, d, d);
	pca->r = wh_unpack_size(in, 0, MOST);
	pca->mean = wh_unpack_floats(in, pca->d);
	pca->component = wh_unpack_floats(in, pca->r * pca->d);
	pca->variance = malloc((pca->r + 1) * sizeof *pca->variance);
	in->failed |= !pca->variance;
	in->no_memory |= !pca->variance;
	for (size_t i = 0; pca->variance && i < pca->r; i++)
		pca->variance[i] = wh_unpack_real(in);
	pca->total = wh_unpack_real(in);
	plane->energy = wh_unpack_real(in);
	in->failed |= plane->energy < 0;
}
