/* SPDX-License-Identifier: MIT */
#include "include/fp_diagnosis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A netlink socket that answers within two seconds or not at all: the kernel answers at once. */
int fp_open_diagnosis(void) {
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0) return -1;
    struct timeval limit = {.tv_sec = 2};
    setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return netlink;
}

static int close_keeping_errno(int descriptor) {
    int code = errno;
    close(descriptor);
    errno = code;
    return -1;
}

static ssize_t send_request(int netlink, const void *request, size_t length) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t sent;
    do {
        sent = sendto(netlink, request, length, 0, (struct sockaddr *)&kernel, sizeof kernel);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

/* Receives one datagram; aligned for netlink headers. */
static ssize_t receive_reply(int netlink, void *buffer, size_t capacity) {
    ssize_t length;
    do {
        length = recv(netlink, buffer, capacity, 0);
    } while (length < 0 && errno == EINTR);
    return length;
}

/* The error number that a NLMSG_ERROR message carries; 0 is an acknowledgement. */
static int carried_error(const struct nlmsghdr *header) {
    const struct nlmsgerr *error = NLMSG_DATA(header);
    return header->nlmsg_len < NLMSG_LENGTH(sizeof *error) ? EPROTO : -error->error;
}

/* Whether a listener of IPv6 takes no connections of IPv4, out of the attributes of one answer. */
static bool is_only_ipv6(struct nlmsghdr *header, struct inet_diag_msg *found) {
    int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof *found));
    for (struct rtattr *attribute = (struct rtattr *)(found + 1); RTA_OK(attribute, left);
         attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type == INET_DIAG_SKV6ONLY && RTA_PAYLOAD(attribute) >= 1)
            return *(const uint8_t *)RTA_DATA(attribute) != 0;
    }
    return false;
}

static void add_listener(struct nlmsghdr *header, struct fp_tcp_listener *listener) {
    struct inet_diag_msg *found = NLMSG_DATA(header);
    memset(listener, 0, sizeof *listener);
    listener->is_only_ipv6 = is_only_ipv6(header, found);
    listener->family = found->idiag_family;
    memcpy(listener->address, found->id.idiag_src, found->idiag_family == AF_INET ? 4 : 16);
    listener->uid = found->idiag_uid;
    listener->inode = found->idiag_inode;
    listener->accept_queue = found->idiag_rqueue;
}

/* Adds the listeners of one family; returns the new count or -1. */
static int dump_family(int netlink, int family, uint16_t port, struct fp_tcp_listener *listeners, size_t capacity,
                       int count) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request;
    memset(&request, 0, sizeof request);
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.body.sdiag_family = (uint8_t)family;
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = 1u << TCP_LISTEN;
    request.body.id.idiag_sport = htons(port);
    if (send_request(netlink, &request, sizeof request) < 0) return -1;
    _Alignas(struct nlmsghdr) char buffer[32768];
    for (;;) {
        ssize_t received = receive_reply(netlink, buffer, sizeof buffer);
        if (received < 0) return -1;
        int left = (int)received;
        for (struct nlmsghdr *header = (struct nlmsghdr *)buffer; NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type == NLMSG_DONE) return count;
            if (header->nlmsg_type == NLMSG_ERROR) {
                errno = carried_error(header);
                return -1;
            }
            const struct inet_diag_msg *found = NLMSG_DATA(header);
            if (header->nlmsg_len < NLMSG_LENGTH(sizeof *found) || ntohs(found->id.idiag_sport) != port) continue;
            if ((size_t)count < capacity) add_listener(header, &listeners[count++]);
        }
    }
}

int fp_tcp_listeners(uint16_t port, struct fp_tcp_listener *listeners, size_t capacity) {
    int netlink = fp_open_diagnosis();
    if (netlink < 0) return -1;
    int count = dump_family(netlink, AF_INET, port, listeners, capacity, 0);
    if (count >= 0) {
        int all = dump_family(netlink, AF_INET6, port, listeners, capacity, count);
        /* A kernel without IPv6 has no handler for that family. */
        if (all >= 0 || errno != ENOENT) count = all;
    }
    if (count < 0) return close_keeping_errno(netlink);
    close(netlink);
    return count;
}

/* The number of waiting connections out of the attributes of one answer. */
static bool queue_length(struct nlmsghdr *header, uint32_t *waiting) {
    struct unix_diag_msg *found = NLMSG_DATA(header);
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof *found)) return false;
    int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof *found));
    for (struct rtattr *attribute = (struct rtattr *)(found + 1); RTA_OK(attribute, left);
         attribute = RTA_NEXT(attribute, left)) {
        struct unix_diag_rqlen lengths;
        if (attribute->rta_type != UNIX_DIAG_RQLEN || RTA_PAYLOAD(attribute) < sizeof lengths) continue;
        memcpy(&lengths, RTA_DATA(attribute), sizeof lengths);
        *waiting = lengths.udiag_rqueue;
        return true;
    }
    return false;
}

