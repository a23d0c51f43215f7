/* SPDX-License-Identifier: ISC */
/*
 * test_conf - the configuration file: defaults, complaints, and the dump
 */
#include "unit.h"

#include "policy/clock.h"
#include "policy/conf.h"

#define WEB                                                                    \
	"web { base-url = \"https://optout.example.com\" "                     \
	"mail-domain = \"optout.example.com\" }\n"
#define STREAM(body)                                                           \
	WEB "stream s {\n"                                                     \
	    "match { listener = \"l\" }\n"                                     \
	    "brand = \"b\"\n" body "\n}\n"

static char scratch[256], path[300];

static int
set_up(void **state)
{
	(void)state;
	make_scratch(scratch);
	snprintf(path, sizeof(path), "%s/conf", scratch);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(scratch);
}

static struct conf *
load_text(const char *text, struct err *e)
{
	*e = (struct err){.text = ""};
	write_file(path, text, 0600);
	return conf_load(path, e);
}

static struct conf *
must_load(const char *text)
{
	struct err e;
	struct conf *c = load_text(text, &e);

	want(c != NULL, "%s\nof\n%s", e.text, text);
	return c;
}

/* The dump of `c`, to be freed. */
static char *
dump(const struct conf *c)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	conf_dump(c, f);
	fclose(f);
	assert_non_null(text);
	return text;
}

static const char defaults[] =
    "database {\n"
    "\turl = \"postgresql:///assent\"\n"
    "\tmilter-role = \"assent_milter\"\n"
    "\tweb-role = \"assent_web\"\n"
    "\treader-role = \"assent_reader\"\n"
    "\toperator-role = \"assent_operator\"\n"
    "\tcheckpointer-role = \"assent_checkpointer\"\n"
    "\tauditor-role = \"assent_auditor\"\n"
    "\tdpo-role = \"assent_dpo\"\n"
    "\tpool = 8\n"
    "\ttimeout = 2s\n"
    "}\n"
    "cache {\n"
    "\turl = \"unix:/run/redis/redis.sock\"\n"
    "\tpool = 32\n"
    "\ttimeout = 200ms\n"
    "\tttl = 86400s\n"
    "\tlease = 2s\n"
    "}\n"
    "keys {\n"
    "\tfile = \"/etc/assent/keys\"\n"
    "}\n"
    "log {\n"
    "\tto = syslog\n"
    "\tlevel = info\n"
    "\taddresses = masked\n"
    "}\n"
    "milter {\n"
    "\tsocket = \"unix:/var/spool/postfix/assent/milter.sock\"\n"
    "\ttimeout = 30s\n"
    "\tcopies-timeout = 180s\n"
    "\tmetrics = \"127.0.0.1:9180\"\n"
    "\tinject = \"smtp://127.0.0.1:10026\"\n"
    "\tmax-recipients = 1000\n"
    "\tmax-message = 16777216\n"
    "\tunclassified-bulk = pass\n"
    "}\n"
    "web {\n"
    "\tshare = \"" ASSENT_SHARE "\"\n"
    "\tlisten = \"127.0.0.1:8080\"\n"
    "\tproxy = \"127.0.0.0/8\"\n"
    "\tbase-url = \"https://optout.example.com\"\n"
    "\tmail-domain = \"optout.example.com\"\n"
    "\tsubmit = \"smtp://127.0.0.1:10026\"\n"
    "\tprofile-life = 3600s\n"
    "\tthreads = 4\n"
    "\tconnections = 12000\n"
    "}\n";

