-- SPDX-License-Identifier: ISC
--
-- precedence - what a parent's state and one's own come to, exhaustively
--
-- Every state and flag of the parent by every state and flag of its child, the
-- parent's act before, with and after the child's.

\ir prelude.psql

CREATE TEMPORARY TABLE side AS
SELECT row_number() OVER ()::int AS n, s.state, f.flag
FROM unnest('{none,pending,granted,withdrawn}'::assent.state[]) AS s (state),
	unnest('{none,objected,restricted,suspended}'::text[]) AS f (flag);

CREATE TEMPORARY TABLE trial AS
SELECT row_number() OVER ()::int AS n, a.state AS above, a.flag AS above_flag,
	o.state AS own, o.flag AS own_flag, d.later
FROM side a CROSS JOIN side o
CROSS JOIN (VALUES (-1), (0), (1)) AS d (later);

SELECT no_plan();

SELECT pg_temp.purpose('top')
\g /dev/null
SELECT assent.purpose_add('tap', 'part', 'Part', '{email}', 'top')
\g /dev/null
SELECT pg_temp.person(n) FROM trial
\g /dev/null
INSERT INTO assent.consent (contact_id, purpose_id, channel, state,
	objected_at, restricted_at, suspended_at, since, event_id)
SELECT pg_temp.contact(n), pg_temp.purpose('part'), 'email'::assent.channel, own,
	CASE WHEN own_flag = 'objected' THEN now() END,
	CASE WHEN own_flag = 'restricted' THEN now() END,
	CASE WHEN own_flag = 'suspended' THEN now() END,
	now() - interval '10 days', 0 FROM trial
UNION ALL
SELECT pg_temp.contact(n), pg_temp.purpose('top'), 'email', above,
	CASE WHEN above_flag = 'objected' THEN now() END,
	CASE WHEN above_flag = 'restricted' THEN now() END,
	CASE WHEN above_flag = 'suspended' THEN now() END,
	now() - interval '10 days' + interval '1 day' * later, 0 FROM trial;

-- The table, as the design words it.
CREATE FUNCTION pg_temp.expected(t trial) RETURNS int LANGUAGE sql AS $$
	SELECT CASE
		WHEN 'objected' IN (t.above_flag, t.own_flag) THEN 4
		WHEN 'restricted' IN (t.above_flag, t.own_flag) THEN 5
		WHEN t.own = 'withdrawn' THEN 3
		WHEN t.above = 'withdrawn' AND (t.own <> 'granted' OR t.later >= 0)
			THEN 3
		WHEN 'suspended' IN (t.above_flag, t.own_flag) THEN 6
		WHEN 'granted' IN (t.above, t.own) THEN 2
		WHEN 'pending' IN (t.above, t.own) THEN 1
		ELSE 0 END
$$;
SELECT is(pg_temp.standing(t.n, 'part'), pg_temp.expected(t),
	format('own %s/%s, above %s/%s %s', own, own_flag, above, above_flag,
	CASE later WHEN -1 THEN 'earlier' WHEN 0 THEN 'at once' ELSE 'later' END))
FROM trial t ORDER BY n;

-- Expiry: explicit or validity, own or covered; the earlier.
CREATE TEMPORARY TABLE ends (n int, explicit int, above_valid int,
	own_valid int, covered boolean, days int);
INSERT INTO ends
SELECT 1000 + row_number() OVER (), e, a, o, c,
	CASE WHEN c THEN least(coalesce(e, a), o) ELSE coalesce(e, o) END
FROM unnest('{NULL,1,9}'::int[]) AS e, unnest('{NULL,3,7}'::int[]) AS a,
	unnest('{NULL,2,5,8}'::int[]) AS o, unnest('{t,f}'::boolean[]) AS c;
DO $$
DECLARE
	t record;
BEGIN
	FOR t IN SELECT * FROM ends LOOP
		PERFORM pg_temp.purpose('top' || t.n);
		PERFORM assent.purpose_add('tap', 'part' || t.n, 'x', '{email}',
			'top' || t.n, NULL, make_interval(days => t.own_valid));
		UPDATE assent.purpose SET validity = make_interval(days =>
			t.above_valid) WHERE id = pg_temp.purpose('top' || t.n)
			AND t.above_valid IS NOT NULL;
		PERFORM pg_temp.act('grant', t.n, CASE WHEN t.covered THEN 'top'
			ELSE 'part' END || t.n, date_trunc('day', now()),
			date_trunc('day', now()) + make_interval(days => t.explicit));
	END LOOP;
