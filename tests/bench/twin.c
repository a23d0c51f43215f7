/* SPDX-License-Identifier: ISC */
/*
 * twin - assent-milter without the thinking
 *
 * The same negotiation, callbacks, macros and edits as assent-milter, with
 * constant text: no classification, no look-up, no token, no log. What Assent
 * needs beyond its twin is the price of asking for consent; what the twin
 * needs beyond the no-op filter is the price of the edits themselves.
 *
 * With --body it also keeps the body and hands it back as it came: the least
 * that a filter can do which edits bodies.
 *
 * It must stay a twin: whoever changes what assent-milter negotiates, listens
 * to or edits changes this file too. The benchmark compares the number of
 * edits of both and says so when they differ.
 */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libmilter/mfapi.h>

enum {
	OWN_HEADERS = 4,
	SKIPPED = SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NOEOH,
	NO_REPLY = SMFIP_NR_CONN | SMFIP_NR_HDR,
	WANTED = SMFIP_HDR_LEADSPC | SMFIP_SKIP,
	ACTIONS = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_DELRCPT,
	FIRST_SIZE = 64 * 1024,
};

/* The author's own, removed where present. */
static const char *const own_name[OWN_HEADERS] = {
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Consent-Purpose",
};

static const struct {
	const char *name;
	const char *value;
} added[] = {
    {"List-Unsubscribe",
	" <https://optout.example.com/u/"
	"AYb3Jx0kq7TmQw2ZrLc9VdHs5NnPfGeUt8Ky1BaXoMiE>,\n\t"
	"<mailto:u.akz7q2mxw5rt3nbv6yhcdpl4gjfse7uoa2k5q3xwz6tnbrvm9yh"
	"@optout.example.com?subject=unsubscribe>"},
    {"List-Unsubscribe-Post", " List-Unsubscribe=One-Click"},
    {"List-Id", " <newsletter.acme.optout.example.com>"},
};

struct session {
	const char *listener;
	const char *login;
	int own[OWN_HEADERS];
	unsigned char *body;
	size_t len, size;
};

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
    unsigned long f3, unsigned long *pf0, unsigned long *pf1,
    unsigned long *pf2, unsigned long *pf3)
{
	(void)f0;
	(void)f2;
	(void)f3;
	if (smfi_setsymlist(ctx, SMFIM_CONNECT, (char[]){"{daemon_name} v j"}) !=
		MI_SUCCESS ||
	    smfi_setsymlist(ctx, SMFIM_ENVFROM, (char[]){"{auth_authen} i"}) !=
		MI_SUCCESS ||
	    smfi_setsymlist(ctx, SMFIM_EOM, (char[]){"i"}) != MI_SUCCESS)
		return SMFIS_REJECT;
	*pf0 = ACTIONS;
	*pf1 = f1 & (SKIPPED | NO_REPLY | WANTED);
	*pf2 = *pf3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
	struct session *s = calloc(1, sizeof(*s));

	(void)host;
	(void)addr;
	if (s == NULL)
		return SMFIS_NOREPLY;
	s->listener = smfi_getsymval(ctx, (char[]){"{daemon_name}"});
	if (smfi_setpriv(ctx, s) != MI_SUCCESS)
		free(s);
	return SMFIS_NOREPLY;
}

static sfsistat
on_envfrom(SMFICTX *ctx, char **args)
{
	struct session *s = smfi_getpriv(ctx);

	(void)args;
	if (s == NULL)
		return SMFIS_TEMPFAIL;
	memset(s->own, 0, sizeof(s->own));
	s->len = 0;
	s->login = smfi_getsymval(ctx, (char[]){"{auth_authen}"});
	return SMFIS_CONTINUE;
}

static sfsistat
on_envrcpt(SMFICTX *ctx, char **args)
{
	(void)args;
	return smfi_getpriv(ctx) == NULL ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

static sfsistat
on_data(SMFICTX *ctx)
{
	return smfi_getpriv(ctx) == NULL ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *s = smfi_getpriv(ctx);

	(void)value;
	assert(s != NULL);
	for (size_t i = 0; i < OWN_HEADERS; i++)
		if (strcasecmp(name, own_name[i]) == 0)
			s->own[i]++;
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *octets, size_t n)
{
	(void)ctx;
	(void)octets;
	(void)n;
	return SMFIS_SKIP;
}

/* Instead of on_body() with --body. */
static sfsistat
on_body_kept(SMFICTX *ctx, unsigned char *octets, size_t n)
{
	struct session *s = smfi_getpriv(ctx);
	size_t size = s->size != 0 ? s->size : FIRST_SIZE;
	unsigned char *p;

	while (size - s->len < n)
		size *= 2;
	if (size != s->size) {
		p = realloc(s->body, size);
		if (p == NULL)
			return SMFIS_TEMPFAIL;
		s->body = p;
		s->size = size;
	}
	memcpy(s->body + s->len, octets, n);
	s->len += n;
	return SMFIS_CONTINUE;
}

/* From the last to the first, so that the indices of the rest hold. */
static int
remove_own(SMFICTX *ctx, size_t which, int count)
{
	for (int i = count; i > 0; i--)
		if (smfi_chgheader(ctx, (char *)own_name[which], i, NULL) !=
		    MI_SUCCESS)
			return -1;
	return 0;
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	assert(s != NULL);
	for (size_t i = 0; i < OWN_HEADERS; i++)
		if (remove_own(ctx, i, s->own[i]) != 0)
			return SMFIS_TEMPFAIL;
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		if (smfi_addheader(ctx, (char *)added[i].name,
			(char *)added[i].value) != MI_SUCCESS)
			return SMFIS_TEMPFAIL;
	if (s->len > 0 &&
	    smfi_replacebody(ctx, s->body, (int)s->len) != MI_SUCCESS)
		return SMFIS_TEMPFAIL;
	return SMFIS_CONTINUE;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL)
		return SMFIS_CONTINUE;
	memset(s->own, 0, sizeof(s->own));
	s->len = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s != NULL)
		free(s->body);
	free(s);
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

static struct smfiDesc twin = {
    .xxfi_name = (char[]){"twin"},
    .xxfi_version = SMFI_VERSION,
    .xxfi_flags = ACTIONS,
    .xxfi_negotiate = on_negotiate,
    .xxfi_connect = on_connect,
    .xxfi_envfrom = on_envfrom,
    .xxfi_envrcpt = on_envrcpt,
    .xxfi_data = on_data,
    .xxfi_header = on_header,
    .xxfi_body = on_body,
    .xxfi_eom = on_eom,
    .xxfi_abort = on_abort,
    .xxfi_close = on_close,
};

int
main(int argc, char *argv[])
{
	bool body = argc == 3 && strcmp(argv[1], "--body") == 0;
	char *place = argv[argc - 1];

	if (argc != 2 && !body) {
		fputs("usage: twin [--body] unix:SOCKET\n", stderr);
		return 2;
	}
	if (body)
		twin.xxfi_body = on_body_kept;
	if (smfi_setconn(place) != MI_SUCCESS ||
	    smfi_register(twin) != MI_SUCCESS ||
	    smfi_opensocket(true) != MI_SUCCESS) {
		fprintf(stderr, "twin: cannot listen on %s\n", place);
		return 1;
	}
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
