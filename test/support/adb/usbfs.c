/*
 * Preloaded into an unmodified adb server: shows it a USB bus of files and sockets instead of the machine's own.
 *
 * Under $DOCKWARD_USB_ROOT lie the folders `dev/bus/usb` and `sys` in place of the kernel's, and for every device
 * file `dev/bus/usb/BBB/DDD` a unix socket `BBB-DDD`: a stream of adb packets, each a header of 24 bytes and its payload.
 * Bulk URBs are carried over that socket; header and payload are transfers of their own, as on a cable.
 * A device file without write permission refuses to be opened for writing, also to root.
 * The server's sleep of one second between two looks at the bus is shortened, so that tests wait less.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define MAX_FD 1024
#define MAX_URBS 16
#define HEADER_BYTES 24
#define MAX_PAYLOAD (1024 * 1024)
#define SHORT_SLEEP_NS (50 * 1000 * 1000)

struct device {
  int socket, dead;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct usbdevfs_urb *waiting[MAX_URBS], *done[MAX_URBS];
  int waiting_count, done_count;
  const unsigned char *transfer;
  size_t length, offset;
};

static struct device *devices[MAX_FD];
static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *mapped(const char *path, char *into, size_t size) {
  const char *root = getenv("DOCKWARD_USB_ROOT");
  int ours = !strncmp(path, "/dev/bus/usb", 12) || !strncmp(path, "/sys/", 5);
  if (!root || !ours) return path;
  snprintf(into, size, "%s%s", root, path);
  return into;
}

static int opened(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  char place[4096];
  struct stat found;
  const char *at = mapped(path, place, sizeof place);
  if (at != path && (flags & O_ACCMODE) != O_RDONLY && !stat(at, &found) && !(found.st_mode & S_IWUSR)) {
    errno = EACCES;
    return -1;
  }
  return real(at, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(REAL(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(REAL(open64), path, flags, mode);
}

DIR *opendir(const char *path) {
  char place[4096];
  return REAL(opendir)(mapped(path, place, sizeof place));
}

ssize_t readlink(const char *path, char *target, size_t size) {
  char place[4096];
  return REAL(readlink)(mapped(path, place, sizeof place), target, size);
}

/* Bus and device number of an open device file; 0 for any other file. */
static int number_of(int fd, unsigned *bus, unsigned *number) {
  char link[64], path[4096];
  const char *root = getenv("DOCKWARD_USB_ROOT");
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = REAL(readlink)(link, path, sizeof path - 1);
  if (!root || length < 0) return 0;
  path[length] = 0;
  size_t skip = strlen(root);
  return !strncmp(path, root, skip) && sscanf(path + skip, "/dev/bus/usb/%u/%u", bus, number) == 2;
}

static void as_character_device(int fd, mode_t *mode, dev_t *rdev) {
  unsigned bus, number;
  if (!number_of(fd, &bus, &number)) return;
  *mode = (*mode & ~S_IFMT) | S_IFCHR;
  *rdev = makedev(189, (bus - 1) * 128 + number - 1);
}

int fstat(int fd, struct stat *found) {
  int result = REAL(fstat)(fd, found);
  if (!result) as_character_device(fd, &found->st_mode, &found->st_rdev);
  return result;
}

int fstat64(int fd, struct stat64 *found) {
  int result = REAL(fstat64)(fd, found);
  if (!result) as_character_device(fd, &found->st_mode, &found->st_rdev);
  return result;
}

int nanosleep(const struct timespec *asked, struct timespec *left) {
  struct timespec brief = {0, SHORT_SLEEP_NS};
  int between_looks = asked->tv_sec == 1 && asked->tv_nsec == 0;
  return REAL(nanosleep)(between_looks ? &brief : asked, left);
}

/* With the lock held. */
static void finish(struct device *device, struct usbdevfs_urb *urb, int status, int length) {
  urb->status = status;
  urb->actual_length = length;
  if (device->done_count < MAX_URBS) device->done[device->done_count++] = urb;
  pthread_cond_broadcast(&device->changed);
}

/* With the lock held: moves what has arrived into the buffers that wait for it. */
static void deliver(struct device *device) {
  while (device->waiting_count && device->transfer && device->offset < device->length) {
    struct usbdevfs_urb *urb = device->waiting[0];
    memmove(device->waiting, device->waiting + 1, --device->waiting_count * sizeof *device->waiting);
    size_t part = device->length - device->offset;
    if (part > (size_t)urb->buffer_length) part = urb->buffer_length;
    memcpy(urb->buffer, device->transfer + device->offset, part);
    device->offset += part;
    finish(device, urb, 0, part);
  }
}

static void transfer(struct device *device, const unsigned char *bytes, size_t length) {
  pthread_mutex_lock(&device->lock);
  device->transfer = bytes;
  device->length = length;
  device->offset = 0;
  deliver(device);
  while (device->offset < length && !device->dead) pthread_cond_wait(&device->changed, &device->lock);
  device->transfer = NULL;
  pthread_mutex_unlock(&device->lock);
}

