/* SPDX-License-Identifier: ISC */
/*
 * test_edit - what is edited in a message, and that nothing else is
 *
 * Messages are written with LF and edited with CRLF, as they arrive.
 */
#include "unit.h"

#include "mail/edit.h"
#include "mail/field.h"
#include "policy/arena.h"
#include "policy/buf.h"

#define LINK "https://o.example/u/T"

static const char *const hosts[] = {"t.example", NULL};
static const struct edit_alias aliases[] = {
    {"*|UNSUB|*", EDIT_UNSUBSCRIBE}, {"{{why_url}}+", EDIT_UNSUBSCRIBE}};
static const struct edit_plan plan = {
    .unsubscribe_url = LINK,
    .preferences_url = "https://o.example/m/T",
    .why_url = "https://o.example/w/T?a&b",
    .brand = "B\xc4\x99 & Co",
    .aliases = aliases,
    .n_aliases = COUNT(aliases),
    .footer_text = "F " LINK,
    .footer_html = "<p>F <a href=\"" LINK "\">x</a>",
    .link_prefix = "https://o.example/u/",
};

static void
crlf(const char *s, struct buf *out)
{
	buf_puts(out, "");
	for (; *s != '\0'; s++)
		*s == '\n' ? buf_puts(out, "\r\n") : buf_add(out, s, 1);
}

/* The message with changed fields before the others; false if unchanged. */
static bool
edit(const struct edit_plan *p, const char *message, struct edit_result *r,
    char **out)
{
	struct buf in = {0}, head = {0};
	struct arena *a;
	struct edit_message m;
	bool changed;
	const char *gap;

	crlf(message, &in);
	gap = strstr(in.data, "\r\n\r\n");
	assert_non_null(gap);
	m = (struct edit_message){.head = in.data,
	    .head_len = (size_t)(gap - in.data) + 2,
	    .body = gap + 4,
	    .body_len = in.len - (size_t)(gap + 4 - in.data)};
	a = arena_new(EDIT_ROOM(in.len));
	assert_non_null(a);
	edit_message(a, &m, p, r);
	for (size_t i = 0; i < r->n_fields; i++)
		buf_printf(
		    &head, "%s: %s\n", r->fields[i].name, r->fields[i].value);
	buf_puts(&head, "\n");
	for (size_t i = 0; i < r->n_body; i++)
		buf_add(&head, r->body[i].data, r->body[i].len);
	changed = r->n_body > 0;
	arena_free(&a);
	buf_free(&in);
	*out = head.data;
	return changed;
}

/* Without the CR, and in text only as long as the other is. */
static bool
same(const char *got, const char *expected)
{
	for (; *expected != '\0'; expected++, got++) {
		if (*expected == '\n' && *got == '\r')
			got++;
		if (*got != *expected)
			return false;
	}
	return *got == '\0';
}

struct row {
	const char *message;
	const char *expected; /* changed fields, empty line, body */
};

static void
walk(const struct edit_plan *p, const struct row *rows, size_t n)
{
	struct edit_result r;
	char *out;

	for (size_t i = 0; i < n; i++) {
		bool changed = edit(p, rows[i].message, &r, &out);

		if (rows[i].expected == NULL)
			want(!changed, "\"%s\" became \"%s\"", rows[i].message,
			    out);
		else
			want(changed && same(out, rows[i].expected),
			    "\"%s\" became \"%s\" (%s)", rows[i].message, out,
			    edit_skip_word(r.skipped));
		free(out);
	}
}

