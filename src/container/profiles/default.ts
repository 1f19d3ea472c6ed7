import type { ProfileRule, SeccompProfile } from '../seccomp-profile.js'

const errors = { EPERM: 1, EINVAL: 22, ENOSYS: 38, EAFNOSUPPORT: 97 } as const

/** AF_UNIX, AF_INET, AF_INET6, AF_PACKET; AF_NETLINK has a rule of its own. */
const allowedFamilies = [1, 2, 10, 17]
const netlink = 16
const lastAllowedFamily = 17
/** NETLINK_AUDIT: programs that find no audit go on, programs that may not use it fail. */
const netlinkAudit = 9

const personalities: ProfileRule[] = [0x0, 0x0008, 0x20000, 0x20008, 0xffffffff].map((value) => ({
  names: ['personality'],
  action: 'SCMP_ACT_ALLOW',
  args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
}))

/**
 * The default filter, in the form that Docker and Podman read. Like Podman's it answers ENOSYS to what it does not know,
 * EPERM to what needs a capability that the container has not, and lets through what the kernel itself confines to
 * the user namespace (mount, unshare, keyctl …). Sockets are an allow-list: the families that programs in containers
 * use. AF_ALG and AF_VSOCK, among others, are not in it (CVE-2026-31431).
 */
export const defaultProfile: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: errors.ENOSYS,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
    { architecture: 'SCMP_ARCH_S390X', subArchitectures: ['SCMP_ARCH_S390'] },
  ],
  syscalls: [
    {
      action: 'SCMP_ACT_ALLOW',
      // prettier-ignore
      names: [
        '_llseek', '_newselect', 'accept', 'accept4', 'access', 'add_key', 'adjtimex', 'alarm', 'arch_prctl',
        'arm_fadvise64_64', 'arm_sync_file_range', 'bind', 'breakpoint', 'brk', 'cacheflush', 'cachestat',
        'capget', 'capset', 'chdir', 'chmod', 'chown', 'chown32', 'clock_adjtime', 'clock_adjtime64',
        'clock_getres', 'clock_getres_time64', 'clock_gettime', 'clock_gettime64', 'clock_nanosleep',
        'clock_nanosleep_time64', 'clone', 'clone3', 'close', 'close_range', 'connect', 'copy_file_range',
        'creat', 'dup', 'dup2', 'dup3', 'epoll_create', 'epoll_create1', 'epoll_ctl', 'epoll_pwait',
        'epoll_pwait2', 'epoll_wait', 'eventfd', 'eventfd2', 'execve', 'execveat', 'exit', 'exit_group',
        'faccessat', 'faccessat2', 'fadvise64', 'fadvise64_64', 'fallocate', 'fanotify_mark', 'fchdir',
        'fchmod', 'fchmodat', 'fchmodat2', 'fchown', 'fchown32', 'fchownat', 'fcntl', 'fcntl64', 'fdatasync',
        'fgetxattr', 'file_getattr', 'file_setattr', 'flistxattr', 'flock', 'fork', 'fremovexattr', 'fsconfig',
        'fsetxattr', 'fsmount', 'fsopen', 'fspick', 'fstat', 'fstat64', 'fstatat', 'fstatat64', 'fstatfs',
        'fstatfs64', 'fsync', 'ftruncate', 'ftruncate64', 'futex', 'futex_requeue', 'futex_time64',
        'futex_wait', 'futex_waitv', 'futex_wake', 'futimesat', 'get_mempolicy', 'get_robust_list',
        'get_thread_area', 'getcpu', 'getcwd', 'getdents', 'getdents64', 'getegid', 'getegid32', 'geteuid',
        'geteuid32', 'getgid', 'getgid32', 'getgroups', 'getgroups32', 'getitimer', 'getpeername', 'getpgid',
        'getpgrp', 'getpid', 'getppid', 'getpriority', 'getrandom', 'getresgid', 'getresgid32', 'getresuid',
        'getresuid32', 'getrlimit', 'getrusage', 'getsid', 'getsockname', 'getsockopt', 'gettid',
        'gettimeofday', 'getuid', 'getuid32', 'getxattr', 'getxattrat', 'inotify_add_watch', 'inotify_init',
        'inotify_init1', 'inotify_rm_watch', 'io_cancel', 'io_destroy', 'io_getevents', 'io_pgetevents',
        'io_pgetevents_time64', 'io_setup', 'io_submit', 'ioctl', 'ioprio_get', 'ioprio_set', 'ipc', 'keyctl',
        'kill', 'landlock_add_rule', 'landlock_create_ruleset', 'landlock_restrict_self', 'lchown', 'lchown32',
        'lgetxattr', 'link', 'linkat', 'listen', 'listmount', 'listxattr', 'listxattrat', 'llistxattr',
        'llseek', 'lremovexattr', 'lseek', 'lsetxattr', 'lsm_get_self_attr', 'lsm_list_modules', 'lstat',
        'lstat64', 'madvise', 'map_shadow_stack', 'mbind', 'membarrier', 'memfd_create', 'migrate_pages',
        'mincore', 'mkdir', 'mkdirat', 'mknod', 'mknodat', 'mlock', 'mlock2', 'mlockall', 'mmap', 'mmap2',
        'modify_ldt', 'mount', 'mount_setattr', 'move_mount', 'move_pages', 'mprotect', 'mq_getsetattr',
        'mq_notify', 'mq_open', 'mq_timedreceive', 'mq_timedreceive_time64', 'mq_timedsend',
        'mq_timedsend_time64', 'mq_unlink', 'mremap', 'mseal', 'msgctl', 'msgget', 'msgrcv', 'msgsnd', 'msync',
        'munlock', 'munlockall', 'munmap', 'name_to_handle_at', 'nanosleep', 'newfstatat', 'nice', 'open',
        'open_tree', 'open_tree_attr', 'openat', 'openat2', 'pause', 'pidfd_open', 'pidfd_send_signal', 'pipe',
        'pipe2', 'pivot_root', 'pkey_alloc', 'pkey_free', 'pkey_mprotect', 'poll', 'ppoll', 'ppoll_time64',
        'prctl', 'pread64', 'preadv', 'preadv2', 'prlimit64', 'process_madvise', 'process_mrelease',
        'process_vm_readv', 'process_vm_writev', 'pselect6', 'pselect6_time64', 'ptrace', 'pwrite64',
        'pwritev', 'pwritev2', 'read', 'readahead', 'readdir', 'readlink', 'readlinkat', 'readv', 'recv',
        'recvfrom', 'recvmmsg', 'recvmmsg_time64', 'recvmsg', 'remap_file_pages', 'removexattr',
        'removexattrat', 'rename', 'renameat', 'renameat2', 'request_key', 'restart_syscall',
        'riscv_flush_icache', 'riscv_hwprobe', 'rmdir', 'rseq', 'rt_sigaction', 'rt_sigpending',
        'rt_sigprocmask', 'rt_sigqueueinfo', 'rt_sigreturn', 'rt_sigsuspend', 'rt_sigtimedwait',
        'rt_sigtimedwait_time64', 'rt_tgsigqueueinfo', 'sched_get_priority_max', 'sched_get_priority_min',
        'sched_getaffinity', 'sched_getattr', 'sched_getparam', 'sched_getscheduler', 'sched_rr_get_interval',
        'sched_rr_get_interval_time64', 'sched_setaffinity', 'sched_setattr', 'sched_setparam',
        'sched_setscheduler', 'sched_yield', 'seccomp', 'select', 'semctl', 'semget', 'semop', 'semtimedop',
        'semtimedop_time64', 'send', 'sendfile', 'sendfile64', 'sendmmsg', 'sendmsg', 'sendto',
        'set_mempolicy', 'set_mempolicy_home_node', 'set_robust_list', 'set_thread_area', 'set_tid_address',
        'set_tls', 'setfsgid', 'setfsgid32', 'setfsuid', 'setfsuid32', 'setgid', 'setgid32', 'setgroups',
        'setgroups32', 'setitimer', 'setns', 'setpgid', 'setpriority', 'setregid', 'setregid32', 'setresgid',
        'setresgid32', 'setresuid', 'setresuid32', 'setreuid', 'setreuid32', 'setrlimit', 'setsid',
        'setsockopt', 'setuid', 'setuid32', 'setxattr', 'setxattrat', 'sgetmask', 'shmat', 'shmctl', 'shmdt',
        'shmget', 'shutdown', 'sigaction', 'sigaltstack', 'signal', 'signalfd', 'signalfd4', 'sigpending',
        'sigprocmask', 'sigreturn', 'sigsuspend', 'splice', 'ssetmask', 'stat', 'stat64', 'statfs', 'statfs64',
        'statmount', 'statx', 'symlink', 'symlinkat', 'sync', 'sync_file_range', 'sync_file_range2', 'syncfs',
        'sysinfo', 'tee', 'tgkill', 'time', 'timer_create', 'timer_delete', 'timer_getoverrun',
        'timer_gettime', 'timer_gettime64', 'timer_settime', 'timer_settime64', 'timerfd_create',
        'timerfd_gettime', 'timerfd_gettime64', 'timerfd_settime', 'timerfd_settime64', 'times', 'tkill',
        'truncate', 'truncate64', 'ugetrlimit', 'umask', 'umount', 'umount2', 'uname', 'unlink', 'unlinkat',
        'unshare', 'utime', 'utimensat', 'utimensat_time64', 'utimes', 'vfork', 'vmsplice', 'wait4', 'waitid',
        'waitpid', 'write', 'writev',
      ],
    },
    ...personalities,
    ...socketRules('socket'),
    ...socketRules('socketpair'),
    /* One call for all of 32-bit x86's sockets, whose family no filter can see. */
    { names: ['socketcall'], action: 'SCMP_ACT_ALLOW', imageArchitectures: ['386'] },
    { names: ['kcmp', 'pidfd_getfd'], action: 'SCMP_ACT_ALLOW' },
    ...capabilityRules(['CAP_BPF', 'CAP_SYS_ADMIN'], ['bpf']),
    ...capabilityRules(['CAP_PERFMON', 'CAP_SYS_ADMIN'], ['perf_event_open']),
    ...capabilityRules(['CAP_DAC_READ_SEARCH'], ['open_by_handle_at']),
    ...capabilityRules(['CAP_SYSLOG'], ['syslog']),
    ...capabilityRules(['CAP_SYS_ADMIN'], ['fanotify_init', 'lookup_dcookie', 'lsm_set_self_attr', 'quotactl', 'quotactl_fd']),
    ...capabilityRules(['CAP_SYS_ADMIN'], ['setdomainname', 'sethostname', 'swapoff', 'swapon']),
    ...capabilityRules(['CAP_SYS_BOOT'], ['kexec_file_load', 'kexec_load', 'reboot']),
    ...capabilityRules(['CAP_SYS_CHROOT'], ['chroot']),
    ...capabilityRules(['CAP_SYS_MODULE'], ['delete_module', 'finit_module', 'init_module']),
    ...capabilityRules(['CAP_SYS_PACCT'], ['acct']),
    ...capabilityRules(['CAP_SYS_RAWIO'], ['ioperm', 'iopl']),
    ...capabilityRules(['CAP_SYS_TIME'], ['clock_settime', 'clock_settime64', 'settimeofday', 'stime']),
    ...capabilityRules(['CAP_SYS_TTY_CONFIG'], ['vhangup']),
    refuse(['io_uring_enter', 'io_uring_register', 'io_uring_setup', 'nfsservctl', 'userfaultfd', 'uselib'], errors.EPERM),
  ],
}

