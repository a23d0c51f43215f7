/* SPDX-License-Identifier: ISC */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_STAGES = 7,   /* SMFIM_FIRST .. SMFIM_LAST */
	WIRE_LISTS = 1024, /* octets kept of one stage's macro list */
	WIRE_WHY = 160,
};

/* One connection to a milter, as the mail server holds it. */
struct wire {
	int fd;
	uint32_t proto;	  /* SMFIP_* that the filter asked for */
	uint32_t actions; /* SMFIF_* that the filter asked for */
	bool asked[WIRE_STAGES];
	char macros[WIRE_STAGES][WIRE_LISTS];
	struct wire_buf {
		char *base;
		size_t len, size;
	} out, in;
	size_t packet_start; /* of the packet being filled, in out */
	size_t in_pos;	     /* of the first octet not yet handed out */
	char why[WIRE_WHY];  /* what failed, for people */
};

/* One packet as received; valid until the next call on the same wire. */
struct wire_packet {
	char command;
	const char *data;
	size_t len;
};

/*
 * Connects to the unix socket at path and negotiates protocol version 6,
 * offering every action and every step. No single wait on this wire lasts
 * longer than timeout seconds. 0, or -1 with w->why set; wire_close() is due
 * in both cases.
 */
int wire_open(struct wire *w, const char *path, int timeout)
    __attribute__((warn_unused_result, nonnull));

/* Drops the connection without a word and releases what it held. */
void wire_close(struct wire *w) __attribute__((nonnull));

/*
 * A packet is begun, filled and ended; it leaves with the next wire_get() or
 * wire_flush(), in one write with those before it.
 */
void wire_begin(struct wire *w, char command) __attribute__((nonnull));
void wire_add(struct wire *w, const void *data, size_t len)
    __attribute__((nonnull));
void wire_add_string(struct wire *w, const char *s) __attribute__((nonnull));
void wire_end(struct wire *w) __attribute__((nonnull));

/* 0, or -1 with w->why set. */
int wire_flush(struct wire *w) __attribute__((warn_unused_result, nonnull));

/* Sends what waits, then blocks for one packet. 0, or -1 with w->why set. */
int wire_get(struct wire *w, struct wire_packet *p)
    __attribute__((warn_unused_result, nonnull));

/*
 * The blank-separated names of the macros that the filter asked for at this
 * SMFIM_* stage, or NULL if it left the choice to the server.
 */
const char *wire_macros(const struct wire *w, int stage)
    __attribute__((nonnull));

#endif