static void
placeholders(void **state)
{
	static const struct row rows[] = {
	    {"X: x\n\na {{unsubscribe_url}} {{preferences_url}} {{why_url}}\n",
		"\na " LINK
		" https://o.example/m/T https://o.example/w/T?a&b\n"},
	    {"X: x\n\n{{amazonSESUnsubscribeUrl}}", "\n" LINK},
	    {"X: x\n\n{{{pm:unsubscribe}}}", "\n" LINK},
	    {"X: x\n\n{{{unsubscribe}}}", "\n" LINK},
	    {"X: x\n\n[unsubscribe]", "\n" LINK},
	    {"X: x\n\n<%asm_group_unsubscribe_raw_url%>", "\n" LINK},
	    {"X: x\n\n%unsubscribe_url%", "\n" LINK},
	    {"X: x\n\n%tag_unsubscribe_url%", "\n" LINK},
	    {"X: x\n\n{unsubscribe_url}", "\n" LINK},
	    {"X: x\n\n{dnc_url}", "\n" LINK},
	    {"X: x\n\n*|UNSUB|*", "\n" LINK},
	    {"X: x\n\n{{why_url}}+", "\n" LINK},
	    {"X: x\n\n{{unsubscribe_url}{{unsubscribe_url}}", "\n{" LINK LINK},
	    {"X: x\n\n%25unsubscribe_url%25 %7b%7Bunsubscribe%5Furl}}",
		"\n" LINK " " LINK},
	    {"Content-Type: text/html\n\n"
	     "<a href=\"%7B%7Bunsubscribe_url%7D%7D\">"
	     "<a href=%3C%25asm_group_unsubscribe_raw_url%25%3E>"
	     "<a href='//r.example/?u=%7B%7Bunsubscribe_url%7D%7D'>"
	     "&#123;&#x7B;unsubscribe_url&rbrace;&#125;{{why_url}}",
		"\n<a href=\"" LINK "\"><a href=" LINK ">"
		"<a href='//r.example/?u=https%3A%2F%2Fo.example%2Fu%2FT'>" LINK
		"https://o.example/w/T?a&amp;b"},
	    {"Content-Type: text/html; charset=utf-8\n"
	     "Content-Transfer-Encoding: 8bit\n\n" LINK " {{brand}}\n",
		"\n" LINK " B\xc4\x99 &amp; Co\n"},
	};

	(void)state;
	walk(&plan, rows, COUNT(rows));
}

