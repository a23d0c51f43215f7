/* SPDX-License-Identifier: ISC */
/*
 * test_token - a link does only what it was made for
 */
#include "unit.h"

#include <ctype.h>
#include <sodium.h>

#include "policy/keys.h"
#include "policy/token.h"

/* Fixed keys: what they sealed once must open for ever. */
#define INDEX_LINE "index AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define TOKEN_7 "token 7 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"
#define TOKEN_8 "token 8 CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=\n"
#define OTHER_7 "token 7 CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n"

enum { URL = TOKEN_URL - 1, MAIL = TOKEN_MAIL - 1 };

static const enum capability all[] = {CAPABILITY_OPT_OUT,
    CAPABILITY_PREFERENCES, CAPABILITY_CONFIRM, CAPABILITY_PROFILE,
    CAPABILITY_WHY, CAPABILITY_LEAVE};

static const struct token_subject subject = {
    .key = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}},
    .purpose = 0x1234,
    .channel = CHANNEL_IM,
};

static char scratch[256];
static struct keys *keys;
static char url[TOKEN_URL], mail[TOKEN_MAIL];

static struct keys *
load(const char *text)
{
	char path[300];
	struct err e = {.text = ""};
	struct keys *k;

	snprintf(path, sizeof(path), "%s/keys", scratch);
	write_file(path, text, 0600);
	k = keys_load(path, &e);
	want(k != NULL, "%s", e.text);
	unlink(path);
	return k;
}

static int
set_up(void **state)
{
	struct token t = token_for(CAPABILITY_OPT_OUT, &subject);

	(void)state;
	make_scratch(scratch);
	keys = load(INDEX_LINE TOKEN_7);
	token_seal_url(keys, &t, url);
	token_seal_mail(keys, &t, mail);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	keys_free(&keys);
	return rmdir(scratch);
}

/* Whether `text` opens an opt-out; if not, nothing may have been given away. */
static bool
opens(const struct keys *k, const char *text, size_t len)
{
	static const struct token nothing;
	struct token t = {0};
	bool ok = token_open(k, CAPABILITY_OPT_OUT, text, len, &t);

	if (!ok)
		assert_memory_equal(&t, &nothing, sizeof(t));
	return ok;
}

static void
both_spellings_round_trip(void **state)
{
	static const struct token_subject rows[] = {
	    {.purpose = 0, .channel = CHANNEL_EMAIL},
	    {.purpose = 1, .channel = CHANNEL_SMS},
	    {.purpose = 0xff00, .channel = CHANNEL_PAPER},
	    {{{255, 0, 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 255}}, 65535,
		CHANNEL_IM},
	};
	char u[TOKEN_URL], m[TOKEN_MAIL];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t c = 0; c < COUNT(all); c++) {
			struct token t = token_for(all[c], &rows[i]), back;
			struct token_subject s;

			token_seal_url(keys, &t, u);
			token_seal_mail(keys, &t, m);
			assert_int_equal(strlen(u), 44);
			assert_int_equal(strlen(m), 53);
			assert_true(token_open(keys, all[c], u, URL, &back));
			assert_int_equal(back.capability, all[c]);
			assert_true(token_subject(&back, &s));
			assert_memory_equal(&s.key, &rows[i].key, ADDR_KEY);
			assert_int_equal(s.purpose, rows[i].purpose);
			assert_int_equal(s.channel, rows[i].channel);
			assert_true(token_open(keys, all[c], m, MAIL, &back));
			assert_memory_equal(back.body, t.body, TOKEN_BODY);
		}
}

/* Links sent long ago, made with another implementation. */
static void
what_was_sent_stays_good(void **state)
{
	static const char *const sent[] = {
	    "J-nFfBxm_GT0hFub6WDl6xKpkzqxCCrlkpnS1CFFGkM6",
	    "e7u4k7a4m36gj5eelon6syhf5mjktez2weecvzmsthjniikfdjbtu"};

	(void)state;
	assert_string_equal(url, sent[0]);
	assert_string_equal(mail, sent[1]);
	for (size_t i = 0; i < COUNT(sent); i++)
		assert_true(opens(keys, sent[i], strlen(sent[i])));
}

static void
spellings_use_safe_characters(void **state)
{
	static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				       "nopqrstuvwxyz0123456789-_";

	(void)state;
	assert_int_equal(strspn(url, url_safe), URL);
	assert_int_equal(
	    strspn(mail, "abcdefghijklmnopqrstuvwxyz234567"), MAIL);
}

