/* SPDX-License-Identifier: ISC */
/*
 * catalog - what the configuration names, looked up in the database
 *
 * Done when a configuration is loaded, so that a misspelt purpose stops a
 * program at its start and not a campaign at its first recipient.
 */
#include "catalog.h"

#include "conf.h"
#include "store.h"

static int
resolve(struct conf *c, struct store *s, const struct stream *st,
    struct stream_purpose *p, struct err *e)
{
	struct store_purpose found;

	if (store_purpose(s, c->arena, st->brand, p->name, &found, e) != 0)
		return err_prefix(e, "%s: stream %s", c->path, st->name);
	if ((found.channels & 1U << st->channel) == 0)
		return err_set(e, ERR_REFUSED,
		    "%s: stream %s: purpose %s does not use the channel %s",
		    c->path, st->name, p->name, channel_word(st->channel));
	p->id = found.id;
	p->title = found.title;
	return 0;
}

int
catalog_resolve(struct conf *c, struct store *s, struct err *e)
{
	for (size_t i = 0; i < c->n_streams; i++) {
		struct stream *st = &c->streams[i];

		if (store_monitoring(s, st->brand, &st->monitoring, e) != 0)
			return -1;
		for (size_t j = 0; j < st->n_purposes; j++)
			if (resolve(c, s, st, &st->purposes[j], e) != 0)
				return -1;
	}
	return 0;
}
