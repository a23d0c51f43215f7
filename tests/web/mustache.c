/* SPDX-License-Identifier: ISC */
/*
 * mustache - renders templates for a test
 *
 * Each line of standard input is {"template", "data", "partials"}; answered by
 * a line with the text, or with {"error"}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page/template.h"

static const char *
partial(void *arg, const char *name, size_t len)
{
	return json_string_value(json_object_getn(arg, name, len));
}

static json_t *
render(json_t *request, struct err *e)
{
	const char *text =
	    json_string_value(json_object_get(request, "template"));
	struct template *t = template_parse(text, strlen(text), e);
	const struct template_source source = {
	    .partial = partial,
	    .arg = json_object_get(request, "partials"),
	};
	struct buf out = {0};
	json_t *answer = NULL;

	if (t != NULL &&
	    template_render(t, json_object_get(request, "data"), &source, &out,
		e) == 0)
		answer = json_stringn(out.len == 0 ? "" : out.data, out.len);
	template_free(&t);
	buf_free(&out);
	return answer != NULL ? answer
			      : json_pack("{s:s}", "error", e->text);
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0) {
		json_t *request = json_loads(line, 0, NULL), *answer;
		struct err e;

		if (request == NULL)
			return 1;
		answer = render(request, &e);
		json_dumpf(answer, stdout, JSON_ENCODE_ANY);
		putchar('\n');
		json_decref(answer);
		json_decref(request);
	}
	free(line);
	return 0;
}
