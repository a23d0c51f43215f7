/* SPDX-License-Identifier: ISC */
/*
 * permit - everything one address has consented to, packed
 *
 * Decoding checks every octet once, so that finding needs no checks; the
 * order of the pairs is part of what is checked, because a pair that stood
 * there twice could be read either way.
 */
#include "permit.h"

#include "language.h"

enum { VERSION = 1, HEADER = 3, EXPIRY = 4, PAIR = 4 };

/* The standing of a pair that says until when the next one is paused. */
enum { PAUSE = STANDING_COUNT };

/* Of the octet of flags. */
enum { FLAG_ERASED = 0x01, LANGUAGE_SHIFT = 2 };

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* Purpose and channel of a pair as one number that orders them. */
static uint32_t
rank(const uint8_t *pair)
{
	return get32(pair) >> 12;
}

static bool
is_pause(const uint8_t *pair)
{
	return (pair[2] & 0x0f) == PAUSE;
}

/* Whether pair `i` is a pause of the one after it, which is granted. */
static bool
is_pause_of_next(const struct permit *p, size_t i)
{
	const uint8_t *pair = p->pairs + i * PAIR, *next = pair + PAIR;

	return is_pause(pair) && i + 1 < p->n_pairs &&
	    rank(pair) == rank(next) && (next[2] & 0x0f) == STANDING_GRANTED;
}

static int
check_pairs(const struct permit *p, size_t n_expiries, struct err *e)
{
	for (size_t i = 0; i < p->n_pairs; i++) {
		const uint8_t *pair = p->pairs + i * PAIR;

		if (pair[2] >> 4 >= CHANNEL_COUNT || pair[3] > n_expiries ||
		    ((pair[2] & 0x0f) >= STANDING_COUNT &&
			!is_pause_of_next(p, i)))
			return err_set(e, ERR_FATAL,
			    "damaged permit: pair %zu makes no sense", i);
		if (i > 0 && rank(pair - PAIR) >= rank(pair) &&
		    !is_pause_of_next(p, i - 1))
			return err_set(e, ERR_FATAL,
			    "damaged permit: pair %zu is out of order", i);
	}
	return 0;
}

int
permit_decode(
    const uint8_t *octets, size_t len, struct permit *out, struct err *e)
{
	size_t fixed;

	*out = (struct permit){0};
	if (len == 0)
		return 0;
	if (len < HEADER || octets[0] != VERSION)
		return err_set(e, ERR_FATAL,
		    "permit of a version unknown here (%d)", octets[0]);
	fixed = HEADER + (size_t)octets[2] * EXPIRY;
	if (len < fixed || (len - fixed) % PAIR != 0 ||
	    (octets[1] & 0x02) != 0 ||
	    octets[1] >> LANGUAGE_SHIFT >= LANGUAGE_COUNT)
		return err_set(e, ERR_FATAL,
		    "damaged permit: %zu octets do not add up", len);
	out->known = true;
	out->erased = octets[1] & FLAG_ERASED;
	out->language = octets[1] >> LANGUAGE_SHIFT;
	out->expiries = octets + HEADER;
	out->pairs = octets + fixed;
	out->n_pairs = (len - fixed) / PAIR;
	return check_pairs(out, octets[2], e);
}

static int64_t
expiry_of(const struct permit *p, const uint8_t *pair)
{
	return pair[3] == 0 ? 0 : get32(p->expiries + (pair[3] - 1) * EXPIRY);
}

/* What is said of the pair at `i`, which may be its pause. */
static struct permit_pair
read_pair(const struct permit *p, size_t i)
{
	const uint8_t *pause = NULL, *pair = p->pairs + i * PAIR;
	struct permit_pair out = {0};

	if (is_pause(pair)) {
		pause = pair;
		pair += PAIR;
	} else if (i > 0 && is_pause_of_next(p, i - 1)) {
		pause = pair - PAIR;
	}
	out.standing = pair[2] & 0x0f;
	out.expires = expiry_of(p, pair);
	if (pause != NULL)
		out.paused = pause[3] == 0 ? INT64_MAX : expiry_of(p, pause);
	return out;
}

struct permit_pair
permit_find(const struct permit *p, uint16_t purpose, enum channel channel)
{
	uint32_t want = (uint32_t)purpose << 4 | (uint32_t)channel;
	size_t low = 0, high = p->n_pairs;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const uint8_t *pair = p->pairs + mid * PAIR;

		if (rank(pair) == want)
			return read_pair(p, mid);
		if (rank(pair) < want)
			low = mid + 1;
		else
			high = mid;
	}
	return (struct permit_pair){.standing = STANDING_NONE};
}
