/* removeTree(path): from JavaScript each file of a tree costs a multiple of its system call. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "addon.h"
#include "tree-remove.h"

napi_value addon_remove_tree(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS], result = NULL;
	char *path;

	addon_args(env, info, args);
	if (!addon_string(env, args[0], &path))
		return NULL;
	if (tree_remove_at(AT_FDCWD, path) < 0)
		addon_throw(env, errno, "removeTree", path);
	else
		result = addon_undefined(env);
	free(path);
	return result;
}
