/* SPDX-License-Identifier: ISC */
/*
 * route - which handler answers which path
 *
 * GET, HEAD and OPTIONS change nothing: a handler that may change something
 * stands in the table under POST, and only such a route is given to the
 * threads and the login role that can.
 */
#include "web/route.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "web/address.h"
#include "web/ask.h"
#include "web/confirm.h"
#include "web/health.h"
#include "web/optout.h"
#include "web/page.h"
#include "web/preferences.h"
#include "web/profile.h"
#include "web/signup.h"
#include "web/why.h"

/* "*" at the end stands for one segment that is not empty. */
static const struct route routes[] = {
    {"opt-out-page", "/u/*", METHOD_GET, ROUTE_READS, optout_ask},
    {"opt-out", "/u/*", METHOD_POST, ROUTE_WRITES, optout_act},
    {"opt-out-shared", "/u", METHOD_GET, ROUTE_STILL, optout_explain},
    {"opt-out-shared", "/u/", METHOD_GET, ROUTE_STILL, optout_explain},
    {"preferences-page", "/m/*", METHOD_GET, ROUTE_READS, preferences_show},
    {"preferences", "/m/*", METHOD_POST, ROUTE_WRITES, preferences_save},
    {"sign-up-page", "/s/*", METHOD_GET, ROUTE_READS, signup_show},
    {"sign-up", "/s/*", METHOD_POST, ROUTE_WRITES, signup_ask},
    {"confirm-page", "/c/*", METHOD_GET, ROUTE_READS, confirm_ask},
    {"confirm", "/c/*", METHOD_POST, ROUTE_WRITES, confirm_act},
    {"profile-form", "/p", METHOD_GET, ROUTE_READS, ask_show},
    {"profile-form", "/p/", METHOD_GET, ROUTE_READS, ask_show},
    {"profile-ask", "/p", METHOD_POST, ROUTE_WRITES, ask_post},
    {"profile-ask", "/p/", METHOD_POST, ROUTE_WRITES, ask_post},
    {"profile-page", "/p/*", METHOD_GET, ROUTE_READS, profile_show},
    {"profile", "/p/*", METHOD_POST, ROUTE_WRITES, profile_press},
    {"address-page", "/a/*", METHOD_GET, ROUTE_READS, address_show},
    {"address", "/a/*", METHOD_POST, ROUTE_WRITES, address_confirm},
    {"why", "/w/*", METHOD_GET, ROUTE_READS, why_show},
    {"healthz", "/healthz", METHOD_GET, ROUTE_READS, health_check},
    {"metrics", "/metrics", METHOD_GET, ROUTE_STILL, health_metrics},
};

enum { ROUTES = sizeof(routes) / sizeof(routes[0]) };

size_t
route_count(void)
{
	return ROUTES;
}

const struct route *
route_at(size_t i)
{
	assert(i < ROUTES);
	return &routes[i];
}

size_t
route_number(const struct route *route)
{
	return (size_t)(route - routes);
}

/* Where the argument begins (at the end if the pattern has none), or NULL. */
static const char *
match(const char *pattern, const char *path)
{
	size_t fixed = strcspn(pattern, "*");
	const char *argument = path + fixed;

	if (strncmp(pattern, path, fixed) != 0)
		return NULL;
	if (pattern[fixed] == '\0')
		return *argument == '\0' ? argument : NULL;
	if (*argument == '\0' || strchr(argument, '/') != NULL)
		return NULL;
	return argument;
}

/* HEAD is GET without the body, which http.c leaves out. */
static bool
takes(const struct route *route, enum method m)
{
	return m != METHOD_OTHER &&
	    (route->method == m ||
		(route->method == METHOD_GET && m == METHOD_HEAD));
}

static void
refuse(struct request *r, struct response *w, bool get, bool post)
{
	if (!get && !post) {
		page_answer(r, w, PAGE_NOT_FOUND);
		return;
	}
	if (r->method == METHOD_OPTIONS)
		w->status = 204;
	else
		page_answer(r, w, PAGE_WRONG_METHOD);
	snprintf(w->allow, sizeof(w->allow), "%s%sOPTIONS",
	    get ? "GET, HEAD, " : "", post ? "POST, " : "");
}

const struct route *
route_find(struct request *r, struct response *w)
{
	bool get = false, post = false;

	for (size_t i = 0; i < ROUTES; i++) {
		const char *argument = match(routes[i].pattern, r->path);

		if (argument == NULL)
			continue;
		if (takes(&routes[i], r->method)) {
			r->argument = argument;
			return &routes[i];
		}
		get |= routes[i].method == METHOD_GET;
		post |= routes[i].method == METHOD_POST;
	}
	refuse(r, w, get, post);
	return NULL;
}
