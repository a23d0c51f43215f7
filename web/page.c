/* SPDX-License-Identifier: ISC */
/*
 * page - what people read
 *
 * All words and all markup are here.  A page is a heading, a sentence or two
 * and at most one button, readable without style, script or a second request.
 * Texts are plain text and escaped where they enter the markup.
 *
 * The page behind an opt-out link is the same for every link, also a forged
 * one: it tells nothing about whoever the link stands for.  So each sentence
 * must be true in both cases.
 */
#include "web/page.h"

#include <stdbool.h>
#include <stddef.h>

#include "web/request.h"

#define STYLE                                                                  \
	"body{font:1.125rem/1.5 sans-serif;max-width:34rem;margin:3rem "       \
	"auto;padding:0 1rem;color:#1a1a1a;background:#fff}"                   \
	"h1{font-size:1.75rem;line-height:1.2}"                                \
	"button{font:inherit;padding:.75rem "                                  \
	"1.5rem;border:0;border-radius:.25rem;color:#fff;background:#0b57a4;"  \
	"cursor:pointer}"                                                      \
	"button:focus-visible{outline:3px solid "                              \
	"#1a1a1a;outline-offset:3px}"

/* The SHA-256 of STYLE, in base64; the tests compare the two. */
#define STYLE_HASH "kBgdhgc1+kUgw2Df4UudKGzlatluPj+gMp96Qztmh/w="

const char page_policy[] = "default-src 'none'; style-src 'sha256-" STYLE_HASH
			   "'; form-action 'self'; base-uri 'none'; "
			   "frame-ancestors 'none'";

static const struct {
	int status;
	const char *title, *text, *button;
} pages[] = {
    [PAGE_OPT_OUT] = {200, "Stop this mail?",
	"Press the button, and no more mail of the kind that brought you here "
	"will be sent to you.",
	"Stop this mail"},
    [PAGE_OPTED_OUT] = {200, "Your request has been dealt with",
	"If you followed a link from a message that was sent to you, mail of "
	"that kind has stopped; you can close this page. If more arrives all "
	"the same, use the link in that message or write to its sender.",
	NULL},
    [PAGE_NOT_DONE] = {503, "This has not been done",
	"Something on our side does not work just now, and mail may still be "
	"sent to you. Please press the button again in a minute.",
	"Try again"},
    [PAGE_SHARED] = {200, "How to stop this mail",
	"The message that brought you here went to several people, so its "
	"link cannot tell who you are. Use the link in a message that was "
	"sent to you alone, or write to the sender and ask to receive no "
	"more.",
	NULL},
    [PAGE_NOT_FOUND] = {404, "There is no such page",
	"Please check that the whole link was copied.", NULL},
    [PAGE_WRONG_METHOD] = {405, "This page cannot be used that way",
	"Please open the link in a web browser.", NULL},
    [PAGE_TOO_LARGE] = {413, "Too much was sent",
	"Nothing has been done. This page takes a few kilobytes at most.",
	NULL},
    [PAGE_BUSY] = {503, "Too busy just now",
	"Nothing has been done. Please try again in a minute.", NULL},
};

enum { RETRY_SECONDS = 10 };

static void
escape(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '"':
			buf_puts(b, "&quot;");
			break;
		default:
			buf_add(b, text, 1);
		}
	}
}

/* No action: a form goes back to the link that it stands behind. */
static void
put_form(struct buf *b, const char *button)
{
	buf_puts(b,
	    "<form method=\"post\">\n<input type=\"hidden\" "
	    "name=\"" PAGE_MARK "\" value=\"" PAGE_MARK_VALUE "\">\n"
	    "<button type=\"submit\">");
	escape(b, button);
	buf_puts(b, "</button>\n</form>\n");
}

void
page_begin(struct response *w, int status, const char *title)
{
	struct buf *b = &w->body;

	w->status = status;
	w->type = "text/html; charset=utf-8";
	if (status == 503)
		w->retry_after = RETRY_SECONDS;
	buf_puts(b,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<title>");
	escape(b, title);
	buf_puts(b,
	    "</title>\n<style>" STYLE "</style>\n</head>\n<body>\n"
	    "<main>\n<h1>");
	escape(b, title);
	buf_puts(b, "</h1>\n");
}

void
page_paragraph(struct response *w, const char *text)
{
	buf_puts(&w->body, "<p>");
	escape(&w->body, text);
	buf_puts(&w->body, "</p>\n");
}

void
page_end(struct response *w)
{
	buf_puts(&w->body, "</main>\n</body>\n</html>\n");
}

void
page_answer(struct response *w, enum page p)
{
	page_begin(w, pages[p].status, pages[p].title);
	page_paragraph(w, pages[p].text);
	if (pages[p].button != NULL)
		put_form(&w->body, pages[p].button);
	page_end(w);
}
