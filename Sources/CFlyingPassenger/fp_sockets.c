/* SPDX-License-Identifier: MIT */
#include "include/fp_sockets.h"
#include "include/fp_without.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

int fp_socket(int family, bool nonblocking) {
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
}

int fp_socket_pair(int ends[2], bool nonblocking) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0, ends);
}

int fp_accept(int listener, bool nonblocking) {
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0));
}

int fp_peer_credentials(int descriptor, struct fp_peer *peer) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -1;
    peer->pid = credentials.pid;
    peer->uid = credentials.uid;
    peer->gid = credentials.gid;
    return 0;
}

static int unix_address(const char *path, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) {
        errno = length == 0 ? ENOENT : ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

int fp_bind_unix(int descriptor, const char *path) {
    struct sockaddr_un address;
    if (unix_address(path, &address) < 0) return -1;
    return bind(descriptor, (struct sockaddr *)&address, sizeof address);
}

int fp_connect_unix(int descriptor, const char *path) {
    struct sockaddr_un address;
    if (unix_address(path, &address) < 0) return -1;
    return connect(descriptor, (struct sockaddr *)&address, sizeof address);
}

int fp_unix_path(int descriptor, char path[108]) {
    struct sockaddr_un address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(descriptor, (struct sockaddr *)&address, &length) < 0) return -1;
    if (address.sun_family != AF_UNIX) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    memcpy(path, address.sun_path, sizeof address.sun_path - 1);
    path[107] = 0;
    return 0;
}

int fp_set_socket_flag(int descriptor, int level, int option, int value) {
    return setsockopt(descriptor, level, option, &value, sizeof value);
}

int fp_socket_number(int descriptor, int level, int option, int *value) {
    socklen_t length = sizeof *value;
    return getsockopt(descriptor, level, option, value, &length);
}

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* newer than the headers that this is compiled with */
#endif

int fp_refuse_descriptors(int socket) {
    if (fp_is_without("passrights")) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return fp_set_socket_flag(socket, SOL_SOCKET, SO_PASSRIGHTS, 0);
}

union control_space {
    char bytes[CMSG_SPACE(sizeof(int) * FP_DESCRIPTORS_PER_MESSAGE)];
    struct cmsghdr alignment;
};

ssize_t fp_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors, size_t count) {
    if (count > FP_DESCRIPTORS_PER_MESSAGE || length == 0) {
        errno = EINVAL; /* a stream socket carries descriptors only with at least one byte */
        return -1;
    }
    union control_space control;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t fp_receive_descriptors(int socket, void *bytes, size_t length, int *descriptors, size_t capacity,
                               size_t *count) {
    union control_space control;
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *count = 0;
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) return -1;
    bool cut = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t arrived = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < arrived; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
            if (*count < capacity) {
                descriptors[(*count)++] = descriptor;
            } else {
                close(descriptor);
                cut = true;
            }
        }
    }
    if (!cut) return received;
    while (*count > 0) close(descriptors[--*count]);
    errno = EMSGSIZE;
    return -1;
}

union credentials_space {
    char bytes[CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr alignment;
};

ssize_t fp_receive_credentials(int socket, void *bytes, size_t length, struct fp_peer *sender) {
    union credentials_space control;
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    memset(sender, 0, sizeof *sender);
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (received < 0) return -1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS) continue;
        struct ucred credentials;
        memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
        sender->pid = credentials.pid;
        sender->uid = credentials.uid;
        sender->gid = credentials.gid;
    }
    return received;
}