END $$;
SELECT is((SELECT u.expires FROM pg_temp.unpack(pg_temp.packed(n)) AS u
	WHERE u.purpose = pg_temp.purpose('part' || n)),
	extract(epoch FROM date_trunc('day', now()) + make_interval(days => days))
		::bigint,
	format('%s: says %s, valid for %s above and %s here',
	CASE WHEN covered THEN 'covered' ELSE 'own' END, explicit, above_valid,
	own_valid))
FROM ends ORDER BY n;

-- A company above its brands.
SELECT assent.brand_add('tapco', 'Company'),
	assent.brand_add('tapsub', 'Subsidiary', 'tapco'),
	assent.purpose_add('tapsub', 'deep', 'Deep', '{email,sms}')
\g /dev/null
CREATE FUNCTION pg_temp.does(p_act assent.act, n int, p_name text,
	p_days int DEFAULT 1) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_or(changed) FROM assent.change('', p_act, pg_temp.key(n),
		'email', 'x', 'x', (SELECT id FROM assent.purpose
		WHERE assent.purpose_name(id) = p_name), 'email',
		now() - make_interval(days => p_days), NULL, 'test', NULL)
$$;
CREATE FUNCTION pg_temp.stands(n int, p_name text) RETURNS int LANGUAGE sql AS $$
	SELECT coalesce((SELECT standing FROM pg_temp.unpack(pg_temp.packed(n))
		WHERE assent.purpose_name(purpose) = p_name AND channel = 0), 0)
$$;
SELECT pg_temp.does('grant', 2000, 'tapco/all', 9)
\g /dev/null
SELECT is(pg_temp.stands(2000, 'tapsub/deep'), 2,
	'the company''s consent covers its brands');
SELECT pg_temp.does('withdraw', 2000, 'tapsub/all', 8)
\g /dev/null
SELECT is(pg_temp.stands(2000, 'tapsub/deep'), 3, 'a brand can be left');
SELECT is(pg_temp.stands(2000, 'tapco/all'), 2, 'alone');
SELECT is((SELECT count(*) FROM pg_temp.unpack(pg_temp.packed(2000))
	WHERE channel <> 0), 0::bigint, 'a channel stays a channel');

-- What a request after a withdrawal may not bring back.
SELECT pg_temp.does('pend', 2000, 'tapsub/all', 7)
\g /dev/null
SELECT is(pg_temp.stands(2000, 'tapsub/deep'), 1,
	'a request after leaving does not let the consent above through');
SELECT pg_temp.does('grant', 2001, 'tapsub/deep', 9)
\g /dev/null
SELECT pg_temp.does('withdraw', 2001, 'tapsub/all', 8)
\g /dev/null
SELECT pg_temp.does('pend', 2001, 'tapsub/all', 7)
\g /dev/null
SELECT is(pg_temp.stands(2001, 'tapsub/deep'), 1,
	'nor what was granted below before');
SELECT throws_like($$SELECT pg_temp.does('grant', 2001, 'tapsub/all', 9)$$,
	'withdrawn on %', 'nor a consent from before');
SELECT pg_temp.does('grant', 2001, 'tapsub/all', 6)
\g /dev/null
SELECT is(pg_temp.stands(2001, 'tapsub/deep'), 2, 'the confirmation does');

-- Leaving once more takes what was granted in between.
SELECT pg_temp.does('withdraw', 2002, 'tapsub/all', 5)
\g /dev/null
SELECT pg_temp.does('grant', 2002, 'tapsub/deep', 4)
\g /dev/null
SELECT is(pg_temp.stands(2002, 'tapsub/deep'), 2, 'a later consent counts');
SELECT is(pg_temp.does('withdraw', 2002, 'tapsub/all', 3), true,
	'leaving again is a change');
SELECT is(pg_temp.stands(2002, 'tapsub/deep'), 3, 'that takes it');

SELECT * FROM finish();
ROLLBACK;
