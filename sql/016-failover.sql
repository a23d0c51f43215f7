-- SPDX-License-Identifier: ISC
--
-- failover - which server is the primary, and since when
--
-- A standby that is promoted begins a new timeline.  Whoever was the primary
-- may not know: it goes on answering, from a state that nobody adds to.  What
-- it cannot do is commit, if its commits wait for the standby that has become
-- the primary (synchronous_standby_names).  So a commit that returns is the
-- proof: policy/lookup.h says what rests on it.

ALTER TABLE assent.cache_epoch ADD timeline int NOT NULL DEFAULT 0;
COMMENT ON COLUMN assent.cache_epoch.moved_at IS
	'When the epoch was moved on, or the timeline was new';

CREATE FUNCTION assent.timeline() RETURNS int
LANGUAGE sql VOLATILE AS $$
	SELECT ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))
		::bit(32)::int
$$;

-- What holds already has held long enough.
UPDATE assent.cache_epoch SET timeline = assent.timeline();

-- The cache's epoch, the timeline that this server writes, and for how many
-- milliseconds both have held; 0 as long as nobody has noted the timeline.
CREATE FUNCTION assent.epoch(
	OUT number bigint, OUT timeline int, OUT age bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	timeline := timeline();
	SELECT c.epoch, CASE WHEN c.timeline = epoch.timeline THEN (extract(epoch
		FROM clock_timestamp() - c.moved_at) * 1000)::bigint ELSE 0 END
	INTO STRICT number, age FROM cache_epoch AS c;
END $$;

-- The same, returned when the standbys have confirmed a commit.  A message to
-- nobody is the least that can be committed and has to be confirmed.
CREATE FUNCTION assent.prove(
	OUT number bigint, OUT timeline int, OUT age bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = assent, pg_temp AS $$
BEGIN
	PERFORM pg_logical_emit_message(true, 'assent', '');
	UPDATE cache_epoch AS c
	SET timeline = timeline(), moved_at = clock_timestamp()
	WHERE c.timeline <> timeline();
	SELECT e.number, e.timeline, e.age
	INTO number, timeline, age FROM epoch() AS e;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA assent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION assent.epoch()
	TO assent_milter, assent_reader, assent_web, assent_operator;
GRANT EXECUTE ON FUNCTION assent.prove()
	TO assent_milter, assent_web, assent_operator;
