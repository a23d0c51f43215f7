-- SPDX-License-Identifier: ISC
--
-- pack - what a permit's octets say, as policy/permit.h lays them out

\ir prelude.psql

SELECT no_plan();

CREATE FUNCTION pg_temp.put(n int, p_purpose text, p_state assent.state,
	p_objected boolean DEFAULT false, p_restricted boolean DEFAULT false,
	p_expires timestamptz DEFAULT NULL,
	p_channel assent.channel DEFAULT 'email')
RETURNS void LANGUAGE sql AS $$
	INSERT INTO assent.consent (contact_id, purpose_id, channel, state,
		objected_at, restricted_at, since, expires_at, event_id)
	VALUES (coalesce(pg_temp.contact(n), pg_temp.person(n)),
		pg_temp.purpose(p_purpose), p_channel, p_state,
		CASE WHEN p_objected THEN now() END,
		CASE WHEN p_restricted THEN now() END, now(), p_expires, 0)
$$;

-- Precedence, exhaustively: objected > restricted > withdrawn > pending >
-- granted in what is permitted, by the octets.
CREATE TEMPORARY TABLE precedence (n int, state assent.state, objected boolean,
	restricted boolean, standing int);
INSERT INTO precedence VALUES
	(1,  'none',      false, false, 0), (2,  'none',      false, true, 5),
	(3,  'none',      true,  false, 4), (4,  'none',      true,  true, 4),
	(5,  'pending',   false, false, 1), (6,  'pending',   false, true, 5),
	(7,  'pending',   true,  false, 4), (8,  'pending',   true,  true, 4),
	(9,  'granted',   false, false, 2), (10, 'granted',   false, true, 5),
	(11, 'granted',   true,  false, 4), (12, 'granted',   true,  true, 4),
	(13, 'withdrawn', false, false, 3), (14, 'withdrawn', false, true, 5),
	(15, 'withdrawn', true,  false, 4), (16, 'withdrawn', true,  true, 4);
SELECT pg_temp.put(n, 'news', state, objected, restricted) FROM precedence
\g /dev/null
SELECT is(encode(pg_temp.pack(pg_temp.contact(n), 'email'), 'hex'),
	CASE WHEN standing = 0 THEN '010000'
	ELSE '010000' || lpad(to_hex(pg_temp.purpose('news')), 4, '0')
		|| '0' || standing || '00' END,
	format('%s, objected %s, restricted %s', state, objected, restricted))
FROM precedence ORDER BY n;

SELECT is(encode(pg_temp.pack(-1, 'email'), 'hex'), '010000',
	'a contact without consents has a bare header');

-- Order: by purpose, then by channel; the kinds apart.
SELECT pg_temp.put(30, p, 'granted', p_channel => c)
FROM unnest('{b,a,c}'::text[]) AS p, unnest('{sms,phone,email}'::assent.channel[])
	AS c
\g /dev/null
SELECT results_eq(
	$$SELECT purpose, channel FROM pg_temp.unpack(
		pg_temp.pack(pg_temp.contact(30), 'email'))$$,
	$$SELECT id, 0 FROM unnest('{a,b,c}'::text[]) AS s,
		pg_temp.purpose(s) AS id ORDER BY id$$,
	'a permit of an email address holds email only, in order');
SELECT results_eq(
	$$SELECT purpose, channel FROM pg_temp.unpack(
		pg_temp.pack(pg_temp.contact(30), 'phone'))$$,
	$$SELECT id, c FROM unnest('{a,b,c}'::text[]) AS s,
		pg_temp.purpose(s) AS id, unnest('{1,3}'::int[]) AS c
		ORDER BY id, c$$,
	'one of a telephone number holds sms and phone, in order');
SELECT is(encode(pg_temp.pack(pg_temp.contact(30), 'postal'), 'hex'), '010000',
	'one of another kind holds nothing');

-- Expiry: one pair each, and what the octets must say.
CREATE TEMPORARY TABLE expiry (n int, expires timestamptz, seconds bigint,
	name text);
