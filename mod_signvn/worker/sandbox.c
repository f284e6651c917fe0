/* sandbox.c: seccomp filters compiled once, limits set per task. */
#include "worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/pool.h"

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif

/* The sanitizers reserve terabytes and call more of the kernel than a worker
 * may: their build tests the code, the plain build tests the walls. */
#if defined(__SANITIZE_ADDRESS__)
#define WALLS 0
#else
#define WALLS 1
#endif

#define SLACK ((apr_uint64_t)32 << 20)

struct sgn_sandbox_t {
    struct sock_fprog task, zygote;
    apr_uint64_t size;          /* VmSize of the zygote */
    apr_uint64_t data;          /* its data and stack, which RLIMIT_DATA counts too */
};

/* What parsing, memory and one answer need; tried with qpdf, libxml2, libpng,
 * HarfBuzz and OpenSSL. */
static const int allowed[] = {
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
    SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(close),
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(futex), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(tgkill),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
    SCMP_SYS(fstat), SCMP_SYS(sysinfo), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Libraries that try these and can live without them get an errno instead of
 * an end: fstat(3) of glibc 2.36 is newfstatat, which cannot be told from a
 * stat of a path. */
static const struct {
    int call, error;
} polite[] = {
    { SCMP_SYS(openat), EACCES }, { SCMP_SYS(open), EACCES },
    { SCMP_SYS(newfstatat), EACCES }, { SCMP_SYS(stat), EACCES },
    { SCMP_SYS(access), EACCES }, { SCMP_SYS(faccessat), EACCES },
    { SCMP_SYS(readlink), EACCES }, { SCMP_SYS(getcwd), EACCES },
    { SCMP_SYS(ioctl), ENOTTY }, { SCMP_SYS(clone3), ENOSYS },
    { SCMP_SYS(sched_getaffinity), ENOSYS },
};

/* What the zygote gives up after warming up.  It parses nothing; this is the
 * second wall, for what a worker might do to it. */
static const int given_up[] = {
    SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(openat2), SCMP_SYS(creat),
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(socket),
    SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev), SCMP_SYS(bpf), SCMP_SYS(unshare), SCMP_SYS(setns),
    SCMP_SYS(mount), SCMP_SYS(keyctl), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
    SCMP_SYS(pidfd_getfd), SCMP_SYS(perf_event_open),
};

static sgn_error_t *refused(int rc, const char *what, apr_pool_t *pool)
{
    return SGN_ERROR_APR(pool, SGN_INTERNAL, APR_FROM_OS_ERROR(-rc), "seccomp: %s", what);
}

/* The compiled filter, in the pool: export goes through a memfd (libseccomp
 * 2.5 has no export to memory). */
static sgn_error_t *compile(struct sock_fprog *out, scmp_filter_ctx filter, apr_pool_t *pool)
{
    int fd = memfd_create("signvn-filter", MFD_CLOEXEC), rc;
    off_t len;
    void *code;

    if (fd < 0)
        return SGN_ERROR_ERRNO(pool, SGN_INTERNAL, "memfd");
    sgn_pool_own_fd(pool, fd);
    rc = seccomp_export_bpf(filter, fd);
    if (rc < 0)
        return refused(rc, "export", pool);
    len = lseek(fd, 0, SEEK_END);
    code = apr_palloc(pool, (apr_size_t)len);
    SGN_TRY(sgn_file_pread_all(fd, code, (size_t)len, 0, pool));
    sgn_pool_close_fd(pool, fd);
    out->len = (unsigned short)((size_t)len / sizeof(struct sock_filter));
    out->filter = code;
    return NULL;
}

static sgn_error_t *make_task(struct sock_fprog *out, apr_pool_t *pool)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int rc = 0;

    SGN_OWN(pool, filter, seccomp_release);
    for (size_t i = 0; rc == 0 && i < sizeof allowed / sizeof *allowed; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; rc == 0 && i < sizeof polite / sizeof *polite; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(polite[i].error), polite[i].call, 0);
    /* memory that can be run is never made */
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* its own limits: without a capability it can only lower them */
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0));
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_NE, 0));
    /* it may step back behind others */
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setpriority), 2, SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS),
                              SCMP_A1(SCMP_CMP_EQ, 0));
    /* a long request is believed only when its memfd is sealed */
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                              SCMP_A1(SCMP_CMP_EQ, F_GET_SEALS));
    return rc ? refused(rc, "task rule", pool) : compile(out, filter, pool);
}

