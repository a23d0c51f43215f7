-- SPDX-License-Identifier: ISC
--
-- acts - every act from every state

\ir prelude.psql

-- What an act makes of a state; where nothing stands, it stays as it is.
CREATE TEMPORARY TABLE rule (act assent.act, before assent.state,
	after assent.state);
INSERT INTO rule VALUES
	('pend',     'none',      'pending'),
	('pend',     'withdrawn', 'pending'),
	('grant',    'none',      'granted'),
	('grant',    'pending',   'granted'),
	('grant',    'withdrawn', 'granted'),
	('withdraw', 'none',      'withdrawn'),
	('withdraw', 'pending',   'withdrawn'),
	('withdraw', 'granted',   'withdrawn');

CREATE TEMPORARY TABLE flag_rule (act assent.act, objected boolean,
	restricted boolean, suspended boolean);
INSERT INTO flag_rule VALUES
	('object',           true,  NULL,  NULL),
	('lift-objection',   false, NULL,  NULL),
	('restrict',         NULL,  true,  NULL),
	('lift-restriction', NULL,  false, NULL),
	('suspend',          NULL,  NULL,  true),
	('unsuspend',        NULL,  NULL,  false);

-- Where a state with its flags stands: least permissive wins.
CREATE FUNCTION pg_temp.stands(s assent.state, o boolean, r boolean, b boolean)
RETURNS int LANGUAGE sql AS $$
	SELECT CASE WHEN o THEN 4 WHEN r THEN 5 WHEN s = 'withdrawn' THEN 3
		WHEN b THEN 6
		WHEN s = 'granted' THEN 2 WHEN s = 'pending' THEN 1 ELSE 0 END
$$;

-- All starts: 4 states by 3 flags, each an hour old; "none" without flags
-- once as a row and once as no row at all.
CREATE TEMPORARY TABLE start AS
SELECT row_number() OVER () AS n, s.state, o.objected, r.restricted,
	u.suspended, b.bare
FROM unnest(enum_range(NULL::assent.state)) AS s (state),
	(VALUES (false), (true)) AS o (objected),
	(VALUES (false), (true)) AS r (restricted),
	(VALUES (false), (true)) AS u (suspended),
	(VALUES (false), (true)) AS b (bare)
WHERE NOT b.bare OR (s.state = 'none' AND NOT o.objected AND NOT r.restricted
	AND NOT u.suspended);

CREATE TEMPORARY TABLE trial AS
SELECT row_number() OVER (ORDER BY s.n, a.act)::int AS n, a.act,
	s.state, s.objected, s.restricted, s.suspended, s.bare,
	coalesce(r.after, s.state) AS after_state,
	coalesce(f.objected, s.objected) AS after_objected,
	coalesce(f.restricted, s.restricted) AS after_restricted,
	coalesce(f.suspended, s.suspended) AS after_suspended
FROM start AS s
CROSS JOIN unnest(enum_range(NULL, 'unsuspend'::assent.act)) AS a (act)
LEFT JOIN rule r ON r.act = a.act AND r.before = s.state
LEFT JOIN flag_rule f ON f.act = a.act;

SELECT plan((SELECT 3 * count(*)::int FROM trial));

CREATE FUNCTION pg_temp.try(t trial, p_at timestamptz,
	OUT changed boolean, OUT outcome text, OUT events bigint)
LANGUAGE plpgsql AS $$
DECLARE
	p       int := pg_temp.purpose('news');
	who     bigint := pg_temp.person(t.n);
	ago     timestamptz := now() - interval '1 hour';
	before  bigint;
	c       assent.consent;
BEGIN
	IF NOT t.bare THEN
		INSERT INTO assent.consent (contact_id, purpose_id, channel, state,
			since, event_id, objected_at, restricted_at, suspended_at)
		SELECT who, p, 'email', t.state, ago,
			assent.record('withdraw', who, p, 'email', ago, NULL, 'test',
				NULL),
			CASE WHEN t.objected THEN ago END,
			CASE WHEN t.restricted THEN ago END,
			CASE WHEN t.suspended THEN ago END;
	END IF;
	before := pg_temp.events();
	changed := pg_temp.act(t.act, t.n, 'news', p_at);
	events := pg_temp.events() - before;
	SELECT * INTO c FROM assent.consent WHERE contact_id = who;
	outcome := format('%s %s %s %s %s', coalesce(c.state, 'none'),
		c.objected_at IS NOT NULL, c.restricted_at IS NOT NULL,
		c.suspended_at IS NOT NULL,
		pg_temp.standing(t.n, 'news'));
END $$;

CREATE FUNCTION pg_temp.check(t trial) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	got     record;
	name    text := format('%s from %s%s%s%s%s', t.act, t.state,
		CASE WHEN t.objected THEN ', objected' END,
		CASE WHEN t.restricted THEN ', restricted' END,
		CASE WHEN t.suspended THEN ', suspended' END,
		CASE WHEN t.bare THEN ' (no row)' END);
	-- A newer grant renews.
	differs boolean := t.act = 'grant' OR
		(t.state, t.objected, t.restricted, t.suspended) IS DISTINCT FROM
		(t.after_state, t.after_objected, t.after_restricted,
		t.after_suspended);
BEGIN
	got := pg_temp.try(t, now());
	RETURN NEXT is(got.outcome, format('%s %s %s %s %s', t.after_state,
		t.after_objected, t.after_restricted, t.after_suspended,
		pg_temp.stands(t.after_state, t.after_objected,
		t.after_restricted, t.after_suspended)), name);
	RETURN NEXT is(got.changed, differs, name || ': changed');
	RETURN NEXT is(got.events, differs::int::bigint, name || ': events');
END $$;

SELECT pg_temp.check(t) FROM trial AS t ORDER BY n;
SELECT finish();
ROLLBACK;