static void
the_defaults(void **state)
{
	struct conf *c = must_load(WEB);
	char *text = dump(c);

	(void)state;
	assert_string_equal(text, defaults);
	assert_string_equal(c->path, path);
	assert_int_equal(c->database.timeout, 2 * CLOCK_S);
	assert_int_equal(c->cache.timeout, 200 * CLOCK_MS);
	assert_int_equal(c->cache.ttl, 86400 * CLOCK_S);
	assert_int_equal(c->log.to, LOG_TO_SYSLOG);
	assert_int_equal(c->log.level, LOG_INFORM);
	assert_int_equal(c->log.addresses, LOG_ADDR_MASKED);
	assert_int_equal(c->milter.unclassified_bulk, BULK_PASS);
	assert_int_equal(c->n_streams, 0);
	free(text);
	conf_free(&c);
	assert_null(c);
	conf_free(&c);
}

static void
values_arrive(void **state)
{
	struct conf *c = must_load("database { pool = 3 timeout = 1m }\n"
				   "cache { ttl = 2h lease = 1500ms }\n"
				   "log { to = stderr level = error "
				   "addresses = hashed }\n"
				   "milter { unclassified-bulk = refuse "
				   "max-recipients = 7 }\n" WEB);

	(void)state;
	assert_int_equal(c->database.pool, 3);
	assert_int_equal(c->database.timeout, 60 * CLOCK_S);
	assert_int_equal(c->cache.ttl, 7200 * CLOCK_S);
	assert_int_equal(c->cache.lease, 1500 * CLOCK_MS);
	assert_int_equal(c->log.to, LOG_TO_STDERR);
	assert_int_equal(c->log.level, LOG_ERROR);
	assert_int_equal(c->log.addresses, LOG_ADDR_HASHED);
	assert_int_equal(c->milter.unclassified_bulk, BULK_REFUSE);
	assert_int_equal(c->milter.recipients, 7);
	conf_free(&c);
}

static void
streams_arrive_in_order(void **state)
{
	struct conf *c = must_load(WEB
	    "stream one {\n"
	    "match { listener = { \"a\", \"b\" } login = \"u\" }\n"
	    "match { client = { \"10.0.0.0/8\", \"::1\" } sender = \"*@x\" }\n"
	    "brand = \"acme\" purpose = \"news\"\n"
	    "purposes = { \"offers\", \"news\" }\n"
	    "opt-out-page = \"bye\" preferences-page = a.b_c-1\n"
	    "recipients = shared author-list-headers = merge "
	    "signed = headers-only }\n"
	    "stream two { match { } brand = \"b\" purpose = \"p\" }\n"
	    "stream three { match { } brand = \"b\" purposes = { \"q\" } }\n");
	const struct stream *s = c->streams;

	(void)state;
	assert_int_equal(c->n_streams, 3);
	assert_string_equal(s[0].name, "one");
	assert_string_equal(s[0].brand, "acme");
	assert_int_equal(s[0].n_matches, 2);
	assert_string_equal(s[0].matches[0].listener[1], "b");
	assert_null(s[0].matches[0].listener[2]);
	assert_string_equal(s[0].matches[0].login[0], "u");
	assert_null(s[0].matches[0].client[0]);
	assert_string_equal(s[0].matches[1].client[1], "::1");
	assert_string_equal(s[0].matches[1].sender[0], "*@x");
	assert_int_equal(s[0].n_purposes, 2);
	assert_ptr_equal(s[0].purpose, &s[0].purposes[1]);
	assert_int_equal(s[0].purposes[0].id, 0);
	assert_int_equal(s[0].channel, CHANNEL_EMAIL);
	assert_int_equal(s[0].recipients, RECIPIENTS_SHARED);
	assert_int_equal(s[0].author, AUTHOR_MERGE);
	assert_int_equal(s[0].signatures, SIGNATURES_SPARE);
	assert_string_equal(s[0].opt_out_page, "bye");
	assert_string_equal(s[0].preferences_page, "a.b_c-1");
	assert_string_equal(s[1].name, "two");
	assert_null(s[1].opt_out_page);
	assert_null(s[1].preferences_page);
	assert_int_equal(s[1].n_purposes, 1);
	assert_string_equal(s[1].purpose->name, "p");
	assert_int_equal(s[1].recipients, RECIPIENTS_SPLIT);
	assert_int_equal(s[1].author, AUTHOR_REPLACE);
	assert_int_equal(s[1].signatures, SIGNATURES_REFUSE);
	assert_null(s[2].purpose);
	assert_string_equal(s[2].purposes[0].name, "q");
	conf_free(&c);
}