INSERT INTO expiry VALUES
	(40, NULL, NULL, 'none'),
	(41, to_timestamp(1700000000), 1700000000, 'some day'),
	(42, to_timestamp(1700000000.999), 1700000000, 'rounded down'),
	(43, to_timestamp(0), 1, 'the first second: not "never"'),
	(44, '1900-01-01', 1, 'before 1970'),
	(45, to_timestamp(4294967295), 4294967295, 'the last that fits'),
	(46, to_timestamp(4294967296), 4294967295, 'one beyond'),
	(47, '9999-12-31', 4294967295, 'far future'),
	(48, now() - interval '1 day',
		floor(extract(epoch FROM now() - interval '1 day')), 'yesterday'),
	(49, to_timestamp(2147483648), 2147483648, 'beyond 31 bits');
SELECT pg_temp.put(n, 'news', 'granted', p_expires => expires) FROM expiry
\g /dev/null
SELECT is(u.expires, e.seconds, 'expiry: ' || e.name)
FROM expiry e, pg_temp.unpack(pg_temp.pack(pg_temp.contact(e.n), 'email')) AS u
ORDER BY e.n;
SELECT is(count(*), 10::bigint, 'each of them is one pair')
FROM expiry e, pg_temp.unpack(pg_temp.pack(pg_temp.contact(e.n), 'email'));
SELECT throws_ok(format($$UPDATE assent.consent SET expires_at = 'infinity'
	WHERE contact_id = %s$$, pg_temp.contact(40)), '23514', NULL,
	'infinity is no expiry');

-- Only what is granted expires.
SELECT pg_temp.put(50, 'a', 'pending', p_expires => now())
\g /dev/null
SELECT pg_temp.put(50, 'b', 'granted', true, p_expires => now())
\g /dev/null
SELECT pg_temp.put(50, 'c', 'granted', false, true, p_expires => now())
\g /dev/null
SELECT is(get_byte(pg_temp.pack(pg_temp.contact(50), 'email'), 2), 0,
	'pairs that permit nothing take no expiry');

-- Equal ones share; different ones keep apart.
SELECT pg_temp.put(51, 'e' || i, 'granted',
	p_expires => to_timestamp(1800000000 + i % 3)) FROM generate_series(1, 9) AS i
\g /dev/null
SELECT is(get_byte(pg_temp.pack(pg_temp.contact(51), 'email'), 2), 3,
	'nine pairs with three expiries');
SELECT results_eq(
	$$SELECT expires FROM pg_temp.unpack(pg_temp.pack(pg_temp.contact(51),
		'email')) ORDER BY purpose$$,
	$$SELECT (1800000000 + i % 3)::bigint FROM generate_series(1, 9) AS i$$,
	'each pair has its own');

-- As many as an octet can count, and then more.
CREATE FUNCTION pg_temp.many(n int, how_many int) RETURNS void
LANGUAGE sql AS $$
	INSERT INTO assent.consent (contact_id, purpose_id, channel, state, since,
		expires_at, event_id)
	SELECT coalesce(pg_temp.contact(n), pg_temp.person(n)),
		pg_temp.purpose('m' || i), 'email', 'granted', now(),
		to_timestamp(1800000000 + i), 0
	FROM generate_series(1, how_many) AS i
$$;
SELECT pg_temp.purpose('m' || i) FROM generate_series(1, 400) AS i
\g /dev/null
SELECT lives_ok(format('SELECT pg_temp.many(%s, %s)', 60 + i, n),
	n || ' different expiries can be stored')
FROM unnest('{200,255,256,257,400}'::int[]) WITH ORDINALITY AS t (n, i);
SELECT results_eq(
	format($$SELECT expires FROM pg_temp.unpack(pg_temp.packed(%s))
		ORDER BY purpose$$, 60 + i),
	format($$SELECT (1800000000 + i)::bigint FROM generate_series(1, %s) AS i$$,
		n),
	n || ' different expiries are each their own')
