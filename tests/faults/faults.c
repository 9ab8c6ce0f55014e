/* Preloaded into a process, lets one system call of it fail, or kills the process just before it.

   Only calls on files below a folder are counted: open, write, sync, rename, truncate, mkdir and, on a disk that has
   become read-only, unlink. `faults_arm(root, at, error, lasting)` arms it: the `at`-th call fails with `error`, and
   with `lasting` every changing call after it; without an error the process is killed there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static size_t root_length;
static long at, calls;
static int failure, lasting;

void faults_arm(const char *folder, long place, int error, int stays) {
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    at = place; failure = error; lasting = stays; calls = 0;
}

long faults_calls(void) { return calls; }

static int below(const char *path) { return root_length && !strncmp(path, root, root_length); }

static int path_below(int folder, const char *path) {
    char link[64], full[PATH_MAX];
    if (!root_length) return 0;
    if (path[0] == '/') return below(path);
    if (folder == AT_FDCWD) return getcwd(full, sizeof full) && below(full);
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, full, sizeof full - 1);
    return length > 0 && (full[length] = 0, below(full));
}

static int handle_below(int handle) { return path_below(handle, ""); }

/* Whether the call is to fail; errno says how. */
static int fails(int counted, int changes) {
    if (!counted) return 0;
    long number = __sync_add_and_fetch(&calls, 1);
    if (at && number == at && !failure) kill(getpid(), SIGKILL);
    if (at && failure && (number == at || (lasting && number > at && changes))) { errno = failure; return 1; }
    return 0;
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define CHANGES(flags) (((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) != 0)
#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) {
    MODE(flags) REAL(open);
    return fails(path_below(AT_FDCWD, path), CHANGES(flags)) ? -1 : real(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE(flags) REAL(open64);
    return fails(path_below(AT_FDCWD, path), CHANGES(flags)) ? -1 : real(path, flags, mode);
}
int openat(int folder, const char *path, int flags, ...) {
    MODE(flags) REAL(openat);
    return fails(path_below(folder, path), CHANGES(flags)) ? -1 : real(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
    MODE(flags) REAL(openat64);
    return fails(path_below(folder, path), CHANGES(flags)) ? -1 : real(folder, path, flags, mode);
}
FILE *fopen(const char *path, const char *how) {
    REAL(fopen);
    return fails(path_below(AT_FDCWD, path), how[0] != 'r' || strchr(how, '+')) ? NULL : real(path, how);
}
FILE *fopen64(const char *path, const char *how) {
    REAL(fopen64);
    return fails(path_below(AT_FDCWD, path), how[0] != 'r' || strchr(how, '+')) ? NULL : real(path, how);
}
ssize_t write(int handle, const void *data, size_t size) {
    REAL(write);
    return fails(handle_below(handle), 1) ? -1 : real(handle, data, size);
}
ssize_t pwrite(int handle, const void *data, size_t size, off_t place) {
    REAL(pwrite);
    return fails(handle_below(handle), 1) ? -1 : real(handle, data, size, place);
}
ssize_t pwrite64(int handle, const void *data, size_t size, off64_t place) {
    REAL(pwrite64);
    return fails(handle_below(handle), 1) ? -1 : real(handle, data, size, place);
}
ssize_t writev(int handle, const struct iovec *parts, int count) {
    REAL(writev);
    return fails(handle_below(handle), 1) ? -1 : real(handle, parts, count);
}
int fsync(int handle) { REAL(fsync); return fails(handle_below(handle), 1) ? -1 : real(handle); }
int fdatasync(int handle) { REAL(fdatasync); return fails(handle_below(handle), 1) ? -1 : real(handle); }
int ftruncate(int handle, off_t size) { REAL(ftruncate); return fails(handle_below(handle), 1) ? -1 : real(handle, size); }
int ftruncate64(int handle, off64_t size) {
    REAL(ftruncate64);
    return fails(handle_below(handle), 1) ? -1 : real(handle, size);
}
int rename(const char *old, const char *fresh) {
    REAL(rename);
    return fails(path_below(AT_FDCWD, fresh), 1) ? -1 : real(old, fresh);
}
int renameat(int from, const char *old, int to, const char *fresh) {
    REAL(renameat);
    return fails(path_below(to, fresh), 1) ? -1 : real(from, old, to, fresh);
}
int renameat2(int from, const char *old, int to, const char *fresh, unsigned int how) {
    REAL(renameat2);
    return fails(path_below(to, fresh), 1) ? -1 : real(from, old, to, fresh, how);
}
int mkdir(const char *path, mode_t mode) {
    struct stat status;
    REAL(mkdir);
    /* Of a folder that is there a read-only disk says so, and nothing else. */
    int there = path_below(AT_FDCWD, path) && !stat(path, &status);
    return !there && fails(path_below(AT_FDCWD, path), 1) ? -1 : real(path, mode);
}
int unlink(const char *path) {
    REAL(unlink);
    if (lasting && at && calls >= at && path_below(AT_FDCWD, path)) { errno = failure; return failure == EROFS ? -1 : real(path); }
    return real(path);
}
