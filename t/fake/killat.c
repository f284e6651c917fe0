/*
 * killat.c: a preloaded library that kills its process between two steps.
 *
 * The file named by SIGNVN_KILL_AT holds a number; each call that makes
 * something durable or visible counts it down, and the one that finds 1 removes
 * the file and kills the process before the call is done.  Without the file
 * nothing happens, so the process that is started next lives.
 *   cc -shared -fPIC -o killat.so killat.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void step(void)
{
    const char *path = getenv("SIGNVN_KILL_AT");
    char text[16] = "";
    int fd;
    long left;

    if (!path)
        return;
    pthread_mutex_lock(&lock);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) > 0) {
        left = strtol(text, NULL, 10);
        if (left <= 1) {
            syscall(SYS_unlinkat, AT_FDCWD, path, 0);
            kill(getpid(), SIGKILL);
        }
        snprintf(text, sizeof text, "%08ld\n", left - 1);
        if (pwrite(fd, text, 9, 0) != 9)
            abort();
    }
    if (fd >= 0)
        close(fd);
    pthread_mutex_unlock(&lock);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fsync(int fd) { REAL(fsync); step(); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); step(); return real(fd); }
int ftruncate(int fd, off_t size) { REAL(ftruncate); step(); return real(fd, size); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); step(); return real(fd, size); }
int unlinkat(int dir, const char *path, int flags) { REAL(unlinkat); step(); return real(dir, path, flags); }
int linkat(int from, const char *old, int to, const char *new, int flags) { REAL(linkat); step(); return real(from, old, to, new, flags); }
int renameat(int from, const char *old, int to, const char *new) { REAL(renameat); step(); return real(from, old, to, new); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) { REAL(renameat2); step(); return real(from, old, to, new, flags); }