static void
encodings(void **state)
{
	static const struct row rows[] = {
	    /* Soft breaks inside; what is before and after stays. */
	    {"Content-Transfer-Encoding: quoted-printable\n\n"
	     "=41{{unsub=\nscribe=5furl}}{dn=  \nc_url} =C5=\n=bc\n",
		"\n=41" LINK LINK " =C5=\n=bc\n"},
	    {"Content-Transfer-Encoding: quoted-printable\n\n"
	     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     "{dnc_url}bbb\n",
		"\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"https://o.examp=\nle/u/Tbbb\n"},
	    /* A stray "=" does not become an escape with what is put in. */
	    {"Content-Transfer-Encoding: quoted-printable\n"
	     "Content-Type: text/plain; charset=utf-8\n\n" LINK "={{brand}}\n",
		"\n" LINK "==\nB=C4=99 & Co\n"},
	    /* Base64: lines before the first edit stay. */
	    {"Content-Transfer-Encoding: base64\n\n"
	     "YWFhYWFh\nYWFhYWFh\nYWF7ZG5jX3VybH0=\n\n",
		"\nYWFhYWFh\nYWFhYWFh\nYWFodHRw\nczovL28u\nZXhhbXBs\nZS91L1Q="
		"\n\n"},
	    {"Content-Transfer-Encoding: base64\n\ne2RuY191cmx9\ngarbage!\n",
		NULL},
	    {"Content-Transfer-Encoding: base64\n\ne2RuY191cmx9=AAA\n", NULL},
	    {"Content-Transfer-Encoding: x-uuencode\n\n{dnc_url}\n", NULL},
	};

	(void)state;
	walk(&plan, rows, COUNT(rows));
}

/* Footers find their way into any character set, or the part becomes UTF-8. */
static void
charsets(void **state)
{
	static const struct row rows[] = {
	    {"Content-Type: text/plain; charset=utf-8\n"
	     "Content-Transfer-Encoding: 8bit\n\nhi\n-- \nme\n",
		"\nhi\n-- \nme\n\n\xc4\x99 " LINK "\n"},
	    {"Content-Type: text/plain; charset=utf-8\n\nhi",
		"Content-Transfer-Encoding: quoted-printable\n"
		"MIME-Version: 1.0\n\nhi\n\n=C4=99 " LINK},
	    {"MIME-Version: 1.0\n"
	     "Content-Type: Text/Plain;\n\tCharset=\"us-ascii\" (x); "
	     "a=b\n\nhi=\n",
		"Content-Type: Text/Plain;\n\tCharset=\"utf-8\" (x); a=b\n"
		"Content-Transfer-Encoding: quoted-printable\n\n"
		"hi=3D\n\n=C4=99 " LINK "\n"},
	    {"MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n"
	     "Content-Type: text/plain; charset=windows-1250\n\n\xb9\n",
		"\n\xb9\n\n\xea " LINK "\n"},
	    {"MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n"
	     "Content-Type: text/plain; charset=iso-8859-1\n\n\xe9\n",
		"Content-Type: text/plain; charset=utf-8\n\n"
		"\xc3\xa9\n\n\xc4\x99 " LINK "\n"},
	    {"MIME-Version: 1.0\nContent-Transfer-Encoding: base64\n"
	     "Content-Type: text/plain; charset=iso-8859-1\n\n6Q0K\n",
		"Content-Type: text/plain; charset=utf-8\n\n"
		"w6kNCg0KxJkgaHR0cHM6Ly9vLmV4YW1wbGUvdS9UDQo=\n"},
	    {"Content-Transfer-Encoding: base64\n"
	     "Content-Type: text/plain; charset=utf-16le\n\neAA=\n",
		"\neAANAAoADQAKABkBIABoAHQAdABwAHMAOgAvAC8AbwAuAGUAeABhAG0AcABs"
		"AGUALwB1AC8AVAA=\n"},
	    /* The mark says little-endian; what was there stays. */
	    {"Content-Transfer-Encoding: base64\n"
	     "Content-Type: text/html; charset=UTF-16\n\n"
	     "//57AGQAbgBjAF8AdQByAGwAfQA=\n",
		"\n//5oAHQAdABwAHMAOgAvAC8AbwAuAGUAeABhAG0AcABsAGUALwB1AC8AVAA="
		"\n"},
	    /* "{dnc_url}" in Japanese is not one; after it is. */
	    {"Content-Type: text/plain; charset=iso-2022-jp\n\n"
	     "\x1b$B{dnc_url}\x1b(B{dnc_url}\n",
		"\n\x1b$B{dnc_url}\x1b(B" LINK "\n"},
	    {"Content-Type: text/html; charset=iso-2022-jp\n\n\x1b$B$3",
		"\n\x1b$B$3\x1b(B\n&#281; <a href=\"" LINK "\">x</a>\n"},
	    {"Content-Type: text/html; charset=shift_jis\n"
	     "Content-Transfer-Encoding: 8bit\n\n\x83<!-- x\n",
		"\n\x83<!-- x\n&#281; <a href=\"" LINK "\">x</a>\n"},
	    {"Content-Type: text/html; charset=us-ascii\n\n<b>x</b>\n",
		"\n<b>x</b>\n&#281; <a href=\"" LINK "\">x</a>\n\n"},
	    {"Content-Type: text/html; charset=iso-8859-2\n"
	     "Content-Transfer-Encoding: 8bit\n\n<b>x</b>\n",
		"\n<b>x</b>\n\xea <a href=\"" LINK "\">x</a>\n\n"},
	    /* Unknown: the letters go, the address stays. */
	    {"Content-Type: text/plain; charset=x-none\n"
	     "Content-Transfer-Encoding: 8bit\n\n\xff\n",
		"\n\xff\n\n? " LINK "\n"},
	    {"Content-Type: text/plain; charset*=us-ascii''iso-8859-1\n"
	     "Content-Transfer-Encoding: 8bit\n\n\xe9\n",
		"\n\xe9\n\n? " LINK "\n"},
	    {"Content-Type: text/plain; charset=utf-7\n\n{dnc_url}\n", NULL},
	    {"Content-Type: text/plain; format=flowed; charset=utf-8\n"
	     "Content-Transfer-Encoding: 8bit\n\nhi \n",
		"\nhi \n\n\xc4\x99 " LINK "\n"},
	};
	struct edit_plan p = plan;

	(void)state;
	p.footer_text = "\xc4\x99 " LINK "\n";
	p.footer_html = "\xc4\x99 <a href=\"" LINK "\">x</a>\n";
	walk(&p, rows, COUNT(rows));
}

static void
texts(void **state)
{
	static const struct row rows[] = {
	    {"X: x\n\nhi\n-- \nme\n", "\nhi\n\nF " LINK "\n\n-- \nme\n"},
	    {"X: x\n\n-- \nme\n", "\nF " LINK "\n\n-- \nme\n"},
	    {"X: x\n\nhi\n--\nme\n", "\nhi\n--\nme\n\nF " LINK "\n"},
	    {"X: x\n\n", "\nF " LINK},
	    {"Content-Transfer-Encoding: quoted-printable\n\nhi\n--=20\nme\n",
		"\nhi\n\nF " LINK "\n\n--=20\nme\n"},
	    {"X: x\n\nsee " LINK "23 there\n", NULL},
	};
	static const struct row flowed[] = {
	    {"Content-Type: text/plain; format=flowed\n\nhi \n",
		"\nhi \n\n > a\nb\n From c\n  d " LINK "\n"},
	};
	struct edit_plan p = plan;

	(void)state;
	p.before_signature = true;
	walk(&p, rows, COUNT(rows));
	p.footer_text = "> a\nb \nFrom c\n d " LINK;
	walk(&p, flowed, COUNT(flowed));
}

/* The end of the body as the reader sees it. */
static void
bodies(void **state)
{
#define FOOT "<p>F <a href=\"" LINK "\">x</a>\n"
	static const struct {
		const char *before, *closers, *after;
	} rows[] = {
	    {"<html><body><p>x</p>\n", "", "</body></html>\n"},
	    {"x", "", ""},
	    {"<p>x</p>", "", "\n\n"},
	    {"<body>a</body><body>b", "", "</body></html>"},
	    {"<body>a</body>b", "", ""},
	    {"<body>a</body>b", "", "</html>"},
	    {"<body>a", "", "</body><!-- </body> -->\n</html><!-- x -->"},
	    {"<body>a<!-- </body> -->b", "", "</BODY >"},
	    {"<body>a", "", "<!-- </body>"},
	    {"<body>a<!-->b", "", "</body>"},
	    {"<body>a<!-- x --!>b", "", "</body>"},
	    {"<body><a title=\"</body>\">b</a>", "", "</body>"},
	    {"<title></body></title>b", "", "</body>"},
	    {"<script>'</body>'</script>b", "", "</body>"},
	    {"b", "", "<script>'</body>'"},
	    {"b", "", "<title>x</title"},
	    {"b", "", "<a href=\"</body>"},
	    {"<table><tr><td>x</table>", "", "</body>"},
	    {"<table><tr><td>x", "</td></tr></tbody></table>", "</body>"},
	    {"<div><a href=x><b>x</div>", "</a>", "</body>"},
	    {"<div hidden>x", "</div>", "</body>"},
	    {"<a href=x>b", "</a>", ""},
	    {"<b><i>x</b></i>", "", "</body>"},
	    {"<p style='display:none'>x", "</p>", "</body>"},
	    {"<ul><li>x</ul>", "", "</body>"},
	    {"<p>x<p>y</p>", "", "</body>"},
	    {"a", "", "</"},
	    {"<select><option>x", "</option></select>", "</body>"},
	    {"<o:p>x", "</o:p>", ""},
	    {"<x\"y>z", "", ""},
	    {"</div><p>x</p></table>", "", "</body>"},
	    {"<!--[if mso]><table><tr><td><![endif]-->x"
	     "<!--[if mso]></td></tr></table><![endif]-->",
		"", "</body>"},
	    {"<!-- {dnc_url} -->x", "", ""},
	    {"<title>{dnc_url}</title>x", "", ""},
	    {"<link href='" LINK "'>x", "", ""},
	    {"<!--[if mso]><a href='" LINK "'>x</a><![endif]-->x", "", ""},
	};
	static const char *const linked[] = {"<a href='" LINK "'>",
	    "<p>" LINK "</p>", "<AREA HREF=" LINK ">",
	    "<!--[if !mso]><!--><a href='" LINK "'></a><!--<![endif]-->"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char message[1024], expected[1024];
		const struct row row = {message, expected};

		snprintf(message, sizeof(message),
		    "Content-Type: text/html\n\n%s%s", rows[i].before,
		    rows[i].after);
		snprintf(expected, sizeof(expected), "\n%s%s%s" FOOT "%s",
		    rows[i].before,
		    rows[i].before[strlen(rows[i].before) - 1] == '\n' ? ""
								       : "\n",
		    rows[i].closers, rows[i].after);
		for (char *p; (p = strstr(expected, "{dnc_url}")) != NULL;) {
			memmove(p + strlen(LINK), p + 9, strlen(p + 9) + 1);
			memcpy(p, LINK, strlen(LINK));
		}
		walk(&plan, &row, 1);
	}
	for (size_t i = 0; i < COUNT(linked); i++) {
		char message[1024];
		const struct row row = {message, NULL};

		snprintf(message, sizeof(message),
		    "Content-Type: text/html\n\n%s", linked[i]);
		walk(&plan, &row, 1);
	}
}

/* Which parts are the message's text. */
static void
structure(void **state)
{
#define PART(type, text) "--b\nContent-Type: " type "\n\n" text "\n"
#define MULTI(type) "Content-Type: multipart/" type "; boundary=b\n\n"
	static const struct row rows[] = {
	    {MULTI("alternative") PART("text/plain", "{dnc_url}")
		    PART("text/calendar", "{dnc_url}")
			PART("text/html", "{dnc_url}") "--b--\n",
		"\n" PART("text/plain", LINK) PART("text/calendar", "{dnc_url}")
		    PART("text/html", LINK) "--b--\n"},
	    {MULTI("mixed")
		    PART("image/png", "{dnc_url}") "--b\n\n{dnc_url}\n" PART(
			"text/plain", "{dnc_url}") "--b--\n",
		"\n" PART("image/png", "{dnc_url}") "--b\n\n" LINK "\n" PART(
		    "text/plain", LINK) "--b--\n"},
	    {MULTI("related") PART(
		 "text/plain\nContent-Disposition: attachment", "{dnc_url}")
		    PART("message/rfc822", "\n{dnc_url}")
			PART("application/ms-tnef", "{dnc_url}") "--b--\n",
		NULL},
	    {MULTI("mixed") "--b\nContent-Type: multipart/alternative; "
			    "boundary=c\n\n--c\n\n{dnc_url}\n--c\n"
			    "Content-Type: text/html\n\n{dnc_url}\n--c--\n--b\n"
			    "\n{dnc_url}\n--b--",
		"\n--b\nContent-Type: multipart/alternative; "
		"boundary=c\n\n--c\n\n" LINK "\n--c\n"
		"Content-Type: text/html\n\n" LINK "\n--c--\n--b\n"
		"\n" LINK "\n--b--"},
	    /* An empty part touches the next boundary. */
	    {MULTI("mixed") "--b\nContent-Type: text/plain\n\n--b--\n",
		"\n--b\nContent-Type: text/plain\n\nF " LINK "\n--b--\n"},
	    {MULTI("signed") PART("text/plain", "{dnc_url}") "--b--\n", NULL},
	    {MULTI("encrypted") PART("text/plain", "{dnc_url}") "--b--\n",
		NULL},
	    {MULTI("alternative") PART("text/plain", "{dnc_url}")
		    PART("application/pkcs7-mime", "x") "--b--\n",
		NULL},
	    {MULTI("alternative") PART("text/html", "{dnc_url}") PART(
		 "text/plain", "-----BEGIN PGP SIGNED MESSAGE-----") "--b--\n",
		NULL},
	    {"Content-Type: application/pkcs7-mime; smime-type=signed-data\n"
	     "Content-Disposition: attachment\n\nx",
		NULL},
	    {"X: x\n\n-----BEGIN PGP MESSAGE-----\n{dnc_url}", NULL},
	    {"X: x\n\n -----BEGIN PGP MESSAGE-----\n{dnc_url}",
		"\n -----BEGIN PGP MESSAGE-----\n" LINK},
	    {"Content-Type: text/plain\nContent-Type: text/html\n\n{dnc_url}",
		NULL},
	    {"Content-Transfer-Encoding : 7bit\n\n{dnc_url}", NULL},
	    {MULTI("mixed") PART("text/plain\nContent-Disposition : inline",
		 "{dnc_url}") "--b--\n",
		NULL},
	    {"Content-Type: multipart/mixed\n\n--b\n\n{dnc_url}\n--b--", NULL},
	    {MULTI("mixed") PART(
		 "text/plain\nContent-Type: text/html", "{dnc_url}") "--b--\n",
		NULL},
	    {"Content-Transfer-Encoding: base64\n" MULTI("mixed")
		    PART("text/plain", "{dnc_url}") "--b--\n",
		NULL},
	};

	(void)state;
	walk(&plan, rows, COUNT(rows));
}

static void
skipped(void **state)
{
	static const struct {
		const char *message;
		enum edit_skip skipped;
	} rows[] = {
	    {MULTI("signed") "--b\n\nx\n--b--", EDIT_SIGNED},
	    {MULTI("encrypted") "--b\n\nx\n--b--", EDIT_ENCRYPTED},
	    {"X: x\n\n-----BEGIN PGP MESSAGE-----", EDIT_ENCRYPTED},
	    {"X: x\n\n-----BEGIN PGP SIGNED MESSAGE-----", EDIT_SIGNED},
	    {"Content-Type: application/pkcs7-mime; smime-type=signed-data\n"
	     "Content-Disposition: attachment\n\nx",
		EDIT_SIGNED},
	    {"Content-Type: application/x-pkcs7-mime\n\nx", EDIT_ENCRYPTED},
	    {"Content-Type: image/png\n\nx", EDIT_NO_TEXT},
	    {"Content-Type: multipart/mixed\n\n--b\n\nx\n", EDIT_UNREADABLE},
	    {"Content-Transfer-Encoding: x\n\nx", EDIT_UNREADABLE},
	    {"X: x\n\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n",
		EDIT_TOO_BIG},
	    {"X: x\n\nx", EDIT_DONE},
	};
	struct edit_plan p = plan;
	struct edit_result r;
	char *out;

	(void)state;
	p.max_size = 100;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool changed = edit(&p, rows[i].message, &r, &out);

		want(r.skipped == rows[i].skipped &&
			changed == (r.skipped == EDIT_DONE),
		    "\"%s\": %s", rows[i].message, edit_skip_word(r.skipped));
		free(out);
	}
}

