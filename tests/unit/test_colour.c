/* SPDX-License-Identifier: ISC */
/*
 * test_colour - whatever a brand's colour is, its pages can be read
 */
#include "unit.h"

#include "page/colour.h"
#include "policy/buf.h"

static const struct colour day = {255, 255, 255}, night = {26, 26, 26};

static void
reads(void **state)
{
	static const char *const bad[] = {"", "#", "0b57a4", "#0b57a", "#0b57a4f",
	    "#0b57g4", "# b57a4", "#-b57a4", "#0x57a4", "red"};
	struct colour c;

	(void)state;
	assert_true(colour_parse("#0B57a4", &c));
	want(c.red == 0x0b && c.green == 0x57 && c.blue == 0xa4, "#0B57a4");
	for (size_t i = 0; i < COUNT(bad); i++)
		want(!colour_parse(bad[i], &c), "\"%s\"", bad[i]);
}

/* Ratios as anybody else works them out. */
static void
knows_contrast(void **state)
{
	static const struct {
		struct colour a, b;
		double ratio;
	} rows[] = {
	    {{0, 0, 0}, {255, 255, 255}, 21},
	    {{255, 255, 255}, {255, 255, 255}, 1},
	    {{0x76, 0x76, 0x76}, {255, 255, 255}, 4.54},
	    {{0xff, 0, 0}, {255, 255, 255}, 4.00},
	    {{0, 0, 0xff}, {255, 255, 255}, 8.59},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		double ratio = colour_contrast(rows[i].a, rows[i].b);

		want(ratio > rows[i].ratio - 0.01 && ratio < rows[i].ratio + 0.01,
		    "row %zu: %f", i, ratio);
		want(ratio == colour_contrast(rows[i].b, rows[i].a), "row %zu",
		    i);
	}
}

static void
can_always_be_read(void **state)
{
	(void)state;
	for (unsigned int rgb = 0; rgb < 1 << 12; rgb++) {
		struct colour c = {(unsigned char)(17 * (rgb >> 8)),
		    (unsigned char)(17 * (rgb >> 4 & 15)),
		    (unsigned char)(17 * (rgb & 15))};

		want(colour_contrast(colour_on(c), c) >= 4.5, "on %03x", rgb);
		want(colour_contrast(colour_toward(c, day), day) >= 4.5,
		    "%03x by day", rgb);
		want(colour_contrast(colour_toward(c, night), night) >= 4.5,
		    "%03x by night", rgb);
	}
}

/* A colour that can be read stays; another keeps as much of itself as it can. */
static void
changes_as_little(void **state)
{
	static const struct colour blue = {0x0b, 0x57, 0xa4};
	struct colour c = colour_toward(blue, day);
	struct buf css = {0};

	(void)state;
	want(c.red == blue.red && c.green == blue.green && c.blue == blue.blue,
	    "blue by day");
	c = colour_toward(blue, night);
	want(c.blue > c.green && c.green > c.red, "blue by night");
	colour_rule((struct colour){255, 255, 0}, &css);
	want(strstr(css.data, "--brand:#ffff00;--on-brand:#000000;") != NULL,
	    "%s", css.data);
	buf_free(&css);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads),
	    cmocka_unit_test(knows_contrast),
	    cmocka_unit_test(can_always_be_read),
	    cmocka_unit_test(changes_as_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