struct complaint {
	const char *text, *place, *key;
};

/* Each must be refused by a text that names the file, the place and the key. */
static void
check_complaints(const struct complaint *rows, size_t n)
{
	char place[400];
	struct err e;

	for (size_t i = 0; i < n; i++) {
		struct conf *c = load_text(rows[i].text, &e);

		want(c == NULL, "accepted: %s", rows[i].text);
		snprintf(place, sizeof(place), "%s%s", path, rows[i].place);
		want(strncmp(e.text, place, strlen(place)) == 0,
		    "row %zu: not at %s: %s", i, rows[i].place, e.text);
		want(has(e.text, rows[i].key), "row %zu: no %s in: %s", i,
		    rows[i].key, e.text);
	}
}

static void
bad_values(void **state)
{
	static const struct complaint rows[] = {
	    {"database { pool = 0 }\n" WEB, ":1: ", "pool"},
	    {"\n\ndatabase {\npool = 1001\n}\n" WEB, ":4: ", "pool"},
	    {"database { pool = \"\" }\n" WEB, ":1: ", "pool"},
	    {"database { pool = many }\n" WEB, ":1: ", "pool"},
	    {"database { pool = 8x }\n" WEB, ":1: ", "pool"},
	    {"database { pool = -1 }\n" WEB, ":1: ", "pool"},
	    {"database { pool = 99999999999999999999 }\n" WEB, ":1: ", "pool"},
	    {"database {\n timeout = 5\n}\n" WEB, ":2: ", "timeout"},
	    {"database { timeout = 5y }\n" WEB, ":1: ", "timeout"},
	    {"database { timeout = s }\n" WEB, ":1: ", "timeout"},
	    {"database { timeout = 9ms }\n" WEB, ":1: ", "timeout"},
	    {"database { timeout = 61s }\n" WEB, ":1: ", "timeout"},
	    {"database { timeout = 9223372036854775807d }\n" WEB,
		":1: ", "timeout"},
	    {"database { url = \"\" }\n" WEB, ":1: ", "url"},
	    {"cache { ttl = 31d }\n" WEB, ":1: ", "ttl"},
	    {"cache { lease = 99ms }\n" WEB, ":1: ", "lease"},
	    {"cache { lease = 1.5s }\n" WEB, ":1: ", "lease"},
	    {"keys { file = \"\" }\n" WEB, ":1: ", "file"},
	    {"log { to = file }\n" WEB, ":1: ", "to"},
	    {"log { level = DEBUG }\n" WEB, ":1: ", "level"},
	    {"log { addresses = \"\" }\n" WEB, ":1: ", "addresses"},
	    {"milter { socket = \"/run/x\" }\n" WEB, ":1: ", "socket"},
	    {"milter { metrics = \"9180\" }\n" WEB, ":1: ", "metrics"},
	    {"milter { metrics = \":9180\" }\n" WEB, ":1: ", "metrics"},
	    {"milter { metrics = \"h:\" }\n" WEB, ":1: ", "metrics"},
	    {"milter { metrics = \"h:65536\" }\n" WEB, ":1: ", "metrics"},
	    {"milter { metrics = \"h:9x\" }\n" WEB, ":1: ", "metrics"},
	    {"milter { inject = \"127.0.0.1:25\" }\n" WEB, ":1: ", "inject"},
	    {"milter { inject = \"smtp://h\" }\n" WEB, ":1: ", "inject"},
	    {"milter { unclassified-bulk = maybe }\n" WEB,
		":1: ", "unclassified-bulk"},
	    {"web { base-url = \"http://x\" }\n", ":1: ", "base-url"},
	    {"web { base-url = \"https://\" }\n", ":1: ", "base-url"},
	    {"web { base-url = \"https://x/\" }\n", ":1: ", "base-url"},
	    {"web { base-url = \"https://x y\" }\n", ":1: ", "base-url"},
	    {"web { base-url = \"https://x>y\" }\n", ":1: ", "base-url"},
	    {"web { base-url = \"https://x,y\" }\n", ":1: ", "base-url"},
	    {"web { base-url = \"https://x\ny\" }\n", ":", "base-url"},
	    {"web { proxy = \"proxy.example\" }\n", ":1: ", "proxy"},
	    {"web { mail-domain = \"Example.com\" }\n", ":1: ", "mail-domain"},
	    {"web { mail-domain = \"a b\" }\n", ":1: ", "mail-domain"},
	    {"web { mail-domain = \"\" }\n", ":1: ", "mail-domain"},
	    {"web { threads = 257 }\n", ":1: ", "threads"},
	};

	(void)state;
	check_complaints(rows, COUNT(rows));
}

