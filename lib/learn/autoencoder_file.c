/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/autoencoder_parts.h"

static const char MAGIC[8] = "whorlae1";

struct packing {
	struct wh_str *out;
	bool checkpoint;
};

static void pack_weights(void *user, struct wh_weights *weights)
{
	const struct packing *packing = user;
	wh_weights_pack(weights, packing->checkpoint, packing->out);
}

int wh_autoencoder_save(const struct wh_autoencoder *model, bool checkpoint, struct wh_str *out, struct wh_err *err)
{
	const struct wh_autoencoder_params *p = &model->params;
	wh_str_add(out, MAGIC, sizeof MAGIC);
	wh_pack_u64(out, checkpoint);
	wh_pack_u64(out, p->variational);
	wh_pack_u64(out, p->hidden);
	wh_pack_u64(out, p->latent);
	wh_pack_real(out, p->variance);
	wh_pack_real(out, p->energy);
	wh_pack_u64(out, p->optimiser);
	wh_pack_real(out, p->rate);
	wh_pack_real(out, p->momentum);
	wh_pack_u64(out, p->batch);
	wh_pack_u64(out, p->epochs);
	wh_pack_real(out, p->holdout);
	wh_pack_u64(out, p->patience);
	wh_pack_real(out, model->scale);
	wh_pack_u64(out, model->seed);
	wh_pack_u64(out, checkpoint ? model->steps : 0); /* a new optimiser counts anew */
	wh_pack_u64(out, model->epochs);
	wh_pack_real(out, model->epochs ? model->loss : 0);
	wh_pack_real(out, isfinite(model->best) ? model->best : -1);
	wh_pack_u64(out, model->since);
	wh_pack_u64(out, model->stopped);
	wh_rowspace_pack(&model->space, out);
	bool rows = checkpoint && model->c && !model->space.start; /* else they come back from the space */
	wh_pack_u64(out, rows);
	if (rows)
		wh_pack_floats(out, model->c, model->space.n * model->space.r);
	struct packing packing = { out, checkpoint };
	wh_network_each((struct wh_network *)&model->network, pack_weights, &packing);
	return wh_str_check(out, err);
}

struct unpacking {
	struct wh_unpack *in;
	bool checkpoint;
	const struct wh_compute *compute;
};

static void unpack_weights(void *user, struct wh_weights *weights)
{
	const struct unpacking *unpacking = user;
	wh_weights_unpack(unpacking->in, unpacking->checkpoint, weights, unpacking->compute);
}

/* In the order of save. */
static bool unpack_facts(struct wh_unpack *in, struct wh_autoencoder *model)
{
	struct wh_autoencoder_params *p = &model->params;
	char magic[sizeof MAGIC];
	uint64_t word = wh_unpack_u64(in);
	memcpy(magic, &word, sizeof magic);
	if (memcmp(magic, MAGIC, sizeof MAGIC) != 0)
		in->failed = true;
	bool checkpoint = wh_unpack_size(in, 0, 1);
	p->variational = wh_unpack_size(in, 0, 1);
	p->hidden = wh_unpack_size(in, 1, INT32_MAX);
	p->latent = wh_unpack_size(in, 1, INT32_MAX / 2);
	p->variance = wh_unpack_real(in);
	p->energy = wh_unpack_real(in);
	p->optimiser = (enum wh_optimiser)wh_unpack_size(in, WH_ADAM_SHARED, WH_SGD);
	p->rate = wh_unpack_real(in);
	p->momentum = wh_unpack_real(in);
	p->batch = wh_unpack_size(in, 1, SIZE_MAX);
	p->epochs = wh_unpack_size(in, 0, SIZE_MAX);
	p->holdout = wh_unpack_real(in);
	p->patience = wh_unpack_size(in, 0, SIZE_MAX);
	if (!(p->rate > 0 && p->momentum >= 0 && p->momentum < 1 && p->holdout >= 0 && p->holdout < 1))
		in->failed = true;
	model->scale = wh_unpack_real(in);
	model->seed = wh_unpack_u64(in);
	model->steps = wh_unpack_u64(in);
	model->epochs = wh_unpack_size(in, 0, SIZE_MAX - 1);
	model->loss = wh_unpack_real(in);
	model->best = wh_unpack_real(in);
	model->since = wh_unpack_size(in, 0, SIZE_MAX - 1);
	model->stopped = wh_unpack_size(in, 0, 1);
	if (!model->epochs)
		model->loss = NAN;
	if (model->best < 0)
		model->best = INFINITY;
	return checkpoint;
}

/* Whether that many weights fit what is left: never more memory than there are bytes. */
static bool fits(const struct wh_unpack *in, const struct wh_autoencoder *model)
{
	__uint128_t h = model->params.hidden, z = model->params.latent, r = model->space.r;
	return !in->failed && h * (2 * r + 2 * z) <= in->rest.size / sizeof(float);
}

static int load(struct wh_unpack *in, const struct wh_compute *compute, struct wh_autoencoder *model, struct wh_err *err)
{
	static const char WHAT[] = "autoencoder";
	bool checkpoint = unpack_facts(in, model);
	struct wh_autoencoder_params *p = &model->params;
	p->compute = compute ? compute : wh_compute_find(NULL);
	wh_rowspace_unpack(in, &model->space);
	size_t n = model->space.n, r = model->space.r;
	if (wh_unpack_size(in, 0, 1))
		model->c = wh_unpack_floats(in, n * r);
	in->failed |= !fits(in, model);
	WH_TRY(wh_unpack_check(in, false, WHAT, err));
	model->network = (struct wh_network){ .inputs = model->space.d, .rank = r, .hidden = p->hidden, .latent = p->latent,
					      .variational = p->variational, .optimiser = p->optimiser, .compute = p->compute };
	WH_TRY(wh_network_init(&model->network, err));
	struct unpacking unpacking = { in, checkpoint, p->compute };
	wh_network_each(&model->network, unpack_weights, &unpacking);
	if (!checkpoint)
		model->steps = 0;
	WH_TRY(wh_unpack_check(in, true, WHAT, err));
	if (!model->space.start)
		return WH_OK;
	model->c = malloc(n * r * sizeof *model->c);
	if (!model->c)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_rowspace_training(&model->space, model->c);
	for (size_t i = 0; i < n * r; i++)
		model->c[i] *= (float)model->scale;
	return WH_OK;
}

int wh_autoencoder_load(struct wh_bytes bytes, const struct wh_compute *compute, struct wh_autoencoder **result, struct wh_err *err)
{
	*result = NULL;
	struct wh_unpack in = { .rest = bytes };
	struct wh_autoencoder *model = calloc(1, sizeof *model);
	if (!model)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = load(&in, compute, model, err);
	if (code == WH_OK)
		*result = model;
	else
		wh_autoencoder_free(model);
	return code;
}