/** Rules that do not overlap: libseccomp has no order among those of one call. */
function socketRules(name: string): ProfileRule[] {
  const others = Array.from({ length: lastAllowedFamily + 1 }, (_, family) => family).filter(
    (family) => !allowedFamilies.includes(family) && family !== netlink,
  )
  const family = (value: number, op = 'SCMP_CMP_EQ') => ({ index: 0, value, op })
  return [
    ...allowedFamilies.map((value): ProfileRule => ({ names: [name], action: 'SCMP_ACT_ALLOW', args: [family(value)] })),
    {
      names: [name],
      action: 'SCMP_ACT_ALLOW',
      args: [family(netlink), { index: 2, value: netlinkAudit, op: 'SCMP_CMP_NE' }],
    },
    {
      ...refuse([name], errors.EINVAL),
      args: [family(netlink), { index: 2, value: netlinkAudit, op: 'SCMP_CMP_EQ' }],
    },
    ...others.map((value) => ({ ...refuse([name], errors.EAFNOSUPPORT), args: [family(value)] })),
    { ...refuse([name], errors.EAFNOSUPPORT), args: [family(lastAllowedFamily, 'SCMP_CMP_GT')] },
  ]
}

/** Allowed with any of the capabilities, EPERM without all of them. */
function capabilityRules(capabilities: readonly string[], names: readonly string[]): ProfileRule[] {
  return [
    ...capabilities.map((name): ProfileRule => ({ names, action: 'SCMP_ACT_ALLOW', includes: { caps: [name] } })),
    { ...refuse(names, errors.EPERM), excludes: { caps: capabilities } },
  ]
}

function refuse(names: readonly string[], errnoRet: number): ProfileRule {
  return { names, action: 'SCMP_ACT_ERRNO', errnoRet }
}
