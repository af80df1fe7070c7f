/*
 * A reader driver for tests that can be unplugged. Every reader loads a copy of this library, and through it the copy of vpcd beside it:
 * "<copy>.vpcd". While "<copy>.unplugged" exists nothing in the reader can be reached.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

typedef long RESPONSECODE;
typedef unsigned long DWORD;
typedef unsigned char *PUCHAR;

#define IFD_COMMUNICATION_ERROR 612

static void beside(char *path, const char *suffix) {
  Dl_info self;
  dladdr((void *)beside, &self);
  snprintf(path, PATH_MAX, "%s%s", self.dli_fname, suffix);
}

static int unplugged(void) {
  char path[PATH_MAX];
  beside(path, ".unplugged");
  return access(path, F_OK) == 0;
}

static void *vpcd(const char *function) {
  static void *library;
  char path[PATH_MAX];
  beside(path, ".vpcd");
  if (!library) library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  return library ? dlsym(library, function) : NULL;
}

#define FORWARD(name, declared, passed)                          \
  RESPONSECODE name declared {                                   \
    RESPONSECODE(*next) declared = vpcd(#name);                  \
    return next && !unplugged() ? next passed : IFD_COMMUNICATION_ERROR; \
  }

FORWARD(IFDHCreateChannel, (DWORD lun, DWORD channel), (lun, channel))
FORWARD(IFDHCreateChannelByName, (DWORD lun, char *name), (lun, name))
FORWARD(IFDHGetCapabilities, (DWORD lun, DWORD tag, DWORD *length, PUCHAR value), (lun, tag, length, value))
FORWARD(IFDHSetCapabilities, (DWORD lun, DWORD tag, DWORD length, PUCHAR value), (lun, tag, length, value))
FORWARD(IFDHSetProtocolParameters, (DWORD lun, DWORD protocol, unsigned char flags, unsigned char a, unsigned char b, unsigned char c), (lun, protocol, flags, a, b, c))
FORWARD(IFDHPowerICC, (DWORD lun, DWORD action, PUCHAR atr, DWORD *length), (lun, action, atr, length))
FORWARD(IFDHControl, (DWORD lun, DWORD code, PUCHAR sent, DWORD sent_length, PUCHAR received, DWORD room, DWORD *length), (lun, code, sent, sent_length, received, room, length))
FORWARD(IFDHICCPresence, (DWORD lun), (lun))

struct io_header {
  DWORD protocol;
  DWORD length;
};
FORWARD(IFDHTransmitToICC, (DWORD lun, struct io_header send, PUCHAR sent, DWORD sent_length, PUCHAR received, DWORD *length, struct io_header *got), (lun, send, sent, sent_length, received, length, got))

/* Also of a reader that is unplugged: its port must be free when it comes back. */
RESPONSECODE IFDHCloseChannel(DWORD lun) {
  RESPONSECODE (*next)(DWORD) = vpcd("IFDHCloseChannel");
  return next ? next(lun) : IFD_COMMUNICATION_ERROR;
}
