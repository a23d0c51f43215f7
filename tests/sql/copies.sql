-- SPDX-License-Identifier: ISC
--
-- copies - a copy is made by one attempt, once

\ir prelude.psql

SELECT no_plan();

CREATE FUNCTION pg_temp.print(n int) RETURNS bytea LANGUAGE sql AS $$
	SELECT sha256(int4send(n))::bytea
$$;
CREATE FUNCTION pg_temp.claim(n int, p_attempt text,
	p_lifetime interval DEFAULT '1 minute')
RETURNS text LANGUAGE sql AS $$
	SELECT assent.copy_claim(substring(pg_temp.print(n) FROM 1 FOR 16),
		p_attempt::bytea, p_lifetime)
$$;
CREATE FUNCTION pg_temp.made(n int, p_attempt text)
RETURNS void LANGUAGE sql AS $$
	SELECT assent.copy_made(substring(pg_temp.print(n) FROM 1 FOR 16),
		p_attempt::bytea)
$$;
CREATE FUNCTION pg_temp.forget(n int, p_attempt text)
RETURNS void LANGUAGE sql AS $$
	SELECT assent.copy_forget(substring(pg_temp.print(n) FROM 1 FOR 16),
		p_attempt::bytea)
$$;

SELECT is(pg_temp.claim(1, 'attempt1'), 'claimed', 'a new copy is claimed');
SELECT is(pg_temp.claim(1, 'attempt2'), 'busy', 'by one attempt only');
SELECT is(pg_temp.claim(1, 'attempt1'), 'claimed',
	'which may ask twice, its connection being gone in between');
SELECT pg_temp.forget(1, 'attempt2')
\g /dev/null
SELECT is(pg_temp.claim(1, 'attempt2'), 'busy',
	'nobody gives up what is another''s');
SELECT pg_temp.forget(1, 'attempt1')
\g /dev/null
SELECT is(pg_temp.claim(1, 'attempt2'), 'claimed', 'what was given up is free');

SELECT pg_temp.made(1, 'attempt2'), pg_temp.made(1, 'attempt2')
\g /dev/null
SELECT is(pg_temp.claim(1, a), 'made', a || ': what was made stays made')
FROM unnest(ARRAY['attempt1', 'attempt2']) AS a;
SELECT is((SELECT date_trunc('minute', until - now()) FROM assent.copy
	WHERE made), interval '7 days', 'for a week');

SELECT is(pg_temp.claim(2, 'attempt1', '-1 s'), 'claimed', 'a claim');
SELECT is(pg_temp.claim(2, 'attempt2'), 'claimed', 'runs out');
SELECT pg_temp.made(2, 'attempt1')
\g /dev/null
SELECT is(pg_temp.claim(2, 'attempt2'), 'made',
	'a copy that was taken all the same is recorded');
SELECT pg_temp.made(3, 'attempt1')
\g /dev/null
SELECT is(pg_temp.claim(3, 'attempt2'), 'made',
	'also when the claim is gone');
SELECT pg_temp.forget(3, 'attempt2')
\g /dev/null
SELECT is(pg_temp.claim(3, 'attempt2'), 'claimed',
	'who is done with the message may forget what others made');

UPDATE assent.copy SET until = now() - interval '1 s'
\g /dev/null
SELECT is(pg_temp.claim(4, 'attempt1'), 'claimed', 'with a new row');
SELECT is((SELECT count(*) FROM assent.copy), 2::bigint, 'two old ones go');
SELECT is(pg_temp.claim(n, 'attempt1'), 'claimed', 'what is old counts no more')
FROM generate_series(1, 3) AS n;

SELECT * FROM finish();
ROLLBACK;
