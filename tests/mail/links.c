/* SPDX-License-Identifier: ISC */
/*
 * links - the opt-out tokens of many people at once
 *
 *	links KEYS PURPOSE < keys-of-addresses > tokens
 *
 * KEYS is the keys' file, PURPOSE a number; a line is an address key in
 * hexadecimal, and a token comes out for each.
 */
#include <err.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/keys.h"
#include "policy/token.h"

int
main(int argc, char **argv)
{
	struct token_subject s = {.channel = CHANNEL_EMAIL};
	char line[ADDR_KEY_HEX + 1], text[TOKEN_URL];
	struct keys *k;
	struct err e;

	if (argc != 3)
		errx(2, "usage: links KEYS PURPOSE");
	k = keys_load(argv[1], &e);
	if (k == NULL)
		errx(1, "%s", e.text);
	s.purpose = (uint16_t)strtoul(argv[2], NULL, 10);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct token t;

		if (sodium_hex2bin(s.key.octets, ADDR_KEY, line,
			strcspn(line, "\n"), NULL, NULL, NULL) != 0)
			errx(1, "no key: %s", line);
		t = token_for(CAPABILITY_OPT_OUT, &s);
		token_seal_url(k, &t, text);
		puts(text);
	}
	keys_free(&k);
	return 0;
}
