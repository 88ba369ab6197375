/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One listening TCP socket as the kernel reports it (sock_diag(7)). */
struct fp_tcp_listener {
    int family; /* AF_INET or AF_INET6 */
    uint8_t address[16];
    bool is_only_ipv6;
    uint32_t uid;
    uint32_t inode;
    uint32_t accept_queue;
};

/* Fills in the listeners at `port` of both families, at most `capacity`; returns how many, or -1 and errno. */
int fp_tcp_listeners(uint16_t port, struct fp_tcp_listener *listeners, size_t capacity);
/* Connections waiting in the accept queue of the listening Unix socket with this inode; -1 and errno. */
int fp_unix_accept_queue(uint32_t inode, uint32_t *waiting);
/* A netlink socket to ask over; -1 and errno. After a failed question it is to be closed: a late answer may be in it. */
int fp_open_diagnosis(void);

/* The socket at the other end of a TCP connection within this machine. */
struct fp_peer_socket {
    uint32_t uid;
    uint32_t inode;       /* 0: no process has it, not yet or not any more */
    uint8_t established;  /* neither side has closed */
    uint8_t is_new;       /* the handshake is under way, or waits for data (TCP_DEFER_ACCEPT) */
};

/* 0 and the peer's socket; 1: not TCP; -1 and errno (ENOENT: no such socket, as with peers on other machines). */
int fp_tcp_peer_socket(int netlink, int connection, struct fp_peer_socket *peer);
/* The same for the socket that listens where the connection leads; `peer` has the one who made it. */
int fp_tcp_peer_listener(int netlink, int connection, struct fp_peer_socket *peer);
/* Whether both ends of a TCP connection have loopback addresses. */
bool fp_is_over_loopback(int connection);