int fp_unix_accept_queue(uint32_t inode, uint32_t *waiting) {
    struct {
        struct nlmsghdr header;
        struct unix_diag_req body;
    } request;
    memset(&request, 0, sizeof request);
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.body.sdiag_family = AF_UNIX;
    request.body.udiag_states = ~0u;
    request.body.udiag_ino = inode;
    request.body.udiag_show = UDIAG_SHOW_RQLEN;
    request.body.udiag_cookie[0] = request.body.udiag_cookie[1] = ~0u; /* any: INET_DIAG_NOCOOKIE */
    int netlink = fp_open_diagnosis();
    if (netlink < 0) return -1;
    _Alignas(struct nlmsghdr) char buffer[4096];
    ssize_t received = -1;
    if (send_request(netlink, &request, sizeof request) >= 0) received = receive_reply(netlink, buffer, sizeof buffer);
    if (received < 0) return close_keeping_errno(netlink);
    close(netlink);
    struct nlmsghdr *header = (struct nlmsghdr *)buffer;
    if (!NLMSG_OK(header, received)) {
        errno = EPROTO;
        return -1;
    }
    if (header->nlmsg_type == NLMSG_ERROR) {
        errno = carried_error(header);
        return -1;
    }
    if (!queue_length(header, waiting)) {
        errno = ENODATA;
        return -1;
    }
    return 0;
}

/* One end of a connection; IPv4 in IPv6 is IPv4, which is how the other end may see it. */
struct end {
    int family;
    uint8_t address[16];
    uint16_t port; /* network order */
};

static int read_end(const struct sockaddr_storage *storage, struct end *end) {
    memset(end, 0, sizeof *end);
    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)storage;
        end->family = AF_INET;
        end->port = address->sin_port;
        memcpy(end->address, &address->sin_addr, 4);
        return 0;
    }
    if (storage->ss_family != AF_INET6) return -1;
    const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)storage;
    end->port = address->sin6_port;
    if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr)) {
        end->family = AF_INET;
        memcpy(end->address, address->sin6_addr.s6_addr + 12, 4);
    } else {
        end->family = AF_INET6;
        memcpy(end->address, &address->sin6_addr, 16);
    }
    return 0;
}

static bool is_loopback(const struct end *end) {
    return end->family == AF_INET ? end->address[0] == 127
                                  : IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)end->address);
}

/* Asks for one socket: the connection between the two ends, or whatever listens at `own` if there is none. */
static int find_socket(int netlink, const struct end *own, const struct end *other, struct inet_diag_msg *answer) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request;
    memset(&request, 0, sizeof request);
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.body.sdiag_family = (uint8_t)own->family;
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = ~0u;
    request.body.id.idiag_sport = own->port;
    request.body.id.idiag_dport = other->port;
    memcpy(request.body.id.idiag_src, own->address, 16);
    memcpy(request.body.id.idiag_dst, other->address, 16);
    request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = ~0u; /* any: INET_DIAG_NOCOOKIE */
    if (send_request(netlink, &request, sizeof request) < 0) return -1;
    _Alignas(struct nlmsghdr) char buffer[4096];
    ssize_t received = receive_reply(netlink, buffer, sizeof buffer);
    if (received < 0) return -1;
    struct nlmsghdr *header = (struct nlmsghdr *)buffer;
    if (!NLMSG_OK(header, received)) {
        errno = EPROTO;
        return -1;
    }
    if (header->nlmsg_type == NLMSG_ERROR) {
        errno = carried_error(header);
        return -1;
    }
    if (header->nlmsg_len < NLMSG_LENGTH(sizeof *answer)) {
        errno = EPROTO;
        return -1;
    }
    memcpy(answer, NLMSG_DATA(header), sizeof *answer);
    return 0;
}

/* Both ends of a connection; 1 if it is not TCP. */
static int read_ends(int connection, struct end *remote, struct end *local) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getpeername(connection, (struct sockaddr *)&storage, &length) < 0) return -1;
    if (read_end(&storage, remote) < 0) return 1;
    length = sizeof storage;
    if (getsockname(connection, (struct sockaddr *)&storage, &length) < 0) return -1;
    return read_end(&storage, local) < 0 ? 1 : 0;
}

bool fp_is_over_loopback(int connection) {
    struct end remote, local;
    return read_ends(connection, &remote, &local) == 0 && is_loopback(&remote) && is_loopback(&local);
}

static void describe(const struct inet_diag_msg *found, struct fp_peer_socket *peer) {
    peer->uid = found->idiag_uid;
    peer->inode = found->idiag_inode;
    peer->established = found->idiag_state == TCP_ESTABLISHED;
    peer->is_new = found->idiag_state == TCP_SYN_RECV;
}

int fp_tcp_peer_socket(int netlink, int connection, struct fp_peer_socket *peer) {
    struct end remote, local;
    struct inet_diag_msg found;
    int rc = read_ends(connection, &remote, &local);
    if (rc != 0) return rc;
    if (find_socket(netlink, &remote, &local, &found) < 0) return -1;
    /* Without such a connection the kernel answers with a listener, which has no remote port. */
    if (found.id.idiag_sport != remote.port || found.id.idiag_dport != local.port) {
        errno = ENOENT;
        return -1;
    }
    describe(&found, peer);
    return 0;
}

int fp_tcp_peer_listener(int netlink, int connection, struct fp_peer_socket *peer) {
    struct end remote, local;
    struct inet_diag_msg found;
    int rc = read_ends(connection, &remote, &local);
    if (rc != 0) return rc;
    /* No connection comes from port 0, so this finds the listener that the kernel would choose. */
    local.port = 0;
    if (find_socket(netlink, &remote, &local, &found) < 0) return -1;
    if (found.idiag_state != TCP_LISTEN || found.id.idiag_sport != remote.port) {
        errno = ENOENT;
        return -1;
    }
    describe(&found, peer);
    return 0;
}