static void
mail_spelling_ignores_case(void **state)
{
	char text[TOKEN_MAIL];

	(void)state;
	for (size_t i = 0; i <= MAIL; i++)
		text[i] = (char)toupper((unsigned char)mail[i]);
	assert_true(opens(keys, text, MAIL));
	for (size_t i = 0; i < MAIL; i += 2)
		text[i] = mail[i];
	assert_true(opens(keys, text, MAIL));
}

static void
equal_links_are_equal_and_others_share_nothing(void **state)
{
	struct token_subject other = subject;
	struct token t = token_for(CAPABILITY_OPT_OUT, &subject);
	char again[TOKEN_URL], text[TOKEN_URL];
	size_t same = 0;

	(void)state;
	token_seal_url(keys, &t, again);
	assert_string_equal(again, url);
	other.purpose++;
	t = token_for(CAPABILITY_OPT_OUT, &other);
	token_seal_url(keys, &t, text);
	for (size_t i = 2; i < URL; i++)
		same += text[i] == url[i];
	want(same < 8, "%s and %s", text, url);
}

/* Sealed octets must not show the address's key, nor the purpose. */
static void
the_body_is_hidden(void **state)
{
	uint8_t octets[TOKEN_OCTETS];
	size_t n;

	(void)state;
	assert_int_equal(
	    sodium_base642bin(octets, sizeof(octets), url, URL, NULL, &n, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING),
	    0);
	for (size_t i = 0; i + 3 <= TOKEN_OCTETS; i++)
		for (size_t j = 0; j + 3 <= ADDR_KEY; j++)
			assert_memory_not_equal(
			    octets + i, subject.key.octets + j, 3);
}

