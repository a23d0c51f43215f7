/* SPDX-License-Identifier: ISC */
/*
 * ledger - the ledger's tables, as the commands about it read them
 *
 * All results are binary: what is hashed is what PostgreSQL stores, not what
 * a setting of the session makes of it.
 */
#include "ledger.h"

#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "policy/clock.h"
#include "policy/conf.h"
#include "policy/store.h"

#define CONNECT_TIME (15 * CLOCK_S)
#define STATEMENT_TIME (6 * 3600 * CLOCK_S)

enum { NUMBER = 24 };

int
ledger_exec(struct pg *p, const struct pg_statement *s,
    const struct pg_param *params, size_t n, struct pg_rows **rows,
    struct err *e)
{
	return pg_exec(p, s, params, n, rows, clock_now() + STATEMENT_TIME, e);
}

int
ledger_run(struct pg *p, const char *sql, struct err *e)
{
	const struct pg_statement s = {.sql = sql};

	return ledger_exec(p, &s, NULL, 0, NULL, e);
}

static int
check_schema(struct pg *p, struct err *e)
{
	static const struct pg_statement version = {
	    .sql = "SELECT max(number) FROM assent.migration",
	};
	struct pg_rows *rows;
	int64_t number;

	if (ledger_exec(p, &version, NULL, 0, &rows, e) != 0)
		return err_prefix(e, "run \"assentctl migrate\"");
	number = pg_rows_int(rows, 0, 0);
	pg_rows_free(&rows);
	if (number == STORE_SCHEMA)
		return 0;
	return err_set(e, ERR_FATAL,
	    "the database is at migration %lld, this program is made for %d: "
	    "run \"assentctl migrate\" of the newer of the two",
	    (long long)number, STORE_SCHEMA);
}

struct pg *
ledger_open(struct ctl *c, const char *role, struct err *e)
{
	struct pg *p = pg_open(c->conf->database.url, role, "assentctl",
	    clock_now() + CONNECT_TIME, e);

	if (p == NULL && strstr(e->text, "does not exist") != NULL)
		err_prefix(e, "run \"assentctl migrate\"");
	else if (p != NULL && check_schema(p, e) != 0)
		pg_close(&p);
	return p;
}

static struct event_number
number_at(const struct pg_rows *rows, size_t row, size_t col)
{
	if (pg_rows_null(rows, row, col))
		return (struct event_number){.there = false};
	return (struct event_number){true, pg_rows_int(rows, row, col)};
}

static const char *
text_at(const struct pg_rows *rows, size_t row, size_t col)
{
	return pg_rows_null(rows, row, col) ? NULL
					    : pg_rows_text(rows, row, col);
}

void
ledger_hash(
    const struct pg_rows *rows, size_t row, size_t col, struct merkle_hash *out)
{
	size_t len;
	const uint8_t *octets = pg_rows_octets(rows, row, col, &len);

	*out = (struct merkle_hash){{0}};
	if (len == MERKLE_HASH)
		memcpy(out->octets, octets, len);
}

void
ledger_event(
    const struct pg_rows *rows, size_t row, size_t col, struct event *out)
{
	*out = (struct event){
	    .id = pg_rows_int(rows, row, col),
	    .recorded_at = pg_rows_int(rows, row, col + 1),
	    .at = pg_rows_int(rows, row, col + 2),
	    .act = pg_rows_text(rows, row, col + 3),
	    .contact = number_at(rows, row, col + 4),
	    .purpose = number_at(rows, row, col + 5),
	    .channel = text_at(rows, row, col + 6),
	    .expires = number_at(rows, row, col + 7),
	    .source = pg_rows_text(rows, row, col + 8),
	    .actor = pg_rows_text(rows, row, col + 9),
	    .about = number_at(rows, row, col + 11),
	    .text = number_at(rows, row, col + 12),
	    .detail = text_at(rows, row, col + 13),
	};
	ledger_hash(rows, row, col + 10, &out->commitment);
}

int
ledger_checkpoint(
    struct pg *p, int64_t number, struct checkpoint *out, struct err *e)
{
	static const struct pg_statement get = {
	    .name = "checkpoint",
	    .sql = "SELECT number, size, root, signed_at, key_id, signature, "
		   "last_id, horizon, settled FROM assent.checkpoint "
		   "WHERE number >= $1::bigint OR $1::bigint < 0 "
		   "ORDER BY CASE WHEN $1::bigint < 0 THEN -number "
		   "ELSE number END LIMIT 1",
	    .binary = true,
	};
	char text[NUMBER];
	const struct pg_param params[] = {{text, 0}};
	struct pg_rows *rows;
	const uint8_t *octets;
	size_t len;
	int rc;

	snprintf(text, sizeof(text), "%lld", (long long)number);
	if (ledger_exec(p, &get, params, 1, &rows, e) != 0)
		return -1;
	rc = pg_rows_count(rows) > 0;
	if (rc == 1) {
		*out = (struct checkpoint){
		    .number = pg_rows_int(rows, 0, 0),
		    .size = pg_rows_int(rows, 0, 1),
		    .signed_at = pg_rows_int(rows, 0, 3),
		    .key = (int)pg_rows_int(rows, 0, 4),
		    .last = pg_rows_int(rows, 0, 6),
		    .horizon = pg_rows_int(rows, 0, 7),
		    .settled = pg_rows_int(rows, 0, 8),
		};
		ledger_hash(rows, 0, 2, &out->root);
		octets = pg_rows_octets(rows, 0, 5, &len);
		if (len == CHECKPOINT_SIGNATURE)
			memcpy(out->signature, octets, len);
	}
	pg_rows_free(&rows);
	return rc;
}

static int
stored_node(void *arg, unsigned int level, uint64_t index,
    struct merkle_hash *out, struct err *e)
{
	static const struct pg_statement leaf = {
	    .name = "leaf",
	    .sql = "SELECT hash FROM assent.leaf WHERE number = $1::bigint",
	    .binary = true,
	};
	static const struct pg_statement node = {
	    .name = "node",
	    .sql = "SELECT hash FROM assent.merkle_node "
		   "WHERE index = $1::bigint AND level = $2::smallint",
	    .binary = true,
	};
	char at[NUMBER], on[NUMBER];
	const struct pg_param params[] = {{at, 0}, {on, 0}};
	struct pg_rows *rows;
	int rc = 0;

	snprintf(at, sizeof(at), "%llu", (unsigned long long)index);
	snprintf(on, sizeof(on), "%u", level);
	if (ledger_exec(arg, level == 0 ? &leaf : &node, params,
		level == 0 ? 1 : 2, &rows, e) != 0)
		return -1;
	if (pg_rows_count(rows) == 1)
		ledger_hash(rows, 0, 0, out);
	else
		rc = err_set(e, ERR_REFUSED,
		    "node %u/%llu of the ledger's tree is gone: run "
		    "\"assentctl ledger verify\"",
		    level, (unsigned long long)index);
	pg_rows_free(&rows);
	return rc;
}

struct merkle_source
ledger_source(struct pg *p)
{
	return (struct merkle_source){.node = stored_node, .arg = p};
}
