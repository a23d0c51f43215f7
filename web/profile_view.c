/* SPDX-License-Identifier: ISC */
/*
 * profile_view - what is held about a person, for the template
 *
 * The template says everything in words: so a code such as "granted" becomes
 * an object whose one member of that name is true.  What the page does not
 * disclose is not in the data, and nothing here asks for it.
 */
#include "web/profile_view.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/locale.h"
#include "web/view.h"

enum { EVENTS_SHOWN = 50, PAIR = 32 };

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

/* `key` becomes an object with nothing but `word` in it, which is true. */
static void
put_choice(json_t *object, const char *key, const char *word)
{
	json_object_set_new(object, key, json_pack("{s:b}", word, 1));
}

/* `key` becomes what door.mustache asks about: by which door it came. */
static void
put_door(json_t *object, const char *key)
{
	view_door(
	    object, "door", json_string_value(json_object_get(object, key)));
}

/* A date as SQL writes it in JSON, up to the minute, with a space for the T. */
static void
shorten(json_t *object, const char *key)
{
	char day[sizeof("2000-01-01 00:00")];
	const char *text = text_of(object, key);

	if (strlen(text) < sizeof(day) - 1)
		return;
	snprintf(day, sizeof(day), "%.10s %.5s", text, text + 11);
	json_object_set_new(object, key, json_string(day));
}

/* A list becomes an object, which the template can ask for once: whether it is
 * `empty`, and what is in it. */
static void
box(json_t *data, const char *key)
{
	json_t *list = json_object_get(data, key);

	if (json_is_array(list))
		json_object_set_new(data, key,
		    json_pack("{s:O, s:b}", "list", list, "empty",
			json_array_size(list) == 0));
}

static bool
is_among(const json_t *names, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(names, i, one)
	{
		if (strcmp(json_string_value(one), name) == 0)
			return true;
	}
	return false;
}

/* What can be typed over, in the order in which the page names it; what else
 * there is only stands there. */
static void
view_attributes(json_t *data, const json_t *edits)
{
	static const char prefix[] = "attributes.";
	json_t *held = json_object_get(data, "attributes"), *value;
	json_t *fields = json_array(), *facts = json_array();
	const json_t *edit;
	const char *name;
	size_t i;

	json_array_foreach(edits, i, edit)
	{
		name = json_string_value(edit);
		if (strncmp(name, prefix, strlen(prefix)) != 0)
			continue;
		name += strlen(prefix);
		value = json_object_get(held, name);
		if (value != NULL && !json_is_string(value))
			continue;
		json_array_append_new(fields,
		    json_pack("{s:s, s:I, s:s}", "name", name, "number",
			(json_int_t)i, "value",
			value == NULL ? "" : json_string_value(value)));
		json_object_del(held, name);
	}
	json_object_foreach(held, name, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY);

		json_array_append_new(facts,
		    json_pack("{s:s, s:s*}", "name", name, "value",
			json_is_string(value) ? json_string_value(value)
					      : text));
		free(text);
	}
	json_object_set_new(data, "fields", fields);
	json_object_set_new(data, "facts", facts);
}

/* Every language that the pages speak, by its own name, and the person's. */
static void
view_languages(json_t *data, const struct locales *all)
{
	const char *own = text_of(data, "language");
	const struct locale *chosen = locales_choose(all, own), *l;
	json_t *list = json_array();

	if (chosen == NULL)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "tag", own, "name",
			own[0] == '\0' ? "-" : own, "chosen", 1));
	for (size_t i = 0; (l = locales_at(all, i)) != NULL; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "tag", locale_tag(l), "name",
			locale_text(l, N_("English")), "chosen", l == chosen));
	json_object_set_new(data, "languages", list);
	json_object_set_new(data, "speaks", json_true());
}

static void
view_addresses(json_t *data, bool editable, const char *own)
{
	json_t *list = json_object_get(data, "addresses"), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *canonical = text_of(one, "compared_as");
		const char *kind = text_of(one, "kind");
		bool is_own =
		    strcmp(kind, "email") == 0 && strcmp(canonical, own) == 0;

		shorten(one, "since");
		json_object_set_new(one, "number", json_integer((json_int_t)i));
		if (editable && !is_own)
			json_object_set_new(one, "remove",
			    json_sprintf("remove:%s:%s", kind, canonical));
		put_choice(one, "kind", kind);
	}
	box(data, "addresses");
}

