-- SPDX-License-Identifier: ISC
--
-- depend - trees, dependencies, bases: what is refused, and what follows

\ir prelude.psql

SELECT no_plan();

-- Trees.
SELECT pg_temp.purpose(p) FROM unnest('{a,b,c,d}'::text[]) AS p
\g /dev/null
CREATE FUNCTION pg_temp.move(p text, parent text) RETURNS void
LANGUAGE sql AS $$
	SELECT assent.purpose_edit(pg_temp.purpose(p), NULL, NULL, parent, NULL,
		NULL, NULL, NULL)
$$;
CREATE FUNCTION pg_temp.depend(p text, k assent.dependency_kind, q text,
	p_remove boolean DEFAULT false) RETURNS boolean LANGUAGE sql AS $$
	SELECT assent.purpose_depend(pg_temp.purpose(p), k, pg_temp.purpose(q),
		p_remove)
$$;
SELECT is((SELECT title FROM assent.purpose WHERE id = pg_temp.purpose('all')),
	'Test', 'a brand has a root purpose');
SELECT is((SELECT assent.purpose_name(parent_id) FROM assent.purpose
	WHERE id = pg_temp.purpose('a')), 'tap/all', 'and all else is below it');
SELECT pg_temp.move('b', 'a'), pg_temp.move('c', 'b')
\g /dev/null
SELECT throws_ok($$SELECT pg_temp.move('a', 'c')$$, 'P0001',
	'this would go in a circle: tap/a, tap/c, tap/b, tap/a',
	'a purpose below itself is refused, by name');
SELECT throws_like($$SELECT pg_temp.move('all', 'a')$$, '%cannot be moved%',
	'a root stays');
SELECT throws_like($$SELECT pg_temp.move('a', 'none')$$,
	'brand "tap" has no purpose "none"', 'a parent exists');
SELECT throws_like($$UPDATE assent.purpose SET slug = 'x' WHERE slug = 'a'$$,
	'%keeps its number, brand and name', 'a purpose keeps its name');
SELECT assent.brand_add('tap1', 'One', 'tap')
\g /dev/null
SELECT throws_ok($$UPDATE assent.brand SET parent_id = (SELECT id
	FROM assent.brand WHERE slug = 'tap1') WHERE slug = 'tap'$$, 'P0001',
	'brands would go in a circle: tap, tap1, tap', 'nor a company below itself');
SELECT throws_like($$SELECT assent.brand_add('tap2', 'Two', 'none')$$,
	'there is no brand "none"', 'a company exists');
SELECT throws_like($$INSERT INTO assent.purpose (brand_id, slug, title, channels,
	parent_id) SELECT brand_id, 'x', 'X', '{email}', pg_temp.purpose('a')
	FROM assent.purpose WHERE assent.purpose_name(id) = 'tap1/all'$$,
	'%must belong to one brand', 'a part is of one brand');

-- Circles of dependencies.
SELECT pg_temp.depend('a', 'requires', 'd')
\g /dev/null
SELECT is(pg_temp.depend('a', 'requires', 'd'), false, 'once is enough');
SELECT throws_ok($$SELECT pg_temp.depend('d', 'requires', 'a')$$, 'P0001',
	'this would go in a circle: tap/a, tap/d, tap/a', 'a circle is refused');
SELECT throws_like($$SELECT pg_temp.depend('d', 'requires', 'c')$$,
	'this would go in a circle: %', 'also by way of a parent');
SELECT throws_like($$SELECT pg_temp.depend('a', 'requires', 'b')$$,
	'this would go in a circle: %', 'nothing requires its own part');
SELECT throws_like($$SELECT pg_temp.depend('d', 'requires', 'd')$$,
	'this would go in a circle: tap/d, tap/d', 'nor itself');
SELECT throws_ok($$INSERT INTO assent.dependency SELECT pg_temp.purpose('d'),
	'requires', pg_temp.purpose('a')$$, 'P0001', NULL, 'nor by hand');
SELECT lives_ok($$SELECT pg_temp.depend('d', 'withdraws', 'a')$$,
	'the other kind is another matter');
SELECT throws_like($$SELECT pg_temp.depend('a', 'withdraws', 'd')$$,
	'this would go in a circle: %', 'with circles of its own');