static sgn_error_t *make_zygote(struct sock_fprog *out, apr_pool_t *pool)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = 0;

    SGN_OWN(pool, filter, seccomp_release);
    for (size_t i = 0; rc == 0 && i < sizeof given_up / sizeof *given_up; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), given_up[i], 0);
    return rc ? refused(rc, "zygote rule", pool) : compile(out, filter, pool);
}

static sgn_error_t *measure(sgn_sandbox_t *sandbox, apr_pool_t *pool)
{
    unsigned long long size = 0, data = 0;
    long page = sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    int got = 0;

    if (file) {
        got = fscanf(file, "%llu %*u %*u %*u %*u %llu", &size, &data);
        fclose(file);
    }
    if (got != 2)
        return SGN_ERROR(pool, SGN_INTERNAL, "/proc/self/statm");
    sandbox->size = size * (apr_uint64_t)page;
    sandbox->data = data * (apr_uint64_t)page;
    return NULL;
}

sgn_error_t *sgn_sandbox_make(sgn_sandbox_t **out, apr_pool_t *pool)
{
    sgn_sandbox_t *sandbox = apr_pcalloc(pool, sizeof *sandbox);

    SGN_TRY(make_task(&sandbox->task, pool));
    SGN_TRY(make_zygote(&sandbox->zygote, pool));
    SGN_TRY(measure(sandbox, pool));
    *out = sandbox;
    return NULL;
}

static int load(const struct sock_fprog *program)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) != 0 ? errno : 0;
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

    memset(none, 0, sizeof none);
    return syscall(SYS_capset, &header, none) != 0 ? errno : 0;
}

sgn_error_t *sgn_sandbox_settle(const sgn_sandbox_t *sandbox, apr_pool_t *pool)
{
    int rc = drop_capabilities();

    if (rc)
        return SGN_ERROR_APR(pool, SGN_INTERNAL, APR_FROM_OS_ERROR(rc), "capabilities of the zygote");
    rc = WALLS ? load(&sandbox->zygote) : 0;
    return rc ? SGN_ERROR_APR(pool, SGN_INTERNAL, APR_FROM_OS_ERROR(rc), "seccomp of the zygote") : NULL;
}

static int limit(int resource, apr_uint64_t value)
{
    struct rlimit limits = { .rlim_cur = value, .rlim_max = value };

    return setrlimit(resource, &limits) != 0 ? errno : 0;
}

int sgn_sandbox_enter(const sgn_sandbox_t *sandbox)
{
    static const struct {
        int resource;
        apr_uint64_t value;
    } always[] = { { RLIMIT_CORE, 0 }, { RLIMIT_NPROC, 0 }, { RLIMIT_MEMLOCK, 0 }, { RLIMIT_NOFILE, 16 },
                  { RLIMIT_NICE, 0 }, { RLIMIT_RTPRIO, 0 }, { RLIMIT_STACK, 8 << 20 } };
    int rc = 0;

    for (size_t i = 0; !rc && i < sizeof always / sizeof *always; i++)
        rc = limit(always[i].resource, always[i].value);
    return rc || !WALLS ? rc : load(&sandbox->task);
}

int sgn_sandbox_limit(const sgn_sandbox_t *sandbox, const sgn_sandbox_limits_t *limits)
{
    int rc = limit(RLIMIT_CPU, limits->cpu_sec);

    if (!rc)
        rc = limit(RLIMIT_FSIZE, limits->file);
    /* RLIMIT_DATA alone lets shared, growsdown and read-only mappings grow
     * without end; RLIMIT_AS alone would refuse a large document. */
    if (WALLS && !rc)
        rc = limit(RLIMIT_AS, sandbox->size + limits->document + limits->data + SLACK);
    if (WALLS && !rc)
        rc = limit(RLIMIT_DATA, sandbox->data + limits->data);
    return rc;
}
