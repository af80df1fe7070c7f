/*
 * Preloaded into pcscd, for tests only. Two artefacts of virtual readers go away:
 * - vpcd sends a frame's length and its payload apart, so Nagle and the delayed acknowledgement cost 40 ms per APDU;
 * - pcscd asks a virtual reader for its card every 400 ms only. DOCKWARD_PCSCD_POLL_US sets another period, in microseconds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STATUS_POLL_NS 400000000L

int accept(int listener, struct sockaddr *peer, socklen_t *peer_length) {
  static int (*next)(int, struct sockaddr *, socklen_t *);
  if (!next) next = (int (*)(int, struct sockaddr *, socklen_t *))dlsym(RTLD_NEXT, "accept");
  int socket = next(listener, peer, peer_length);
  int on = 1;
  if (socket >= 0) setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

int nanosleep(const struct timespec *wanted, struct timespec *left) {
  static int (*next)(const struct timespec *, struct timespec *);
  if (!next) next = (int (*)(const struct timespec *, struct timespec *))dlsym(RTLD_NEXT, "nanosleep");
  struct timespec time = *wanted;
  const char *period = getenv("DOCKWARD_PCSCD_POLL_US");
  if (period && time.tv_sec == 0 && time.tv_nsec == STATUS_POLL_NS) time.tv_nsec = atol(period) * 1000L;
  return next(&time, left);
}

int usleep(useconds_t microseconds) {
  struct timespec time = {microseconds / 1000000, (microseconds % 1000000) * 1000L};
  return nanosleep(&time, NULL);
}
