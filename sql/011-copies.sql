-- SPDX-License-Identifier: ISC
--
-- copies - which private copies of a message the MTA has taken
--
-- A message to several recipients becomes one copy for each.  When that ends
-- half way the client sends the message again, and this table says what is
-- left to do.  A fingerprint is a keyed hash (milter/record.c): it tells
-- nobody what was sent to whom.
--
-- A copy is claimed before it is handed over and made afterwards.  A claim
-- holds for a few seconds, which is how two deliveries of one message at the
-- same time keep out of each other's way.

CREATE TABLE assent.copy (
	fingerprint  bytea PRIMARY KEY CHECK (octet_length(fingerprint) = 16),
	attempt      bytea NOT NULL CHECK (octet_length(attempt) = 8),
	made         boolean NOT NULL DEFAULT false,
	until        timestamptz NOT NULL
);
CREATE INDEX copy_until ON assent.copy (until);
COMMENT ON TABLE assent.copy IS
	'Copies of messages that were handed to the MTA, or are about to be';
COMMENT ON COLUMN assent.copy.until IS
	'From then on the row means nothing and may go';

-- Claims a copy: 'claimed', or 'made' when the MTA has it already, or 'busy'
-- while another attempt is at it.  The table keeps its size: for one row that
-- may come, two old ones go.
CREATE FUNCTION assent.copy_claim(p_fingerprint bytea, p_attempt bytea,
	p_lifetime interval)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
BEGIN
	-- A claim that is lost with the server has outlived its attempt.
	PERFORM set_config('synchronous_commit', 'off', true);
	DELETE FROM copy WHERE fingerprint IN (
		SELECT fingerprint FROM copy WHERE until < now()
		ORDER BY until LIMIT 2 FOR UPDATE SKIP LOCKED);
	INSERT INTO copy AS c (fingerprint, attempt, until)
	VALUES (p_fingerprint, p_attempt, now() + p_lifetime)
	ON CONFLICT (fingerprint) DO UPDATE SET attempt = excluded.attempt,
		made = false, until = excluded.until
	WHERE c.until < now() OR (NOT c.made AND c.attempt = p_attempt);
	IF FOUND THEN
		RETURN 'claimed';
	END IF;
	RETURN coalesce((SELECT 'made' FROM copy
		WHERE fingerprint = p_fingerprint AND made), 'busy');
END $$;

-- Records that the MTA has taken a copy, for longer than clients go on trying.
CREATE FUNCTION assent.copy_made(p_fingerprint bytea, p_attempt bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
	INSERT INTO copy (fingerprint, attempt, made, until)
	VALUES (p_fingerprint, p_attempt, true, now() + interval '7 days')
	ON CONFLICT (fingerprint) DO UPDATE
	SET attempt = excluded.attempt, made = true, until = excluded.until
$$;

-- Forgets a copy that was made, or that this attempt has claimed.
CREATE FUNCTION assent.copy_forget(p_fingerprint bytea, p_attempt bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = assent, pg_temp AS $$
	DELETE FROM copy WHERE fingerprint = p_fingerprint
		AND (made OR attempt = p_attempt)
$$;

GRANT EXECUTE ON FUNCTION assent.copy_claim, assent.copy_made,
	assent.copy_forget TO assent_milter;

-- An opt-out by mail reaches the milter.
GRANT EXECUTE ON FUNCTION assent.opt_out, assent.move_epoch TO assent_milter;
