/*
 * Preloaded into a station that a test starts. Everything the station does to files in one folder happens one call at a
 * time and is logged after it took effect, so the log's order is the disk's. Reads, and files of other folders, pass through.
 *
 *   DOCKWARD_WRITES_FOLDER  the folder of the database; nothing else in it is recorded, `-shm` files neither
 *   DOCKWARD_WRITES_LOG     where the log goes, appended to (another folder); missing: nothing is logged
 *   DOCKWARD_WRITES_MARKS   a file the station writes lines to: each line stands in the log as a mark. A line that begins
 *                           with '!' is an order to this layer instead: "!space N" leaves N bytes to grow by (-1: no limit),
 *                           "!fail N" fails the N-th call from here on with EIO (0: none), "!kill N" kills the process in the
 *                           middle of it, "!count" starts counting anew and writes the count to a mark.
 *
 * A log entry: u8 operation, u8 length of the name, u16 zero, u32 length of the data, u64 offset or size; name; data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE, SYNC, CREATE, UNLINK, SYNC_FOLDER, MARK, RENAME };
enum { MAX_FD = 4096, MAX_NAME = 200 };

/* What a descriptor stands for: nothing of ours, a file of the folder by its name, the folder itself, or the marks. */
static char names[MAX_FD][MAX_NAME];
static const char FOLDER[] = "/", MARKS[] = "//";

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static const char *folder, *marks;
static size_t folder_length;
static int log_fd = -1;
static long space = -1, calls = 0, fail_at = 0, kill_at = 0;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void) {
  folder = getenv("DOCKWARD_WRITES_FOLDER");
  marks = getenv("DOCKWARD_WRITES_MARKS");
  folder_length = folder ? strlen(folder) : 0;
  const char *log = getenv("DOCKWARD_WRITES_LOG");
  if (log) log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void record(int operation, const char *name, uint64_t offset, const void *data, size_t length) {
  if (log_fd < 0) return;
  struct { uint8_t operation, name; uint16_t zero; uint32_t length; uint64_t offset; } head = {operation, strlen(name), 0, length, offset};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)name, head.name}, {(void *)data, length}};
  if (syscall(SYS_writev, log_fd, parts, 3) != (long)(sizeof head + head.name + length)) abort();
}

/* The name inside the folder, or NULL for what is not ours. Folders below it count too: their files are named "below/file". */
static const char *inside(const char *path) {
  if (!folder || strncmp(path, folder, folder_length) || path[folder_length] != '/') return NULL;
  const char *name = path + folder_length + 1;
  size_t length = strlen(name);
  return length > 0 && length < MAX_NAME ? name : NULL;
}

static int is_shared_memory(const char *name) {
  size_t length = strlen(name);
  return length > 4 && !strcmp(name + length - 4, "-shm");
}

static const char *name_of(int fd) { return fd >= 0 && fd < MAX_FD && names[fd][0] ? names[fd] : NULL; }
static const char *file_of(int fd) {
  const char *name = name_of(fd);
  return name && name[0] != '/' ? name : NULL;
}

/* Counts a call that changes the disk; true if it is to fail. `half` does a part of it before the process is killed. */
static int fails(void) {
  calls += 1;
  if (fail_at == 0 || calls != fail_at) return 0;
  errno = EIO;
  return 1;
}
static int dies(void) { return kill_at != 0 && calls == kill_at; }
static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static void obey(const char *line, size_t length) {
  char order[64] = {0};
  char report[64];
  memcpy(order, line, length < sizeof order ? length : sizeof order - 1);
  if (!strncmp(order, "!space ", 7)) space = atol(order + 7);
  else if (!strncmp(order, "!fail ", 6)) fail_at = (calls = 0, atol(order + 6));
  else if (!strncmp(order, "!kill ", 6)) kill_at = (calls = 0, atol(order + 6));
  else if (!strncmp(order, "!count", 6)) {
    snprintf(report, sizeof report, "calls %ld", calls);
    record(MARK, "", 0, report, strlen(report));
    calls = 0;
  }
}

static ssize_t write_file(int fd, const char *name, const void *data, size_t length, off_t offset) {
  pthread_mutex_lock(&turn);
  ssize_t written = -1;
  size_t wanted = length;
  if (!fails()) {
    struct stat held;
    off_t size = fstat(fd, &held) ? 0 : held.st_size;
    off_t growth = offset + (off_t)length > size ? offset + (off_t)length - size : 0;
    if (space >= 0 && growth > space) wanted = growth - space < (off_t)length ? length - (growth - space) : 0;
    if (dies()) wanted = wanted / 2;
    if (wanted == 0) errno = ENOSPC;
    else written = syscall(SYS_pwrite64, fd, data, wanted, offset);
    if (written > 0) {
      if (space >= 0 && offset + written > size) space -= offset + written - size;
      if (!is_shared_memory(name)) record(WRITE, name, offset, data, written);
    }
    if (dies()) die();
  }
  int error = errno;
  pthread_mutex_unlock(&turn);
  errno = error;
  return written;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
  const char *name = file_of(fd);
  return name ? write_file(fd, name, data, length, offset) : syscall(SYS_pwrite64, fd, data, length, offset);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
  const char *name = name_of(fd);
  if (name && !strcmp(name, MARKS)) {
    pthread_mutex_lock(&turn);
    const char *line = data;
    if (length > 0 && line[0] == '!') obey(line, length);
    else record(MARK, "", 0, data, length);
    pthread_mutex_unlock(&turn);
    return length;
  }
  if (name && name[0] != '/') {
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t written = write_file(fd, name, data, length, offset);
    if (written > 0) lseek(fd, offset + written, SEEK_SET);
    return written;
  }
  return NEXT(write)(fd, data, length);
}

