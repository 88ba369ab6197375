/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct fp_peer {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

enum { FP_DESCRIPTORS_PER_MESSAGE = 64 };

int fp_socket(int family, bool nonblocking);
int fp_socket_pair(int ends[2], bool nonblocking);
/* accept4; the new socket is close-on-exec. */
int fp_accept(int listener, bool nonblocking);
/* SO_PEERCRED: who connected, as of the moment of connect. */
int fp_peer_credentials(int descriptor, struct fp_peer *peer);

/* Binds or connects a Unix socket; ENAMETOOLONG when the path does not fit (107 bytes). */
int fp_bind_unix(int descriptor, const char *path);
int fp_connect_unix(int descriptor, const char *path);
/* Like the path of bind, or "" for an unnamed one; returns -1 when `descriptor` is not a Unix socket. */
int fp_unix_path(int descriptor, char path[108]);

int fp_set_socket_flag(int descriptor, int level, int option, int value);
int fp_socket_number(int descriptor, int level, int option, int *value);

/* From now on nobody can send descriptors to this Unix socket, nor to what it accepts (SO_PASSRIGHTS); -1 before Linux 6.16. */
int fp_refuse_descriptors(int socket);

/* sendmsg and recvmsg with SCM_RIGHTS. Received descriptors are close-on-exec. A message whose descriptors were cut off
   is an EMSGSIZE; what did arrive of them is closed. Both never raise SIGPIPE. */
ssize_t fp_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors, size_t count);
ssize_t fp_receive_descriptors(int socket, void *bytes, size_t length, int *descriptors, size_t capacity, size_t *count);

/* recvmsg that does not wait, on a socket with SO_PASSCRED: who has sent what was received; pid 0 when the kernel did not
   say. Descriptors that came along are closed by the kernel, because there is no room for them. */
ssize_t fp_receive_credentials(int socket, void *bytes, size_t length, struct fp_peer *sender);