FROM unnest('{200,255}'::int[]) WITH ORDINALITY AS t (n, i);
-- Beyond 255 some must share: then with an earlier one, never a later.
CREATE FUNCTION pg_temp.too_late(n int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM assent.consent c
	LEFT JOIN pg_temp.unpack(pg_temp.packed(n)) AS u ON u.purpose = c.purpose_id
	WHERE c.contact_id = pg_temp.contact(n) AND u.standing = 2
		AND (u.expires IS NULL OR u.expires > extract(epoch FROM c.expires_at))
$$;
SELECT lives_ok(format('SELECT pg_temp.too_late(%s)', 60 + i),
	n || ' different expiries can be read')
FROM unnest('{200,255,256,257,400}'::int[]) WITH ORDINALITY AS t (n, i);
CREATE FUNCTION pg_temp.count_too_late(n int) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
	RETURN pg_temp.too_late(n);
EXCEPTION WHEN raise_exception THEN
	RETURN NULL;
END $$;
SELECT is(pg_temp.count_too_late(60 + i::int), 0::bigint,
	n || ' different expiries: none is later than it should be')
FROM unnest('{200,255,256,257,400}'::int[]) WITH ORDINALITY AS t (n, i);

-- Many at once share the work of those alike: it must come to what each comes
-- to alone.  Few facts and few dates, so that some are alike and others differ
-- by one date only; first where dates count only after leaving, then where
-- grants expire.
CREATE FUNCTION pg_temp.crowd() RETURNS void LANGUAGE sql AS $$
	INSERT INTO assent.consent (contact_id, purpose_id, channel, state, since,
		expires_at, withdrawn_at, suspended_at, event_id)
	SELECT coalesce(pg_temp.contact(1000 + i), pg_temp.person(1000 + i)),
		CASE p WHEN 1 THEN pg_temp.purpose('above')
		ELSE pg_temp.purpose('below') END, 'email',
		CASE WHEN i / 2 % 3 = p THEN 'withdrawn' ELSE 'granted' END::assent.state,
		'2026-01-01'::timestamptz + (i * p / 6 % 3) * interval '1 day',
		CASE WHEN i % 7 = p THEN '2100-01-01'::timestamptz END,
		CASE WHEN i % 5 = p THEN '2026-01-02'::timestamptz END,
		CASE WHEN i % 11 = p THEN now() END, 0
	FROM generate_series(1, 100) AS i, generate_series(1, 2) AS p
$$;
CREATE FUNCTION pg_temp.crowd_differs() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM assent.pack((SELECT array_agg(contact_id)
		FROM assent.endpoint WHERE contact_id IN (SELECT contact_id
			FROM assent.consent WHERE purpose_id = pg_temp.purpose('below'))),
		'email') AS p
	WHERE p.packed IS DISTINCT FROM pg_temp.pack(p.contact, 'email')
$$;
CREATE FUNCTION pg_temp.kinds() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(DISTINCT packed) FROM assent.permit JOIN assent.endpoint
		USING (key) JOIN assent.consent USING (contact_id)
	WHERE purpose_id = pg_temp.purpose('below')
$$;
SELECT pg_temp.purpose('above'), pg_temp.purpose('below')
\g /dev/null
UPDATE assent.purpose SET parent_id = pg_temp.purpose('above')
WHERE id = pg_temp.purpose('below');
SELECT pg_temp.crowd()
\g /dev/null
SELECT cmp_ok(pg_temp.kinds(), '>', 8::bigint, 'the crowd is a mixed one');
SELECT is(pg_temp.crowd_differs(), 0::bigint,
	'many at once come to what each comes to alone');
UPDATE assent.purpose SET validity = '50 years'
WHERE id = pg_temp.purpose('below');
SELECT is(pg_temp.crowd_differs(), 0::bigint, 'and so where grants expire');

SELECT is(array_agg(c ORDER BY c), assent.kind_channels(k),
	'the channels of ' || k)
FROM unnest(enum_range(NULL::assent.endpoint_kind)) AS k
LEFT JOIN unnest(enum_range(NULL::assent.channel)) AS c
	ON assent.channel_kind(c) = k GROUP BY k;

SELECT * FROM finish();
ROLLBACK;