SELECT assent.purpose_add('tap', 'post', 'Post', '{paper}')
\g /dev/null
SELECT throws_like($$SELECT pg_temp.depend('b', 'requires', 'post')$$,
	'tap/% requires tap/post, which does not use the channel %',
	'what can never be met is refused');
SELECT is(pg_temp.depend('a', 'requires', 'd', true), true, 'one can go');
SELECT is(pg_temp.depend('a', 'requires', 'd', true), false, 'once');
SELECT is(pg_temp.depend('d', 'withdraws', 'a', true), true, 'and the other');

-- What requires counts only while the other does.
SELECT pg_temp.purpose(p) FROM unnest('{x,y,z}'::text[]) AS p
\g /dev/null
SELECT pg_temp.depend('x', 'requires', 'y'), pg_temp.depend('y', 'requires', 'z')
\g /dev/null
CREATE TEMPORARY TABLE demand (n int, y assent.act, z assent.act, standing int);
INSERT INTO demand VALUES (1, 'grant', 'grant', 2), (2, 'grant', NULL, 0),
	(3, 'grant', 'withdraw', 3), (4, 'withdraw', 'grant', 3),
	(5, 'pend', 'grant', 1), (6, 'suspend', 'grant', 6),
	(7, 'grant', 'object', 4), (8, 'restrict', 'object', 4),
	(9, NULL, 'grant', 0);
SELECT pg_temp.act('grant', n, 'x'), pg_temp.act(y, n, 'y'),
	pg_temp.act(z, n, 'z') FROM demand WHERE y IS NOT NULL AND z IS NOT NULL
\g /dev/null
SELECT pg_temp.act('grant', 2, 'x'), pg_temp.act('grant', 2, 'y'),
	pg_temp.act('grant', 9, 'x'), pg_temp.act('grant', 9, 'z')
\g /dev/null
SELECT is(pg_temp.standing(n, 'x'), standing,
	format('what it requires: %s, and that: %s', coalesce(y::text, 'nothing'),
	coalesce(z::text, 'nothing'))) FROM demand ORDER BY n;
SELECT pg_temp.act('grant', 20, 'x', now(), now() + interval '9 days'),
	pg_temp.act('grant', 20, 'y', now(), now() + interval '5 days'),
	pg_temp.act('grant', 20, 'z', now(), now() + interval '7 days')
\g /dev/null
SELECT is((SELECT expires FROM pg_temp.unpack(pg_temp.packed(20))
	WHERE purpose = pg_temp.purpose('x')),
	floor(extract(epoch FROM now() + interval '5 days'))::bigint,
	'no longer than the first of them');

-- Leaving one leaves the other, for good.
SELECT pg_temp.purpose(p) FROM unnest('{club,mag,sub}'::text[]) AS p
\g /dev/null
SELECT pg_temp.depend('club', 'withdraws', 'mag')
\g /dev/null
SELECT pg_temp.act('grant', n, 'club', now() - interval '9 days'),
	pg_temp.act('grant', n, 'mag', now() - interval '8 days'),
	pg_temp.act('withdraw', n, 'club', now() - interval '5 days')
FROM generate_series(30, 33) AS n
\g /dev/null
SELECT is(pg_temp.standing(30, 'mag'), 3, 'leaving one leaves the other');
SELECT pg_temp.act('grant', 31, 'club', now() - interval '4 days')
\g /dev/null
SELECT is(pg_temp.standing(31, 'mag'), 3, 'which does not come back with it');
SELECT pg_temp.act('grant', 32, 'mag', now() - interval '4 days')
\g /dev/null
SELECT is(pg_temp.standing(32, 'mag'), 2, 'but by a consent of its own');
SELECT pg_temp.act('withdraw', 32, 'club', now() - interval '3 days')
\g /dev/null
SELECT is(pg_temp.standing(32, 'mag'), 3, 'until the first is left again');
SELECT pg_temp.act('withdraw', 34, 'mag')
\g /dev/null
SELECT is(pg_temp.standing(34, 'club'), 0, 'not the other way round');

-- Bases that need no grant; and soft opt-in.
SELECT assent.purpose_add('tap', 'bill', 'Bills', '{email}', NULL, 'contract'),
	assent.purpose_add('tap', 'safe', 'Safety', '{email}', NULL,
		'legitimate-interest', '1 day'),
	assent.purpose_add('tap', 'like', 'Similar', '{email}', NULL,
		'soft-opt-in'),
	assent.purpose_add('tap', 'like-a', 'Similar a', '{email}', 'like')
