/* `--chmod`: octal digits, or clauses as chmod(1) has them: `u=rwX,go=rX`, `+x`, `g=u`. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/* False: malformed. */
bool mode_change(const char *text, mode_t mode, bool is_folder, mode_t *changed);