static void
every_bit_flip_is_refused(void **state)
{
	uint8_t octets[TOKEN_OCTETS];
	char text[TOKEN_URL];
	size_t n;

	(void)state;
	assert_int_equal(
	    sodium_base642bin(octets, sizeof(octets), url, URL, NULL, &n, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING),
	    0);
	for (size_t bit = 0; bit < TOKEN_OCTETS * 8; bit++) {
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		sodium_bin2base64(text, sizeof(text), octets, sizeof(octets),
		    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
		for (size_t c = 0; c < COUNT(all); c++) {
			struct token t;

			want(!token_open(keys, all[c], text, URL, &t),
			    "bit %zu", bit);
		}
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* Every character in every place, in both spellings. */
static void
every_other_character_is_refused(void **state)
{
	char text[64];

	(void)state;
	for (size_t i = 0; i < URL; i++)
		for (int c = 0; c < 256; c++) {
			memcpy(text, url, TOKEN_URL);
			text[i] = (char)c;
			want(opens(keys, text, URL) == (text[i] == url[i]),
			    "%zu: %d", i, c);
		}
	for (size_t i = 0; i < MAIL; i++)
		for (int c = 0; c < 256; c++) {
			memcpy(text, mail, TOKEN_MAIL);
			text[i] = (char)c;
			want(opens(keys, text, MAIL) ==
				(c < 128 && tolower(c) == mail[i]),
			    "%zu: %d", i, c);
		}
}

/* 53 characters hold one bit more than 33 octets. */
static void
the_spare_bit_must_be_zero(void **state)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	char text[TOKEN_MAIL];
	size_t last;

	(void)state;
	memcpy(text, mail, TOKEN_MAIL);
	last = (size_t)(strchr(alphabet, mail[MAIL - 1]) - alphabet);
	assert_int_equal(last % 2, 0);
	text[MAIL - 1] = alphabet[last + 1];
	assert_false(opens(keys, text, MAIL));
}

static void
other_lengths_are_refused(void **state)
{
	char text[128];

	(void)state;
	memset(text, 'A', sizeof(text));
	memcpy(text, url, URL);
	for (size_t len = 0; len < 100; len++)
		want(opens(keys, text, len) == (len == URL), "%zu", len);
	memcpy(text, mail, MAIL);
	for (size_t len = 0; len < 100; len++)
		want(opens(keys, text, len) == (len == MAIL), "%zu", len);
	assert_false(opens(keys, url + 1, URL - 1));
	snprintf(text, sizeof(text), "%s=", url);
	assert_false(opens(keys, text, URL + 1));
	snprintf(text, sizeof(text), " %s", url);
	assert_false(opens(keys, text, URL));
	snprintf(text, sizeof(text), "%.43s\n", url);
	assert_false(opens(keys, text, URL));
}

static void
a_capability_opens_nothing_else(void **state)
{
	char text[TOKEN_URL];

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++)
		for (size_t j = 0; j < COUNT(all); j++) {
			struct token t = token_for(all[i], &subject), out;

			token_seal_url(keys, &t, text);
			want(token_open(keys, all[j], text, URL, &out) ==
				(i == j),
			    "%d as %d", all[i], all[j]);
		}
}

static void
foreign_keys_are_refused(void **state)
{
	static const char *const rows[] = {
	    INDEX_LINE OTHER_7,		/* the same number */
	    INDEX_LINE TOKEN_8,		/* the number is gone */
	    INDEX_LINE TOKEN_8 OTHER_7, /* and another signs */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct keys *k = load(rows[i]);

		want(!opens(k, url, URL), "row %zu", i);
		want(!opens(k, mail, MAIL), "row %zu", i);
		keys_free(&k);
	}
}

static void
rotation_keeps_old_links(void **state)
{
	struct keys *k = load(TOKEN_8 TOKEN_7 INDEX_LINE);
	struct token t = token_for(CAPABILITY_OPT_OUT, &subject);
	char text[TOKEN_URL];

	(void)state;
	assert_true(opens(k, url, URL));
	assert_true(opens(k, mail, MAIL));
	token_seal_url(k, &t, text);
	assert_string_not_equal(text, url);
	assert_true(opens(k, text, URL));
	/* Signed with the new key, which the old file has not. */
	assert_false(opens(keys, text, URL));
	keys_free(&k);
}

static void
a_channel_that_does_not_exist_is_no_subject(void **state)
{
	struct token t = token_for(CAPABILITY_OPT_OUT, &subject);
	struct token_subject s;

	(void)state;
	for (int c = 0; c < 256; c++) {
		t.body[ADDR_KEY] = (uint8_t)c;
		want(token_subject(&t, &s) == (c < CHANNEL_COUNT), "%d", c);
	}
}

/* Another program may sign with a key that was added since. */
static void
keys_added_since(void **state)
{
	struct token t = token_for(CAPABILITY_OPT_OUT, &subject), opened;
	char path[300], later[TOKEN_MAIL];
	struct keys *k, *fresh;
	struct err e;

	(void)state;
	snprintf(path, sizeof(path), "%s/keys", scratch);
	write_file(path, INDEX_LINE TOKEN_7, 0600);
	k = keys_load(path, &e);
	fresh = load(INDEX_LINE TOKEN_8 TOKEN_7);
	token_seal_mail(fresh, &t, later);
	keys_free(&fresh);
	write_file(path, INDEX_LINE TOKEN_8 TOKEN_7, 0600);
	assert_false(token_open(k, CAPABILITY_OPT_OUT, later, MAIL, &opened));
	assert_int_equal(token_open_fresh(k, CAPABILITY_OPT_OUT, later, MAIL,
	    &opened, &e), 1);
	assert_memory_equal(opened.body, t.body, sizeof(t.body));
	assert_int_equal(token_open_fresh(k, CAPABILITY_OPT_OUT, mail, MAIL,
	    &opened, &e), 1);
	assert_int_equal(token_open_fresh(k, CAPABILITY_WHY, later, MAIL,
	    &opened, &e), 0);
	unlink(path);
	assert_int_equal(token_open_fresh(k, CAPABILITY_OPT_OUT, later, MAIL,
	    &opened, &e), -1);
	keys_free(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_spellings_round_trip),
	    cmocka_unit_test(what_was_sent_stays_good),
	    cmocka_unit_test(spellings_use_safe_characters),
	    cmocka_unit_test(mail_spelling_ignores_case),
	    cmocka_unit_test(equal_links_are_equal_and_others_share_nothing),
	    cmocka_unit_test(the_body_is_hidden),
	    cmocka_unit_test(every_bit_flip_is_refused),
	    cmocka_unit_test(every_other_character_is_refused),
	    cmocka_unit_test(the_spare_bit_must_be_zero),
	    cmocka_unit_test(other_lengths_are_refused),
	    cmocka_unit_test(a_capability_opens_nothing_else),
	    cmocka_unit_test(foreign_keys_are_refused),
	    cmocka_unit_test(rotation_keeps_old_links),
	    cmocka_unit_test(keys_added_since),
	    cmocka_unit_test(a_channel_that_does_not_exist_is_no_subject),
	};

	return cmocka_run_group_tests_name("token", tests, set_up, tear_down);
}
