/* SPDX-License-Identifier: ISC */
/*
 * test_network - what is an address or a network, and what is not
 */
#include "unit.h"

#include "policy/network.h"

static void
networks_and_none(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
	    {"192.0.2.1", 0},
	    {"192.0.2.0/24", 0},
	    {"0.0.0.0/0", 0},
	    {"192.0.2.1/32", 0},
	    {"::", 0},
	    {"::/0", 0},
	    {"2001:db8::1/128", 0},
	    {"::ffff:192.0.2.1", 0},
	    {"2001:db8:1111:2222:3333:4444:5555:6666/128", 0},
	    {"", -1},
	    {"x", -1},
	    {"example.com", -1},
	    {"192.0.2", -1},
	    {"192.0.2.256", -1},
	    {"192.0.2.1.1", -1},
	    {"192.0.2.1/33", -1},
	    {"192.0.2.1/", -1},
	    {"192.0.2.1/-1", -1},
	    {"192.0.2.1/x", -1},
	    {"192.0.2.1/24x", -1},
	    {"192.0.2.1/24/24", -1},
	    {"192.0.2.1/255.255.255.0", -1},
	    {"2001:db8::/129", -1},
	    {":::", -1},
	    {"/24", -1},
	    {" 192.0.2.1", -1},
	    {"192.0.2.1/999", -1},
	    {"192.0.2.1/1000", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = {.text = ""};

		want(network_check(rows[i].text, &e) == rows[i].rc,
		    "\"%s\": %s", rows[i].text, e.text);
		want((e.text[0] == '\0') == (rows[i].rc == 0), "\"%s\"",
		    rows[i].text);
	}
}

/* A list, a range, a zone or a slip of the pen must not become one address. */
static void
rubbish_after_an_address(void **state)
{
	static const char *const rows[] = {"2001:db8::g", "192.0.2.1x",
	    "192.0.2.1 ", "192.0.2.1-192.0.2.9", "192.0.2.1,192.0.2.2",
	    "2001:db8::1%eth0", "192.0.2.1/24 x"};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		want(network_check(rows[i], &e) == -1, "\"%s\"", rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(networks_and_none),
	    cmocka_unit_test(rubbish_after_an_address),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
