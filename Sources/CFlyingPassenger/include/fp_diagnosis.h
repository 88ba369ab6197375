/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* One listening TCP socket as the kernel reports it (sock_diag(7)). */
struct fp_tcp_listener {
    int family; /* AF_INET or AF_INET6 */
    uint8_t address[16];
    uint32_t uid;
    uint32_t inode;
    uint32_t accept_queue;
};

/* Fills in the listeners at `port` of both families, at most `capacity`; returns how many, or -1 and errno. */
int fp_tcp_listeners(uint16_t port, struct fp_tcp_listener *listeners, size_t capacity);
/* Connections waiting in the accept queue of the listening Unix socket with this inode; -1 and errno. */
int fp_unix_accept_queue(uint32_t inode, uint32_t *waiting);
/* The socket at the other end of a TCP connection within this machine. */
struct fp_peer_socket {
    uint32_t uid;
    uint32_t inode;       /* 0: no process has it any more */
    uint8_t established;  /* neither side has closed */
};

/* 0 and the peer's socket; 1: the connection is not one within this machine; -1 and errno (ENOENT: no such socket). */
int fp_tcp_peer_socket(int connection, struct fp_peer_socket *peer);
