/* SPDX-License-Identifier: ISC */
/* template - it ends, and what may be shown can always be left */
#include "fuzz.h"
#include "page/check.h"
#include "page/template.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char form[] = "<form method=post><button></button></form>";
	const struct template_source source = {0};
	struct buf own = {0}, ours = {0}, plain = {0};
	struct err e;
	char *text = strndup((const char *)data, size);
	struct template *t = template_parse(text, strlen(text), &e);
	json_t *view = json_pack(
	    "{s:s, s:[i,i], s:{s:b}}", "form", form, "a", 1, 2, "b", "c", 1);

	buf_puts(&ours, form);
	buf_puts(&plain, "<p>x</p>");
	if (t != NULL && template_render(t, view, &source, &own, &e) == 0 &&
	    own.data != NULL && check_template(text, &e) == 0 &&
	    check_page(&own, text, &ours, &e) == 0)
		assert(check_page(&own, text, &plain, &e) != 0);
	json_decref(view);
	template_free(&t);
	free(text);
	buf_free(&own);
	buf_free(&ours);
	buf_free(&plain);
	return 0;
}