static void
what_is_missing(void **state)
{
	static const struct complaint rows[] = {
	    {"", ": ", "base-url"},
	    {"# nothing\n", ": ", "base-url"},
	    {"web { base-url = \"https://x\" }\n", ": ", "mail-domain"},
	    {"web { mail-domain = \"x\" }\n", ": ", "base-url"},
	};

	(void)state;
	check_complaints(rows, COUNT(rows));
}

static void
unknown_keys_and_syntax(void **state)
{
	static const struct complaint rows[] = {
	    {WEB "milter { sockets = \"unix:/x\" }\n", ":2: ", "sockets"},
	    {WEB "\nmilters { }\n", ":3: ", "milters"},
	    {WEB "pool = 3\n", ":2: ", "pool"},
	    {WEB "milter { socket }\n", ":2: ", "socket"},
	    {WEB "milter { socket = }\n", ":2: ", ""},
	    {WEB "}\n", ":2: ", ""},
	    {WEB "milter = 5\n", ":2: ", ""},
	    {WEB "database { pool = { 1, 2 } }\n", ":2: ", ""},
	    {STREAM("purpose = \"p\"\nbrands = \"x\""), ":6: ", "brands"},
	    {WEB "stream s { match { listen = \"x\" } }\n", ":2: ", "listen"},
	};

	(void)state;
	check_complaints(rows, COUNT(rows));
}

static void
bad_streams(void **state)
{
	static const struct complaint rows[] = {
	    {WEB "stream s { brand = \"b\" purpose = \"p\" }\n", ":",
		"stream s: a match"},
	    {WEB "stream s { match { } purpose = \"p\" }\n", ":",
		"stream s: brand"},
	    {STREAM(""), ":", "stream s: neither purpose"},
	    {STREAM("purposes = { }"), ":", "stream s: neither purpose"},
	    {STREAM("purpose = \"p\" purposes = { \"q\", \"r\" }"), ":",
		"stream s: purpose"},
	    {STREAM("purpose = \"p\"\nchannel = \"fax\""), ":6: ", "channel"},
	    {STREAM("purpose = \"p\"\nchannel = \"sms\""), ":",
		"stream s: channel"},
	    {STREAM("purpose = \"p\"\nrecipients = both"),
		":6: ", "recipients"},
	    {STREAM("purpose = \"p\"\nauthor-list-headers = off"),
		":6: ", "author-list-headers"},
	    {STREAM("purpose = \"p\"\nsigned = no"), ":6: ", "signed"},
	    {STREAM("purpose = \"p\"\nopt-out-page = \"a b\""), ":",
		"stream s: opt-out-page"},
	    {STREAM("purpose = \"p\"\npreferences-page = \"\""), ":",
		"stream s: preferences-page"},
	    {STREAM("purpose = \"p\"\nmatch { client = \"10.0.0.0/33\" }"),
		":6: ", "client"},
	    {STREAM("purpose = \"p\"\nmatch { client = { \"::1\", \"x\" } }"),
		":6: ", "client"},
	    {STREAM("purpose = \"p\"") "stream s { match { } brand = \"b\" "
				       "purpose = \"p\" }\n",
		":7: ", "s"},
	    {WEB "stream \"a b\" { match { } brand = \"b\" purpose = \"p\" "
		 "}\n",
		":", "stream a b: a stream's name"},
	    {WEB "stream { match { } brand = \"b\" purpose = \"p\" }\n",
		":2: ", ""},
	};

	(void)state;
	check_complaints(rows, COUNT(rows));
}

