/* Digests of what is small: node:crypto takes 4 ms to load, nettle is in this addon. */
#include <errno.h>

#include <nettle/sha2.h>

#include "addon.h"

/* sha256(bytes): the digest of a Buffer. */
napi_value addon_sha256(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS], result = NULL;
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;
	size_t length;
	void *data;

	addon_args(env, info, args);
	if (napi_get_buffer_info(env, args[0], &data, &length))
		return addon_throw(env, EINVAL, "sha256", NULL);
	sha256_init(&context);
	sha256_update(&context, length, data);
	sha256_digest(&context, sizeof(digest), digest);
	napi_create_buffer_copy(env, sizeof(digest), digest, NULL, &result);
	return result;
}
