/* An OCI seccomp object becomes a program for the kernel. */
#include "filter.h"

#include "util.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct named {
	const char *name;
	uint32_t value;
};

static const struct named architectures[] = {
	{"SCMP_ARCH_NATIVE", SCMP_ARCH_NATIVE},
	{"SCMP_ARCH_X86", SCMP_ARCH_X86},
	{"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
	{"SCMP_ARCH_X32", SCMP_ARCH_X32},
	{"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
	{"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
	{"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
	{"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
	{"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
	{"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
	{"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
	{"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
	{"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
	{"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
	{"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
	{"SCMP_ARCH_S390", SCMP_ARCH_S390},
	{"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
	{"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},
	{"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
	{"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
};

static const struct named operators[] = {
	{"SCMP_CMP_NE", SCMP_CMP_NE},
	{"SCMP_CMP_LT", SCMP_CMP_LT},
	{"SCMP_CMP_LE", SCMP_CMP_LE},
	{"SCMP_CMP_EQ", SCMP_CMP_EQ},
	{"SCMP_CMP_GE", SCMP_CMP_GE},
	{"SCMP_CMP_GT", SCMP_CMP_GT},
	{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

static const struct named filter_flags[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC", 0}, /* one thread: nothing to synchronise */
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1u << 5},
};

struct compiler {
	struct decoder d;
	scmp_filter_ctx context;
	uint32_t default_action;
	struct failure *why;
};

static bool look_up(const struct named *table, size_t length, const char *name, uint32_t *value)
{
	for (size_t i = 0; name && i < length; i++) {
		if (!strcmp(table[i].name, name)) {
			*value = table[i].value;
			return true;
		}
	}
	return false;
}

static bool parse_action(const char *name, uint32_t errno_value, uint32_t *action)
{
	const struct named actions[] = {
		{"SCMP_ACT_KILL", SCMP_ACT_KILL},
		{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
		{"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
		{"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(errno_value)},
		{"SCMP_ACT_TRACE", SCMP_ACT_TRACE(errno_value)},
		{"SCMP_ACT_LOG", SCMP_ACT_LOG},
		{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
		{"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
	};

	return look_up(actions, ARRAY_LENGTH(actions), name, action);
}

static uint64_t decode_u64(struct decoder *d, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	/* Numbers above INT64_MAX were read as reals (decode_text). */
	if (json_is_real(value) && json_real_value(value) >= 9223372036854775808.0)
		return json_real_value(value) >= 18446744073709551615.0
			       ? UINT64_MAX
			       : (uint64_t)json_real_value(value);
	return (uint64_t)decode_integer(d, object, key, 0, INT64_MAX, 0);
}

static void add_architectures(struct compiler *c, const json_t *seccomp)
{
	struct strings names = decode_strings(&c->d, seccomp, "architectures", 64);
	uint32_t arch;

	for (size_t i = 0; i < names.length && !c->d.failed; i++) {
		int result;

		if (!look_up(architectures, ARRAY_LENGTH(architectures), names.items[i], &arch)) {
			decode_refuse(&c->d, "unknown architecture \"%.40s\"", names.items[i]);
			return;
		}
		result = seccomp_arch_add(c->context, arch);
		/* One of another byte order can't run here: nothing to filter. */
		if (result < 0 && result != -EEXIST && result != -EDOM)
			decode_refuse(&c->d, "architecture %.40s: %s", names.items[i],
				      strerror(-result));
	}
}

static size_t decode_comparisons(struct compiler *c, const json_t *rule, struct scmp_arg_cmp *to,
				 size_t limit)
{
	const json_t *array = decode_array(&c->d, rule, "args", limit), *item;
	size_t index, length = 0;

	json_array_foreach(array, index, item) {
		const char *name = decode_string(&c->d, item, "op", true);
		uint64_t value = decode_u64(&c->d, item, "value");
		uint64_t value_two = decode_u64(&c->d, item, "valueTwo");
		uint32_t operator= 0;

		if (!look_up(operators, ARRAY_LENGTH(operators), name, &operator))
			decode_refuse(&c->d, "unknown operator \"%.40s\"", name ?: "");
		to[length].arg = (unsigned int)decode_integer(&c->d, item, "index", 0, 5, 0);
		to[length].op = (enum scmp_compare) operator;
		to[length].datum_a = value;
		to[length].datum_b = value_two;
		length++;
	}
	return length;
}

/* libseccomp refuses two comparisons of one argument in a rule; then each becomes a rule of its own, as runc and crun
 * have it (their meaning is “or”, which profiles rely on). */
static bool repeats_argument(const struct scmp_arg_cmp *comparisons, size_t length)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < length; i++) {
		if (seen & (1u << comparisons[i].arg))
			return true;
		seen |= 1u << comparisons[i].arg;
	}
	return false;
}

static int add_rule(struct compiler *c, uint32_t action, int number,
		    struct scmp_arg_cmp *comparisons, size_t length)
{
	if (!repeats_argument(comparisons, length))
		return seccomp_rule_add_array(c->context, action, number, (unsigned int)length,
					      comparisons);
	for (size_t i = 0; i < length; i++) {
		int result = seccomp_rule_add_array(c->context, action, number, 1, &comparisons[i]);

		if (result < 0 && result != -EEXIST)
			return result;
	}
	return 0;
}

static void add_syscalls(struct compiler *c, const json_t *rule)
{
	struct scmp_arg_cmp comparisons[16];
	const char *name = decode_string(&c->d, rule, "action", true);
	uint32_t errno_value = (uint32_t)decode_integer(&c->d, rule, "errnoRet", 0, 4095, EPERM);
	struct strings names = decode_strings(&c->d, rule, "names", 4096);
	size_t length = decode_comparisons(c, rule, comparisons, ARRAY_LENGTH(comparisons));
	uint32_t action;

	if (c->d.failed)
		return;
	if (!parse_action(name, errno_value, &action)) {
		decode_refuse(&c->d, "unknown action \"%.40s\"", name);
		return;
	}
	/* libseccomp refuses a rule that does what is done anyway. */
	if (action == c->default_action)
		return;
	for (size_t i = 0; i < names.length; i++) {
		int number = seccomp_syscall_resolve_name(names.items[i]);
		int result;

		/* Profiles name calls of other architectures and of newer kernels. */
		if (number == __NR_SCMP_ERROR)
			continue;
		result = add_rule(c, action, number, comparisons, length);
		if (result < 0 && result != -EEXIST && result != -EDOM) {
			decode_refuse(&c->d, "%.60s: %s", names.items[i], strerror(-result));
			return;
		}
	}
}

static void decode_flags(struct compiler *c, const json_t *seccomp, unsigned int *flags)
{
	struct strings names = decode_strings(&c->d, seccomp, "flags", 16);
	uint32_t value;

	*flags = 0;
	for (size_t i = 0; i < names.length && !c->d.failed; i++) {
		if (look_up(filter_flags, ARRAY_LENGTH(filter_flags), names.items[i], &value))
			*flags |= value;
		else
			decode_refuse(&c->d, "unknown flag \"%.60s\"", names.items[i]);
	}
}

static int export_program(struct compiler *c, struct sock_fprog *program)
{
	cleanup_close int fd = memfd_create("filter", MFD_CLOEXEC);
	struct stat st;
	int result;

	if (fd < 0)
		return failure_set(c->why, STAGE_SECCOMP, errno, NULL, "memfd_create");
	result = seccomp_export_bpf(c->context, fd);
	if (result < 0 || fstat(fd, &st) < 0)
		return failure_set(c->why, STAGE_SECCOMP, -result, NULL, "compile the filter");
	if (st.st_size == 0 || (size_t)st.st_size > FILTER_LIMIT)
		return failure_set(c->why, STAGE_SECCOMP, E2BIG, NULL, "the filter has %lld bytes",
				   (long long)st.st_size);
	program->filter = malloc((size_t)st.st_size);
	if (!program->filter || pread(fd, program->filter, (size_t)st.st_size, 0) != st.st_size)
		return failure_set(c->why, STAGE_SECCOMP, errno, NULL, "read the filter back");
	program->len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	return 0;
}

int filter_compile(const json_t *seccomp, struct sock_fprog *program, unsigned int *flags,
		   struct failure *why)
{
	struct arena arena = {0};
	struct compiler c = {
		.d = {.stage = STAGE_SECCOMP, .arena = &arena, .why = why, .where = "seccomp"},
		.why = why};
	const char *name = decode_string(&c.d, seccomp, "defaultAction", true);
	uint32_t errno_value =
		(uint32_t)decode_integer(&c.d, seccomp, "defaultErrnoRet", 0, 4095, EPERM);
	const json_t *rules = decode_array(&c.d, seccomp, "syscalls", 4096), *rule;
	size_t index;
	int result = -1;

	if (!c.d.failed && !parse_action(name, errno_value, &c.default_action))
		decode_refuse(&c.d, "unknown action \"%.40s\"", name);
	if (!c.d.failed)
		c.context = seccomp_init(c.default_action);
	if (!c.context) {
		if (!c.d.failed)
			failure_set(why, STAGE_SECCOMP, EINVAL, NULL,
				    "this host's seccomp lacks %s", name);
		arena_free(&arena);
		return -1;
	}
	/* execve is ours to do, with whatever privileges are left: no_new_privs is set where it was asked for. */
	seccomp_attr_set(c.context, SCMP_FLTATR_CTL_NNP, 0);
	seccomp_attr_set(c.context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	add_architectures(&c, seccomp);
	decode_flags(&c, seccomp, flags);
	json_array_foreach(rules, index, rule) {
		size_t mark = decode_enter(&c.d, "syscalls"),
		       inner = decode_enter_index(&c.d, index);

		add_syscalls(&c, rule);
		decode_leave(&c.d, inner);
		decode_leave(&c.d, mark);
		if (c.d.failed)
			break;
	}
	if (!c.d.failed)
		result = export_program(&c, program);
	seccomp_release(c.context);
	arena_free(&arena);
	return result;
}

int seccomp_main(int argc, char **argv)
{
	struct failure why = {0};
	struct arena arena = {0};
	struct decoder d = {.stage = STAGE_SECCOMP, .arena = &arena, .why = &why};
	struct sock_fprog program = {0};
	size_t capacity = 4u << 20;
	cleanup_free char *text = malloc(capacity);
	ssize_t size = text ? read_all(0, text, capacity) : -1;
	unsigned int flags;
	json_t *document;

	(void)argv;
	if (argc != 1 || size < 0 || (size_t)size == capacity)
		failure_set(&why, STAGE_SECCOMP, EINVAL, NULL,
			    "usage: tspod-runtime seccomp < seccomp.json");
	else if ((document = decode_text(&d, text, (size_t)size, "standard input")) &&
		 filter_compile(document, &program, &flags, &why) == 0 &&
		 write_all(1, program.filter, program.len * sizeof(*program.filter)) == 0)
		return 0;
	fail_as(&why);
}