/* Half a file, as a reload may find it, is not a shorter configuration. */
static void
a_file_that_is_cut_off(void **state)
{
	static const struct complaint rows[] = {
	    {WEB "milter {\n", ":", ""},
	    {WEB "milter { socket = \"unix:/x\"", ":", ""},
	    {WEB "milter { socket = \"unix:/x", ":", ""},
	    {WEB "milter { socket =", ":", ""},
	    {WEB "stream s { match { } brand = \"b\" purpose = \"p\"", ":", ""},
	    {WEB "\"", ":", ""},
	    {WEB "/* no end", ":", ""},
	};

	(void)state;
	check_complaints(rows, COUNT(rows));
}

/* A name that no log line and no metric could show. */
static void
an_empty_stream_name(void **state)
{
	static const struct complaint row = {WEB
	    "stream \"\" { match { } brand = \"b\" purpose = \"p\" }\n",
	    ":", "name"};

	(void)state;
	check_complaints(&row, 1);
}

static void
a_file_that_cannot_be_read(void **state)
{
	char missing[400];
	struct err e = {.text = ""};

	(void)state;
	snprintf(missing, sizeof(missing), "%s/missing", scratch);
	assert_null(conf_load(missing, &e));
	want(has(e.text, missing) && has(e.text, "No such file"), "%s", e.text);
}

/* A dump is a configuration, and the same one. */
static void
a_dump_loads_as_the_same(void **state)
{
	static const char *const rows[] = {
	    WEB,
	    "database { url = \"host=/run/x dbname=a\" timeout = 10ms }\n" WEB,
	    "database { url = \"a\\\\b\\\"c\" }\n" WEB,
	    "cache { ttl = 2h lease = 1500ms }\n" WEB,
	    "log { to = stderr level = trace addresses = full }\n" WEB,
	    STREAM("purpose = \"p\""),
	    STREAM("purposes = { \"p\", \"q\" } recipients = shared "
		   "author-list-headers = keep signed = strip"),
	    STREAM("purpose = \"p\" purposes = { \"q\", \"p\" } match { }\n"
		   "match { login = { \"a\\\"b\", \"c d\" } client = \"::1\" "
		   "sender = \"*@x\" }"),
	    WEB "stream A.b_c-1 { match { } brand = \"b\" purpose = \"p\" }\n",
	    "database { url = \"postgresql://u:secret@h/d\" }\n" WEB,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf *c = must_load(rows[i]);
		char *first = dump(c), *second;

		conf_free(&c);
		c = must_load(first);
		second = dump(c);
		conf_free(&c);
		want(strcmp(first, second) == 0, "row %zu:\n%s\n%s", i, first,
		    second);
		free(first);
		free(second);
	}
}

/* libConfuse fills in ${NAME} from the environment: a dump must not ask it. */
static void
a_dump_with_a_dollar_loads_as_the_same(void **state)
{
	struct conf *c =
	    must_load("database { url = 'x${ASSENT_TEST_NONE}y' }\n" WEB);
	char *text = dump(c);
	struct conf *again;

	(void)state;
	assert_string_equal(c->database.url, "x${ASSENT_TEST_NONE}y");
	again = must_load(text);
	assert_string_equal(again->database.url, c->database.url);
	free(text);
	conf_free(&c);
	conf_free(&again);
}