int ftruncate64(int fd, off_t size) {
  const char *name = file_of(fd);
  if (!name) return syscall(SYS_ftruncate, fd, size);
  pthread_mutex_lock(&turn);
  int result = -1;
  if (!fails()) {
    if (dies()) die();
    struct stat held;
    off_t growth = fstat(fd, &held) ? 0 : size - held.st_size;
    if (space >= 0 && growth > space) errno = ENOSPC;
    else result = syscall(SYS_ftruncate, fd, size);
    if (result == 0) {
      if (space >= 0) space -= growth;
      if (!is_shared_memory(name)) record(TRUNCATE, name, size, NULL, 0);
    }
  }
  int error = errno;
  pthread_mutex_unlock(&turn);
  errno = error;
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int sync_file(int fd, const char *name, long call) {
  pthread_mutex_lock(&turn);
  int result = -1;
  if (!fails()) {
    if (dies()) die();
    result = syscall(call, fd);
    if (result == 0) {
      if (!strcmp(name, FOLDER)) record(SYNC_FOLDER, "", 0, NULL, 0);
      else if (!is_shared_memory(name)) record(SYNC, name, 0, NULL, 0);
    }
  }
  int error = errno;
  pthread_mutex_unlock(&turn);
  errno = error;
  return result;
}
int fsync(int fd) {
  const char *name = name_of(fd);
  return name && strcmp(name, MARKS) ? sync_file(fd, name, SYS_fsync) : syscall(SYS_fsync, fd);
}
int fdatasync(int fd) {
  const char *name = name_of(fd);
  return name && strcmp(name, MARKS) ? sync_file(fd, name, SYS_fdatasync) : syscall(SYS_fdatasync, fd);
}

static int open_file(const char *path, int flags, mode_t mode) {
  const char *name = inside(path);
  int is_marks = marks && !strcmp(path, marks), is_folder = folder && !strncmp(path, folder, folder_length) && (flags & O_ACCMODE) == O_RDONLY;
  struct stat held;
  if (is_folder) is_folder = !stat(path, &held) && S_ISDIR(held.st_mode);
  if (!name && !is_marks && !is_folder) {
    int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && fd < MAX_FD) names[fd][0] = 0;
    return fd;
  }
  pthread_mutex_lock(&turn);
  int fd = -1;
  int creates = name && (flags & O_CREAT) && stat(path, &held) != 0;
  int empties = name && (flags & O_TRUNC) && !creates;
  if (!(creates && fails())) {
    if (creates && dies()) die();
    fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    /* Node closes its own descriptors by system call, unseen: what is open for reading is not remembered. */
    const char *known = is_marks ? MARKS : is_folder ? FOLDER : (flags & O_ACCMODE) == O_RDONLY ? "" : name;
    if (fd >= MAX_FD) abort();
    if (fd >= 0) strcpy(names[fd], known);
    if (fd >= 0 && creates && !is_shared_memory(name)) record(CREATE, name, 0, NULL, 0);
    if (fd >= 0 && empties && !is_shared_memory(name)) record(TRUNCATE, name, 0, NULL, 0);
  }
  int error = errno;
  pthread_mutex_unlock(&turn);
  errno = error;
  return fd;
}

static mode_t mode_in(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return open_file(path, flags, mode);
}
int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_in(flags, rest);
  va_end(rest);
  return open_file(path, flags, mode);
}

int close(int fd) {
  if (fd >= 0 && fd < MAX_FD) names[fd][0] = 0;
  return NEXT(close)(fd);
}

int unlink(const char *path) {
  const char *name = inside(path);
  if (!name) return NEXT(unlink)(path);
  pthread_mutex_lock(&turn);
  int result = -1;
  if (!fails()) {
    if (dies()) die();
    struct stat held;
    off_t size = stat(path, &held) ? 0 : held.st_size;
    result = NEXT(unlink)(path);
    if (result == 0 && space >= 0) space += size;
    if (result == 0 && !is_shared_memory(name)) record(UNLINK, name, 0, NULL, 0);
  }
  int error = errno;
  pthread_mutex_unlock(&turn);
  errno = error;
  return result;
}

int rename(const char *from, const char *to) {
  const char *name = inside(from), *target = inside(to);
  int result = NEXT(rename)(from, to);
  if (result == 0 && (name || target)) {
    pthread_mutex_lock(&turn);
    record(RENAME, name ? name : "", 0, target ? target : "", target ? strlen(target) : 0);
    pthread_mutex_unlock(&turn);
  }
  return result;
}
