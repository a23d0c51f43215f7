/* SPDX-License-Identifier: ISC */
/*
 * slots - how a Redis Cluster shares out its keys
 *
 * A line of CLUSTER NODES is: id, HOST:PORT@BUS[,NAME], flags, the master's id,
 * two times, configuration epoch, state of the link, and then slots, "5" or
 * "5-9"; what stands in brackets is a slot under way.
 */
#include "slots.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 8, ADDRESS = 1, FLAGS = 2 };

unsigned int
slots_hash(const char *tag, size_t len)
{
	unsigned int crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned int)(uint8_t)tag[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ ((crc & 0x8000) != 0 ? 0x1021 : 0);
		crc &= 0xffff;
	}
	return crc % SLOTS;
}

static bool
has_flag(const char *flags, const char *end, const char *flag)
{
	size_t len = strlen(flag);

	while (flags < end) {
		size_t n = strcspn(flags, ", ");

		if (n == len && memcmp(flags, flag, len) == 0)
			return true;
		flags += n + 1;
	}
	return false;
}

static bool
read_line(const char *line, const char *end, struct slots_node *node)
{
	const char *word[WORDS + 1];

	word[0] = line;
	for (size_t i = 1; i <= WORDS; i++) {
		const char *space =
		    memchr(word[i - 1], ' ', (size_t)(end - word[i - 1]));

		if (space == NULL && i < WORDS)
			return false;
		word[i] = space == NULL ? end : space + 1;
	}
	*node = (struct slots_node){
	    .master = has_flag(word[FLAGS], word[FLAGS + 1] - 1, "master") &&
		!has_flag(word[FLAGS], word[FLAGS + 1] - 1, "noaddr"),
	    .myself = has_flag(word[FLAGS], word[FLAGS + 1] - 1, "myself"),
	    .address = word[ADDRESS],
	    .address_len = strcspn(word[ADDRESS], "@, "),
	    .ranges = word[WORDS],
	    .end = end,
	};
	return true;
}

bool
slots_next(const char **text, struct slots_node *node)
{
	while (**text != '\0') {
		const char *line = *text, *end = line + strcspn(line, "\r\n");

		*text = end + strspn(end, "\r\n");
		if (read_line(line, end, node))
			return true;
	}
	return false;
}

bool
slots_range(struct slots_node *node, unsigned int *first, unsigned int *last)
{
	while (node->ranges < node->end) {
		const char *at = node->ranges;
		char *after;

		node->ranges += strcspn(at, " \r\n") + 1;
		if (*at < '0' || *at > '9')
			continue;
		*first = *last = (unsigned int)strtoul(at, &after, 10);
		if (*after == '-')
			*last = (unsigned int)strtoul(after + 1, NULL, 10);
		if (*first <= *last && *last < SLOTS)
			return true;
	}
	return false;
}
