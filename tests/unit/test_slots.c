/* SPDX-License-Identifier: ISC */
/*
 * test_slots - how a Redis Cluster shares out its keys
 */
#include "unit.h"

#include "policy/slots.h"

/* Known values: the specification's, and the check value of the CRC. */
static void
the_hash_is_redis_own(void **state)
{
	(void)state;
	assert_int_equal(slots_hash("123456789", 9), 0x31c3 % SLOTS);
	assert_int_equal(slots_hash("foo", 3), 12182);
	assert_int_equal(slots_hash("", 0), 0);
}

static const char nodes[] =
    "07c3 127.0.0.1:30004@31004,node4 slave e7d1 0 1426238317239 4 connected\n"
    "67ed 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected "
    "5461-10922\n"
    "292f :30003@31003 myself,master - 0 0 3 connected 0 7-9 "
    "[93-<-292f] [77->-e7d1] 16383\r\n"
    "6ec2 127.0.0.1:30005@31005 master,fail - 0 0 5 disconnected\n"
    "824f :0@0 master,noaddr - 0 0 6 disconnected 42\n"
    "e7d1 ::1:30006@31006 master,fail? - 0 0 7 connected 12-11 20000 43\n"
    "short line\n";

static void
assert_node(const char **text, bool master, bool myself, const char *address,
    const char *ranges)
{
	struct slots_node node;
	char found[128] = "";
	unsigned int first, last;

	assert_true(slots_next(text, &node));
	assert_int_equal(node.master, master);
	assert_int_equal(node.myself, myself);
	assert_int_equal(node.address_len, strlen(address));
	assert_memory_equal(node.address, address, node.address_len);
	while (slots_range(&node, &first, &last))
		snprintf(found + strlen(found), sizeof(found) - strlen(found),
		    "%u-%u ", first, last);
	assert_string_equal(found, ranges);
}

static void
lines_are_read(void **state)
{
	struct slots_node node;
	const char *text = nodes;

	(void)state;
	assert_node(&text, false, false, "127.0.0.1:30004", "");
	assert_node(&text, true, false, "127.0.0.1:30002", "5461-10922 ");
	assert_node(&text, true, true, ":30003", "0-0 7-9 16383-16383 ");
	assert_node(&text, true, false, "127.0.0.1:30005", "");
	assert_node(&text, false, false, ":0", "42-42 ");
	assert_node(&text, true, false, "::1:30006", "43-43 ");
	assert_false(slots_next(&text, &node));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_hash_is_redis_own),
	    cmocka_unit_test(lines_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