/* A field of a part is changed where it stands, or added. */
static void
part_fields(void **state)
{
	static const struct row rows[] = {
	    {MULTI("alternative") "--b\n\nhi\n--b\n"
				  "content-transfer-encoding: 7BIT\n"
				  "Content-Type: text/plain;\n"
				  "\tcharset=us-ascii\nX-Y: z\n\nhi\n--b--\n",
		"\n--b\nContent-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: quoted-printable\n\n"
		"hi\n\n=C4=99 " LINK "\n--b\n"
		"content-transfer-encoding: quoted-printable\n"
		"Content-Type: text/plain;\n"
		"\tcharset=utf-8\nX-Y: z\n\nhi\n\n=C4=99 " LINK "\n--b--\n"},
	};
	struct edit_plan p = plan;

	(void)state;
	p.footer_text = "\xc4\x99 " LINK;
	walk(&p, rows, COUNT(rows));
}

/* No line of ours is longer than 998 octets. */
static void
long_lines(void **state)
{
	static const char *const heads[] = {"X: x", "Content-Type: text/html",
	    "Content-Transfer-Encoding: 8bit",
	    "Content-Transfer-Encoding: binary",
	    "Content-Transfer-Encoding: quoted-printable"};
	char message[2048], footer[2048], line[991];
	struct edit_plan p = plan;
	struct edit_result r;

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	snprintf(footer, sizeof(footer), "%s %s", line, LINK);
	for (size_t i = 0; i < 2 * COUNT(heads); i++) {
		size_t column = 0, longest = 0;
		char *out;

		snprintf(message, sizeof(message), "%s\n\n%s%s\n", heads[i / 2],
		    i % 2 ? line : "x", i % 2 ? "{dnc_url}" : "");
		p.footer_text = p.footer_html = i % 2 ? NULL : footer;
		want(edit(&p, message, &r, &out), "%s", message);
		for (const char *c = out; *c != '\0'; c++) {
			column = *c == '\n' ? 0 : column + 1;
			longest = column > longest ? column : longest;
		}
		want(longest <= 998, "%s: %zu", heads[i / 2], longest);
		free(out);
	}
}

