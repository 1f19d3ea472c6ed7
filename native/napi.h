/* The few functions of Node-API (version 8) and libuv (version 1) that the addon calls. Both interfaces are
 * ABI-stable, and the node executable exports them, so that building the addon needs no header of Node's. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_ref__ *napi_ref;
typedef struct napi_handle_scope__ *napi_handle_scope;
typedef struct napi_callback_info__ *napi_callback_info;
typedef struct napi_async_context__ *napi_async_context;
typedef int napi_status; /* 0 is napi_ok */
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);

napi_status napi_get_undefined(napi_env, napi_value *result);
napi_status napi_get_null(napi_env, napi_value *result);
napi_status napi_get_boolean(napi_env, bool value, napi_value *result);
napi_status napi_create_int32(napi_env, int32_t value, napi_value *result);
napi_status napi_create_double(napi_env, double value, napi_value *result);
napi_status napi_create_object(napi_env, napi_value *result);
napi_status napi_create_array_with_length(napi_env, size_t length, napi_value *result);
napi_status napi_create_buffer_copy(napi_env, size_t length, const void *data, void **copy,
				    napi_value *result);
napi_status napi_create_function(napi_env, const char *name, size_t length, napi_callback,
				 void *data, napi_value *result);
napi_status napi_get_value_int32(napi_env, napi_value, int32_t *result);
napi_status napi_get_value_double(napi_env, napi_value, double *result);
napi_status napi_get_value_bool(napi_env, napi_value, bool *result);
napi_status napi_get_value_string_utf8(napi_env, napi_value, char *buffer, size_t size,
				       size_t *length);
napi_status napi_get_buffer_info(napi_env, napi_value, void **data, size_t *length);
napi_status napi_is_array(napi_env, napi_value, bool *result);
napi_status napi_get_array_length(napi_env, napi_value, uint32_t *result);
napi_status napi_get_element(napi_env, napi_value array, uint32_t index, napi_value *result);
napi_status napi_set_element(napi_env, napi_value array, uint32_t index, napi_value value);
napi_status napi_set_named_property(napi_env, napi_value object, const char *name,
				    napi_value value);
napi_status napi_get_cb_info(napi_env, napi_callback_info, size_t *argc, napi_value *argv,
			     napi_value *this_value, void **data);
napi_status napi_create_string_utf8(napi_env, const char *text, size_t length, napi_value *result);
napi_status napi_create_error(napi_env, napi_value code, napi_value message, napi_value *result);
napi_status napi_throw(napi_env, napi_value error);
napi_status napi_throw_type_error(napi_env, const char *code, const char *message);
napi_status napi_is_exception_pending(napi_env, bool *result);
napi_status napi_create_reference(napi_env, napi_value, uint32_t count, napi_ref *result);
napi_status napi_delete_reference(napi_env, napi_ref);
napi_status napi_get_reference_value(napi_env, napi_ref, napi_value *result);
napi_status napi_open_handle_scope(napi_env, napi_handle_scope *result);
napi_status napi_close_handle_scope(napi_env, napi_handle_scope);
napi_status napi_async_init(napi_env, napi_value resource, napi_value name,
			    napi_async_context *result);
napi_status napi_async_destroy(napi_env, napi_async_context);
napi_status napi_make_callback(napi_env, napi_async_context, napi_value receiver, napi_value func,
			       size_t argc, const napi_value *argv, napi_value *result);
napi_status napi_add_env_cleanup_hook(napi_env, void (*hook)(void *arg), void *arg);
napi_status napi_remove_env_cleanup_hook(napi_env, void (*hook)(void *arg), void *arg);

/* libuv: a handle begins with its `data`; the rest is only ever touched by libuv. */
struct uv_loop_s;
struct uv_handle {
	void *data;
};
#define UV_READABLE 1
#define UV_POLL 8 /* enum uv_handle_type */

napi_status napi_get_uv_event_loop(napi_env, struct uv_loop_s **loop);
const char *uv_err_name(int error);
const char *uv_strerror(int error);
size_t uv_handle_size(int type);
int uv_poll_init(struct uv_loop_s *, struct uv_handle *, int fd);
int uv_poll_start(struct uv_handle *, int events,
		  void (*callback)(struct uv_handle *, int status, int events));
int uv_poll_stop(struct uv_handle *);
void uv_close(struct uv_handle *, void (*callback)(struct uv_handle *));