/* What standing.mustache has a sentence for. */
static const char *
standing_word(const char *comes_to)
{
	if (strcmp(comes_to, "restricted") == 0 ||
	    strcmp(comes_to, "suspended") == 0 ||
	    strcmp(comes_to, "paused") == 0)
		return "stopped";
	return strcmp(comes_to, "expired") == 0 ? "none" : comes_to;
}

static void
view_consent(json_t *one)
{
	static const char *const dates[] = {"since", "ends", "last_withdrawn",
	    "objected", "restricted", "suspended", "paused_until"};
	const char *state = text_of(one, "state");
	const char *comes_to = text_of(one, "comes_to");
	char pair[PAIR];

	snprintf(pair, sizeof(pair), "%lld:%s",
	    (long long)json_integer_value(json_object_get(one, "number")),
	    text_of(one, "channel"));
	for (size_t k = 0; k < sizeof(dates) / sizeof(dates[0]); k++)
		shorten(one, dates[k]);
	json_object_set_new(one, "pair", json_string(pair));
	json_object_set_new(one, "can_withdraw",
	    json_boolean(strcmp(state, "granted") == 0 ||
		strcmp(state, "pending") == 0 ||
		strcmp(comes_to, "granted") == 0));
	put_choice(one, "standing", standing_word(comes_to));
	put_door(one, "door");
	put_choice(one, "channel", text_of(one, "channel"));
}

static void
view_consents(json_t *data)
{
	json_t *list = json_object_get(data, "consents"), *one;
	bool objected = false, restricted = false;
	size_t i;

	json_array_foreach(list, i, one)
	{
		view_consent(one);
		objected |= !json_is_null(json_object_get(one, "objected"));
		restricted |= !json_is_null(json_object_get(one, "restricted"));
	}
	json_object_set_new(data, "any_objected", json_boolean(objected));
	json_object_set_new(data, "any_restricted", json_boolean(restricted));
	box(data, "consents");
}

/* The last of them, newest first; how many there are is said. */
static void
view_events(json_t *data)
{
	const json_t *all = json_object_get(data, "events");
	size_t n = json_array_size(all);
	json_t *list = json_array();

	if (all == NULL) {
		json_decref(list);
		return;
	}
	for (size_t i = n; i > 0 && n - i < EVENTS_SHOWN; i--) {
		json_t *one = json_array_get(all, i - 1);

		shorten(one, "happened");
		put_choice(one, "act", text_of(one, "what"));
		put_door(one, "door");
		if (json_is_string(json_object_get(one, "channel")))
			put_choice(one, "channel", text_of(one, "channel"));
		json_array_append(list, one);
	}
	if (n > EVENTS_SHOWN)
		json_object_set_new(
		    data, "events_all", json_integer((json_int_t)n));
	json_object_set_new(data, "events", list);
	box(data, "events");
}

/* The dates of everything in a list. */
static void
view_dates(json_t *data, const char *key)
{
	static const char *const dates[] = {"asked", "confirmed", "queued",
	    "since", "ends", "kept_until", "forgotten", "came_back"};
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(data, key), i, one)
	{
		for (size_t k = 0; k < sizeof(dates) / sizeof(dates[0]); k++)
			shorten(one, dates[k]);
	}
}

/* What pages were asked for: a part of its own when there is any of it. */
static void
view_requests(json_t *data)
{
	static const char *const lists[] = {"sign_ups", "profile_links",
	    "address_changes", "mails", "departures", "leave_requests"};
	bool any = false;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		view_dates(data, lists[i]);
		any |= json_array_size(json_object_get(data, lists[i])) > 0;
	}
	json_object_set_new(data, "requests", json_boolean(any));
}

void
profile_view(json_t *data, const json_t *edits, const char *own,
    const struct locales *all)
{
	put_door(data, "source");
	if (is_among(edits, "language"))
		view_languages(data, all);
	view_attributes(data, edits);
	view_addresses(data, is_among(edits, "addresses"), own);
	json_object_set_new(
	    data, "add_address", json_boolean(is_among(edits, "addresses")));
	view_consents(data);
	view_events(data);
	view_requests(data);
	view_dates(data, "exemptions");
	view_dates(data, "forgotten");
	box(data, "monitoring");
	shorten(data, "since");
	shorten(data, "disclaimer_accepted");
	json_object_set_new(data, "editable",
	    json_boolean(json_object_get(data, "languages") != NULL ||
		json_array_size(json_object_get(data, "fields")) > 0));
}