\g /dev/null
SELECT pg_temp.act(act, 40 + ord::int, 'news', now() - interval '2 days')
FROM unnest('{grant,object}'::assent.act[]) WITH ORDINALITY AS t (act, ord)
\g /dev/null
SELECT is(pg_temp.standing(41, p), 2, p || ' is granted to who is known')
FROM unnest('{bill,safe}'::text[]) AS p;
SELECT is(pg_temp.standing(41, 'like'), 0, 'a soft opt-in is not');
CREATE TEMPORARY TABLE contra (n int, act assent.act, standing int);
INSERT INTO contra VALUES (50, 'withdraw', 3), (51, 'object', 4),
	(52, 'restrict', 5), (53, 'suspend', 6), (54, 'pend', 2), (55, 'grant', 2);
SELECT pg_temp.act(act, n, 'all'), pg_temp.act(act, n + 10, 'bill') FROM contra
\g /dev/null
SELECT is(pg_temp.standing(n, 'bill'), standing, act || ' above a contract')
FROM contra;
SELECT is(pg_temp.standing(n + 10, 'bill'), standing, act || ' a contract')
FROM contra;
SELECT pg_temp.act('grant', 70, 'like'), pg_temp.act('grant', 71, 'like'),
	pg_temp.act('pend', 71, 'like-a')
\g /dev/null
SELECT is(pg_temp.standing(70, 'like-a'), 2, 'a soft opt-in covers');
SELECT is(pg_temp.standing(71, 'like-a'), 1,
	'unless consent was asked for and not confirmed');

-- Changing the trees leaves a mark until the permits are computed anew.
SELECT pg_temp.act('grant', 80, 'a')
\g /dev/null
SELECT assent.repack_batch(0, 1000000), assent.repacked(generation)
FROM assent.outdated
\g /dev/null
SELECT pg_temp.standing(80, 'd') AS before
\gset
SELECT pg_temp.move('d', 'a')
\g /dev/null
SELECT is(:before, 0, 'not covered before');
SELECT is((SELECT count(*) FROM assent.outdated), 1::bigint,
	'a change of the trees says so');
SELECT is((SELECT sum(permits) FROM assent.repack_batch(0, 1000000)),
	1::numeric, 'and one permit is another now');
SELECT is(pg_temp.standing(80, 'd'), 2, 'namely this one');
SELECT is((SELECT last FROM assent.repack_batch(
	(SELECT max(id) FROM assent.contact), 10)), NULL, 'until there are no more');
SELECT is((SELECT assent.repacked(gen_random_uuid())), false,
	'another change in between starts anew');
SELECT is((SELECT assent.repacked(generation) FROM assent.outdated), true,
	'else it is done');
SELECT is(pg_temp.moves($$SELECT pg_temp.move('d', 'all');
	SELECT assent.repack_batch(0, 1000000)$$), 1::bigint,
	'what was cached is trusted no more');

-- Texts.
SELECT is(assent.text_add(pg_temp.purpose('a'), 'en', 'T', 'B'), 1, 'a text');
SELECT is(assent.text_add(pg_temp.purpose('a'), 'en', 'T', 'C'), 2, 'a newer');
SELECT is(assent.text_add(pg_temp.purpose('a'), 'pl', 'T', 'D'), 1,
	'each language counts for itself');
SELECT throws_ok($$SELECT assent.text_add(pg_temp.purpose('a'), 'English', 'T',
	'D')$$, '23514', NULL, 'a language has a code');
INSERT INTO assent.event (at, act, contact_id, purpose_id, channel, source,
	commitment, leaf, text_id)
SELECT now(), 'grant', 1, purpose_id, 'email', 'test', sha256(''), sha256(''), id
FROM assent.purpose_text WHERE body = 'B';
SELECT throws_like($$UPDATE assent.purpose_text SET body = 'X' WHERE body = 'B'$$,
	'somebody agreed to version 1 (en) of tap/a%', 'what was agreed to stays');
SELECT throws_like($$DELETE FROM assent.purpose_text WHERE body = 'B'$$,
	'somebody agreed to%', 'as long as the world');
SELECT lives_ok($$UPDATE assent.purpose_text SET body = 'X' WHERE body = 'C'$$,
	'what nobody agreed to can be mended');

SELECT * FROM finish();
ROLLBACK;