static void
tracking(void **state)
{
#define A(url) "<a href=\"" url "\">"
	static const struct row html[] = {
	    {A("https://t.example/"
	       "c?x=1&amp;u=https%3A%2F%2Fa.example%2F%3Fb%3D1"
	       "%26c%3D2&amp;z"),
		A("https://a.example/?b=1&amp;c=2")},
	    {A("http://x.T.example:8/L0/https:%2F%2Fa.example%2Fp/1/sig"),
		A("https://a.example/p")},
	    {A("https://t.example/r/https://a.example/p?q=1"),
		A("https://a.example/p?q=1")},
	    {A("//t.example/?u=https%3A%2F%2Ft.example%2F%3Fu%3Dhttp%253A%252F"
	       "%252Fa.example"),
		A("http://a.example")},
	    {A("https://t.example/?u=javascript:x"), NULL},
	    {A("https://t.example/?u=ftp://a.example/"), NULL},
	    {A("https://t.example/?u=https://"), NULL},
	    {A("https://t.example/abc"), NULL},
	    {A("https://not-t.example/?u=https://a.example/"), NULL},
	    {A("https://t.example@b.example/?u=https://a.example/"), NULL},
	    {"<img src=\"https://a.example/?t.example/\">", NULL},
	    {"a<img src=\"https://x.t.example/\" width=600>b", "ab"},
	    {"<IMG width=1 height='1px' src=//a.example/x >", ""},
	    {"<img style=\"WIDTH: 0; height:1px\" src=http://a.example/>", ""},
	    {"<img style='x:y;display:none !important' src=http://a.example>",
		""},
	    {"<img width=1 height=20 src=http://a.example>", NULL},
	    {"<img width=1 height=1 src=cid:a>", NULL},
	    {"<img width=10 height=10 src=http://a.example>", NULL},
	    {"<!--[if mso]><img src='https://t.example/x'><![endif]-->",
		"<!--[if mso]><![endif]-->"},
	    {"<!-- <img src='https://t.example/x'> -->", NULL},
	    {A("https://t.example/?u=%7B%7Bunsubscribe_url%7D%7D"), A(LINK)},
	};
	static const struct row text[] = {
	    {"(https://t.example/?u=https%3A%2F%2Fa.example%2F).\n",
		"(https://a.example/).\n"},
	    {"xhttp://t.example/http://a.example/b\thttps://t.example/\n",
		"xhttp://a.example/b\thttps://t.example/\n"},
	    {"ftp://t.example/?u=https://a.example/\n", NULL},
	};
	struct edit_plan off = plan;

	(void)state;
	off.footer_text = off.footer_html = NULL;
	for (size_t i = 0; i < COUNT(html) + COUNT(text); i++) {
		const bool is_html = i < COUNT(html);
		const struct row *r =
		    is_html ? &html[i] : &text[i - COUNT(html)];
		struct edit_plan on = off;
		char message[1024], expected[1024];
		struct row row = {message, r->expected ? expected : NULL};

		on.strip_tracking = true;
		on.tracker_hosts = on.redirectors = hosts;
		snprintf(message, sizeof(message),
		    "Content-Type: text/%s\n\n%s", is_html ? "html" : "plain",
		    r->message);
		snprintf(expected, sizeof(expected), "\n%s",
		    r->expected ? r->expected : "");
		walk(&on, &row, 1);
		row.expected = NULL;
		if (strstr(message, "%7B") == NULL)
			walk(&off, &row, 1);
	}
}

/* What was edited has nothing left to be done; and what an arena of the stated
 * size is good for. */
static void
counts(void **state)
{
	static const char message[] =
	    MULTI("alternative") "--b\n\n{{why_url}} {{brand}}\n--b\n"
				 "Content-Type: text/html\n\n"
				 "<img src=//t.example/><a href=//t.example/"
				 "https://a.example/>{{brand}}\n--b--\n";
	struct edit_plan p = plan;
	struct edit_result r;
	char *out;

	(void)state;
	p.strip_tracking = true;
	p.tracker_hosts = p.redirectors = hosts;
	assert_true(edit(&p, message, &r, &out));
	assert_int_equal(r.placeholders, 3);
	assert_int_equal(r.footers, 2);
	assert_int_equal(r.pixels, 1);
	assert_int_equal(r.links, 1);
	free(out);
}

static int
init(void **state)
{
	(void)state;
	edit_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(placeholders),
	    cmocka_unit_test(encodings),
	    cmocka_unit_test(charsets),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(structure),
	    cmocka_unit_test(skipped),
	    cmocka_unit_test(part_fields),
	    cmocka_unit_test(long_lines),
	    cmocka_unit_test(tracking),
	    cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests_name("edit", tests, init, NULL);
}
