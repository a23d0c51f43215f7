/* SPDX-License-Identifier: ISC */
/*
 * letter - a message of the pages, as octets
 *
 * It is made from nothing that a stranger typed but the address that it goes
 * to, which has been read strictly.  Auto-Submitted (RFC 3834) keeps other
 * programs from answering it.
 */
#include "web/letter.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mail/qp.h"
#include "policy/arena.h"
#include "policy/buf.h"

enum { ID_OCTETS = 16 };

enum { WORD_OCTETS = 39 }; /* of text in an encoded word: 52 in base64 */

void
letter_make_id(const char *domain, char out[LETTER_ID])
{
	uint8_t random[ID_OCTETS];
	char hex[2 * ID_OCTETS + 1];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(hex, sizeof(hex), random, sizeof(random));
	snprintf(out, LETTER_ID, "<%s@%s>", hex, domain);
}

/* Text for a header in encoded words (RFC 2047), each of whole characters. */
static void
put_words(struct buf *out, const char *text)
{
	char word[sodium_base64_ENCODED_LEN(
	    WORD_OCTETS, sodium_base64_VARIANT_ORIGINAL)];
	const char *between = "";

	for (size_t n; *text != '\0'; text += n) {
		n = strnlen(text, WORD_OCTETS + 1);
		if (n > WORD_OCTETS)
			for (n = WORD_OCTETS; (text[n] & 0xc0) == 0x80;)
				n--;
		sodium_bin2base64(word, sizeof(word),
		    (const unsigned char *)text, n,
		    sodium_base64_VARIANT_ORIGINAL);
		buf_printf(out, "%s=?utf-8?B?%s?=", between, word);
		between = "\r\n ";
	}
}

static void
put_header(const struct letter *l, const char *boundary, struct buf *out)
{
	char date[64];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	buf_printf(out, "Date: %s\r\nFrom: ", date);
	put_words(out, l->from);
	buf_printf(
	    out, "\r\n <%s>\r\nTo: <%s>\r\nSubject: ", l->sender, l->recipient);
	put_words(out, l->subject);
	buf_printf(out,
	    "\r\nMessage-ID: %s\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/alternative;\r\n"
	    "\tboundary=\"%s\"\r\n",
	    l->message_id, boundary);
}

static int
put_part(struct arena *a, struct buf *out, const char *boundary,
    const char *subtype, const char *text)
{
	struct buf lines = {0};
	const char *octets = NULL;
	size_t len;

	for (; *text != '\0'; text++)
		if (*text == '\n')
			buf_puts(&lines, "\r\n");
		else
			buf_add(&lines, text, 1);
	if (!buf_failed(&lines) && lines.len > 0)
		octets = qp_encode(a, lines.data, lines.len, &len);
	if (octets != NULL) {
		buf_printf(out,
		    "\r\n--%s\r\n"
		    "Content-Type: text/%s; charset=utf-8\r\n"
		    "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		    boundary, subtype);
		buf_add(out, octets, len);
	}
	buf_free(&lines);
	return octets == NULL ? -1 : 0;
}

int
letter_write(
    const struct letter *l, struct arena *a, struct buf *out, struct err *e)
{
	uint8_t random[16];
	char boundary[2 * sizeof(random) + 1];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(boundary, sizeof(boundary), random, sizeof(random));
	put_header(l, boundary, out);
	if (put_part(a, out, boundary, "plain", l->text) != 0 ||
	    put_part(a, out, boundary, "html", l->html) != 0)
		return err_set(e, ERR_FATAL, "out of memory for a letter");
	buf_printf(out, "\r\n--%s--\r\n", boundary);
	return buf_failed(out)
	    ? err_set(e, ERR_FATAL, "out of memory for a letter")
	    : 0;
}