static void *carry(void *given) {
  struct device *device = given;
  unsigned char header[HEADER_BYTES];
  while (recv(device->socket, header, sizeof header, MSG_WAITALL) == sizeof header) {
    uint32_t length;
    memcpy(&length, header + 12, sizeof length);
    if (length > MAX_PAYLOAD) break;
    unsigned char *payload = malloc(length ? length : 1);
    if (!payload || (length && recv(device->socket, payload, length, MSG_WAITALL) != (ssize_t)length)) {
      free(payload);
      break;
    }
    transfer(device, header, sizeof header);
    if (length) transfer(device, payload, length);
    free(payload);
  }
  pthread_mutex_lock(&device->lock);
  device->dead = 1;
  pthread_cond_broadcast(&device->changed);
  pthread_mutex_unlock(&device->lock);
  return NULL;
}

static struct device *plugged_in(unsigned bus, unsigned number) {
  struct device *device = calloc(1, sizeof *device);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  pthread_t thread;
  if (!device) abort();
  pthread_mutex_init(&device->lock, NULL);
  pthread_cond_init(&device->changed, NULL);
  snprintf(address.sun_path, sizeof address.sun_path, "%s/%03u-%03u", getenv("DOCKWARD_USB_ROOT"), bus, number);
  device->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(device->socket, (struct sockaddr *)&address, sizeof address) || pthread_create(&thread, NULL, carry, device)) device->dead = 1;
  else pthread_detach(thread);
  return device;
}

static struct device *device_of(int fd) {
  unsigned bus, number;
  if (fd < 0 || fd >= MAX_FD || !number_of(fd, &bus, &number)) return NULL;
  pthread_mutex_lock(&devices_lock);
  if (!devices[fd]) devices[fd] = plugged_in(bus, number);
  struct device *device = devices[fd];
  pthread_mutex_unlock(&devices_lock);
  return device;
}

/* What the device was is not freed: a thread of the server may still wait in it. */
int close(int fd) {
  if (fd >= 0 && fd < MAX_FD && devices[fd]) {
    shutdown(devices[fd]->socket, SHUT_RDWR);
    devices[fd] = NULL;
  }
  return REAL(close)(fd);
}

static int failed(int code) {
  errno = code;
  return -1;
}

static int submit(struct device *device, struct usbdevfs_urb *urb) {
  int result = 0;
  if (!(urb->endpoint & 0x80)) {
    for (int sent = 0; sent < urb->buffer_length;) {
      ssize_t part = send(device->socket, (char *)urb->buffer + sent, urb->buffer_length - sent, MSG_NOSIGNAL);
      if (part <= 0) return failed(ENODEV);
      sent += part;
    }
  }
  pthread_mutex_lock(&device->lock);
  if (!(urb->endpoint & 0x80)) finish(device, urb, 0, urb->buffer_length);
  else if (device->waiting_count == MAX_URBS) result = failed(ENOMEM);
  else {
    device->waiting[device->waiting_count++] = urb;
    deliver(device);
  }
  pthread_mutex_unlock(&device->lock);
  return result;
}

static int reap(struct device *device, struct usbdevfs_urb **into, int wait) {
  int result = 0;
  pthread_mutex_lock(&device->lock);
  while (wait && !device->done_count && !device->dead) pthread_cond_wait(&device->changed, &device->lock);
  if (device->done_count) {
    *into = device->done[0];
    memmove(device->done, device->done + 1, --device->done_count * sizeof *device->done);
  } else result = failed(device->dead ? ENODEV : EAGAIN);
  pthread_mutex_unlock(&device->lock);
  return result;
}

static int discard(struct device *device, struct usbdevfs_urb *urb) {
  int result = failed(EINVAL);
  pthread_mutex_lock(&device->lock);
  for (int at = 0; at < device->waiting_count && result; at++) {
    if (device->waiting[at] != urb) continue;
    memmove(device->waiting + at, device->waiting + at + 1, (--device->waiting_count - at) * sizeof *device->waiting);
    finish(device, urb, -ENOENT, 0);
    result = 0;
  }
  pthread_mutex_unlock(&device->lock);
  return result;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  struct device *device = _IOC_TYPE(request) == 'U' ? device_of(fd) : NULL;
  if (!device) return REAL(ioctl)(fd, request, argument);
  switch (request) {
    case USBDEVFS_CLAIMINTERFACE:
    case USBDEVFS_RELEASEINTERFACE:
    case USBDEVFS_CLEAR_HALT:
    case USBDEVFS_RESET:
      return device->dead ? failed(ENODEV) : 0;
    case USBDEVFS_SUBMITURB:
      return device->dead ? failed(ENODEV) : submit(device, argument);
    case USBDEVFS_REAPURB:
      return reap(device, argument, 1);
    case USBDEVFS_REAPURBNDELAY:
      return reap(device, argument, 0);
    case USBDEVFS_DISCARDURB:
      return discard(device, argument);
    default:
      return failed(ENOTTY);
  }
}
