#include "config.h"

#include "check.h"
#include "sysctl.h"

#include <stdlib.h>

#define CONFIG(process, rest, linux_rest)                                                                                 \
	"{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/\",\"args\":[\"true\"],\"user\":{\"uid\":0,\"gid\":0}" process \
	"},\"root\":{\"path\":\"rootfs\"}" rest                                                                           \
	",\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]" linux_rest "}}"
#define PLAN(rest)                                                                                                                         \
	"{\"version\":1,\"id\":\"a\",\"name\":\"a\",\"stateDir\":\"/s\",\"runDir\":\"/r\","                                                \
	"\"userns\":{\"mode\":\"host\",\"writer\":\"self\",\"uidMappings\":[],\"gidMappings\":[]},"                                        \
	"\"rootfs\":{\"driver\":\"dir\",\"path\":\"/x\",\"mountpoint\":\"/y\"},\"user\":{\"spec\":\"\",\"groupAdd\":[],\"setHome\":true}," \
	"\"network\":{\"mode\":\"none\",\"loopback\":true},\"cgroup\":{\"manager\":\"disabled\",\"files\":[]},"                            \
	"\"log\":{\"driver\":\"none\",\"maxSize\":0,\"maxFiles\":1},\"stdinOpen\":false,\"init\":false,\"sdnotify\":\"ignore\","           \
	"\"preserveFds\":0,\"stopSignal\":15,\"stopTimeoutSeconds\":10,\"timeoutSeconds\":0,"                                              \
	"\"restart\":{\"name\":\"no\",\"maximumRetries\":0}" rest "}"

static struct launch_plan *parse(const char *plan, const char *config, struct failure *why)
{
	memset(why, 0, sizeof(*why));
	return launch_plan_parse(plan, strlen(plan), config, strlen(config), why);
}

static void accepts(const char *plan, const char *config)
{
	struct failure why;
	struct launch_plan *parsed = parse(plan, config, &why);

	if (!parsed) {
		fprintf(stderr, "refused: %s: %s\n  %s\n", why.stage, why.message, config);
		failures++;
	}
	launch_plan_free(parsed);
}

static void refuses(const char *plan, const char *config, const char *stage, const char *message)
{
	struct failure why;
	struct launch_plan *parsed = parse(plan, config, &why);

	CHECK(!parsed);
	CHECK_TEXT(why.stage, stage);
	CHECK_TEXT(why.message, message);
	launch_plan_free(parsed);
}

static void rlimits(void)
{
	struct failure why;
	/* RLIM_INFINITY as Go writes it, and as JavaScript does. */
	struct launch_plan *plan = parse(
		PLAN(""),
		CONFIG(",\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":18446744073709551615,"
		       "\"hard\":18446744073709552000}]",
		       "", ""),
		&why);

	CHECK(plan && plan->config.process.rlimits[0].limit.rlim_cur == RLIM_INFINITY);
	CHECK(plan && plan->config.process.rlimits[0].limit.rlim_max == RLIM_INFINITY);
	launch_plan_free(plan);
}

static void sysctls(void)
{
	struct failure why;
	struct launch_plan *plan =
		parse(PLAN(""),
		      "{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/\",\"args\":[\"a\"]},"
		      "\"root\":{\"path\":\"r\"},\"linux\":{\"namespaces\":[{\"type\":\"mount\"},"
		      "{\"type\":\"network\"}]}}",
		      &why);
	char text[160];

	CHECK(plan);
	if (!plan)
		return;
	CHECK(sysctl_allowed(&plan->config, "net.ipv4.ip_forward", "1", text));
	CHECK(sysctl_allowed(&plan->config, "net/ipv4/conf/eth0.1/rp_filter", "1", text));
	CHECK(!sysctl_allowed(&plan->config, "kernel.shmmax", "1", text));
	CHECK(!sysctl_allowed(&plan->config, "kernel.core_pattern", "|/x", text));
	CHECK(!sysctl_allowed(&plan->config, "net.ipv4..ip_forward", "1", text));
	CHECK(!sysctl_allowed(&plan->config, "net/../kernel/panic", "1", text));
	CHECK(!sysctl_allowed(&plan->config, "net.ipv4.ip_forward+kernel.panic", "1", text));
	CHECK(!sysctl_allowed(&plan->config, "net.", "1", text));
	CHECK(!sysctl_allowed(&plan->config, "net.ipv4.ip_forward", "1\nkernel.panic=1", text));
	launch_plan_free(plan);
}

int main(void)
{
	const char *good = CONFIG("", "", "");

	accepts(PLAN(""), good);
	/* runtime-spec: unknown members are no error; in our own plan they are. */
	accepts(PLAN(""), CONFIG("", ",\"vendor\":{\"a\":1}", ""));
	refuses(PLAN(",\"colour\":1"), good, "plan", "colour: unknown member");
	refuses(PLAN(",\"lockFd\":-1"), good, "plan", "lockFd: out of range");
	refuses(PLAN(",\"lockFd\":\"3\""), good, "plan", "lockFd: not a whole number");
	refuses(PLAN(",\"pidFile\":\"relative\""), good, "plan", "pidFile: not an absolute path");
	refuses(PLAN(",\"runtime\":[\"a\",1]"), good, "plan",
		"runtime: holds something that is not a string");
	refuses(PLAN(",\"owner\":{\"pid\":1,\"startTime\":\"x\"}"), good, "plan",
		"owner.startTime: not a number");
	refuses("[]", good, "plan", "not an object");
	refuses(PLAN(""),
		CONFIG(",\"rlimits\":[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}]", "", ""),
		"config", "process.rlimits[0]: unknown type");
	refuses(PLAN(""), CONFIG(",\"capabilities\":{\"bounding\":[\"CAP_X\"]}", "", ""), "config",
		"process.capabilities: unknown capability \"CAP_X\"");
	refuses(PLAN(""),
		CONFIG("",
		       ",\"mounts\":[{\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/b\",\"options\":[\"what\"]}]",
		       ""),
		"config", "mounts[0]: unknown option \"what\" for a bind mount");
	refuses(PLAN(""), CONFIG("", "", ",\"devices\":[{\"path\":\"/dev/x\",\"type\":\"z\"}]"),
		"config", "linux.devices[0]: unknown type");
	refuses(PLAN(""),
		CONFIG("", "",
		       ",\"uidMappings\":[{\"containerID\":0,\"hostID\":4294967294,\"size\":9}]"),
		"config", "linux.uidMappings[0]: ids beyond 32 bits");
	refuses(PLAN(""), CONFIG("", "", ",\"rootfsPropagation\":\"wild\""), "config",
		"linux.rootfsPropagation: unknown value");
	rlimits();
	sysctls();
	return failures != 0;
}