static void
passwords_are_masked(void **state)
{
	static const struct {
		const char *url, *shown;
	} rows[] = {
	    {"postgresql://u:S3CRET@h/d", "postgresql://u:***@h/d"},
	    {"postgresql://u:S3CRET@h:5432/d?x=y",
		"postgresql://u:***@h:5432/d?x=y"},
	    {"postgresql://u:S3@CRET@h/d", "postgresql://u:***@h/d"},
	    {"postgresql://u:S3:CRET@h/d", "postgresql://u:***@h/d"},
	    {"redis://S3CRET@h:6379/0", "redis://***@h:6379/0"},
	    {"redis://:S3CRET@h:6379/0", "redis://:***@h:6379/0"},
	    {"redis://u:S3CRET@h", "redis://u:***@h"},
	    {"postgresql://h/d", "postgresql://h/d"},
	    {"postgresql://h:5432/d?user=a@b",
		"postgresql://h:5432/d?user=a@b"},
	    {"unix:/run/redis.sock", "unix:/run/redis.sock"},
	};
	char text[512], shown[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf *c;
		char *out;

		snprintf(text, sizeof(text), "cache { url = \"%s\" }\n%s",
		    rows[i].url, WEB);
		c = must_load(text);
		assert_string_equal(c->cache.url, rows[i].url);
		out = dump(c);
		snprintf(shown, sizeof(shown), "url = \"%s\"\n", rows[i].shown);
		want(has(out, shown), "%s in %s", shown, out);
		want(!has(out, "S3") && !has(out, "CRET"), "%s", out);
		free(out);
		conf_free(&c);
	}
}

/* libpq also takes passwords as key=value and as a query parameter. */
static void
other_spellings_of_passwords_are_masked(void **state)
{
	static const char *const rows[] = {
	    "host=h password=S3CRET dbname=d",
	    "host=h password='S3 CRET' dbname=d",
	    "postgresql://u@h/d?password=S3CRET",
	    "postgresql:///d?host=h&password=S3CRET&port=1",
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct conf *c;
		char *out;

		snprintf(text, sizeof(text), "database { url = \"%s\" }\n%s",
		    rows[i], WEB);
		c = must_load(text);
		out = dump(c);
		want(!has(out, "CRET"), "%s", out);
		free(out);
		conf_free(&c);
	}
}

/* One line a key of the dump. */
static void
help_names_every_key(void **state)
{
	static const char *const rows[] = {"database.url (default ",
	    "cache.lease (default 2s) ", "keys.file (default ",
	    "log.addresses (default masked) ", "milter.inject (default ",
	    "web.base-url (required) ", "web.mail-domain (required) "};
	char *text = NULL;
	size_t n, lines = 0, keys = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	conf_help(f);
	fclose(f);
	for (const char *p = text; *p != '\0'; p++)
		lines += *p == '\n';
	for (const char *p = defaults; *p != '\0'; p++)
		keys += *p == '\t';
	assert_int_equal(lines, keys);
	for (size_t i = 0; i < COUNT(rows); i++)
		want(has(text, rows[i]), "%s", rows[i]);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_defaults),
	    cmocka_unit_test(values_arrive),
	    cmocka_unit_test(streams_arrive_in_order),
	    cmocka_unit_test(bad_values),
	    cmocka_unit_test(what_is_missing),
	    cmocka_unit_test(unknown_keys_and_syntax),
	    cmocka_unit_test(bad_streams),
	    cmocka_unit_test(a_file_that_is_cut_off),
	    cmocka_unit_test(an_empty_stream_name),
	    cmocka_unit_test(a_file_that_cannot_be_read),
	    cmocka_unit_test(a_dump_loads_as_the_same),
	    cmocka_unit_test(a_dump_with_a_dollar_loads_as_the_same),
	    cmocka_unit_test(passwords_are_masked),
	    cmocka_unit_test(other_spellings_of_passwords_are_masked),
	    cmocka_unit_test(help_names_every_key),
	};

	return cmocka_run_group_tests_name("conf", tests, set_up, tear_down);
}
