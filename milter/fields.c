/* SPDX-License-Identifier: ISC */
/*
 * fields - which header fields a message leaves with
 *
 * A signature breaks when a field in its h= is taken out or put in, also one
 * that was not there (RFC 6376, 5.4.2): a name in h= is enough.  Signatures
 * that are stripped take the rest of an ARC set with them (RFC 8617): a chain
 * with a hole is worse than none.
 */
#include "fields.h"

#include <strings.h>

#include "engine.h"
#include "list.h"
#include "policy/arena.h"
#include "policy/stream.h"
#include "signature.h"

static void
add(struct fields *f, const struct message *m, enum author_header which,
    const char *value)
{
	if (m->count[which] > 0 || value != NULL)
		f->edit[f->n++] = (struct field_edit){which, value};
}

int
fields_plan(struct arena *a, const struct message *m,
    const struct stream_purpose *purpose, const struct recipient *only,
    struct fields *out, struct err *e)
{
	const char *theirs = m->value[AUTHOR_UNSUBSCRIBE];
	enum stream_author author = m->stream->author;
	struct list_fields list;

	out->n = 0;
	if (list_fields(a, m->snapshot->conf, m->snapshot->keys, m->stream,
		purpose, only, &list, e) != 0)
		return -1;
	if (author == AUTHOR_MERGE && theirs != NULL && theirs[0] != '\0')
		list.unsubscribe =
		    arena_printf(a, "%s,\n\t%s", list.unsubscribe, theirs);
	if (list.unsubscribe == NULL)
		return err_set(e, ERR_FATAL, "message too large for its arena");
	if (author != AUTHOR_KEEP || m->count[AUTHOR_UNSUBSCRIBE] == 0) {
		add(out, m, AUTHOR_UNSUBSCRIBE, list.unsubscribe);
		add(out, m, AUTHOR_UNSUBSCRIBE_POST, list.unsubscribe_post);
	}
	if (author == AUTHOR_REPLACE || m->count[AUTHOR_LIST_ID] == 0)
		add(out, m, AUTHOR_LIST_ID, list.id);
	add(out, m, AUTHOR_PURPOSE, NULL);
	if (m->stream->signatures == SIGNATURES_STRIP)
		for (int h = AUTHOR_DKIM; h <= AUTHOR_ARC_RESULTS; h++)
			add(out, m, (enum author_header)h, NULL);
	return 0;
}

bool
fields_replace(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcasecmp(session_header_name(f->edit[i].which), name) ==
		    0)
			return true;
	return false;
}

bool
fields_break_signature(const struct fields *f, const struct message *m)
{
	for (struct field *s = m->signatures; s != NULL; s = s->next)
		for (size_t i = 0; i < f->n; i++)
			if (signature_covers(s->value,
				session_header_name(f->edit[i].which)))
				return true;
	return false;
}
