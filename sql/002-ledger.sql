-- SPDX-License-Identifier: ISC
--
-- ledger - what happened, in order, never changed
--
-- The facts of an event name no person but by the contact's number; what is
-- personal (address book data, IP, evidence) stands beside it, under a salt,
-- and the event holds only a commitment to it.  So the personal part can one
-- day be erased while the event still stands up.

CREATE TABLE assent.event (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	at           timestamptz NOT NULL,
	act          assent.act NOT NULL,
	contact_id   bigint NOT NULL,
	purpose_id   int NOT NULL,
	channel      assent.channel NOT NULL,
	expires_at   timestamptz,
	source       text NOT NULL,
	actor        text NOT NULL DEFAULT session_user,
	commitment   bytea NOT NULL CHECK (octet_length(commitment) = 32)
);
CREATE INDEX event_contact ON assent.event (contact_id);
COMMENT ON COLUMN assent.event.at IS 'When the person acted';
COMMENT ON COLUMN assent.event.source IS 'The door: one-click, page, operator';

CREATE TABLE assent.event_person (
	event_id  bigint PRIMARY KEY REFERENCES assent.event,
	salt      bytea NOT NULL CHECK (octet_length(salt) = 32),
	fields    jsonb NOT NULL
);

CREATE FUNCTION assent.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the ledger is append-only: % of % refused',
		TG_OP, TG_TABLE_NAME;
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE
	ON assent.event FOR EACH STATEMENT EXECUTE FUNCTION assent.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE
	ON assent.event_person FOR EACH STATEMENT EXECUTE FUNCTION assent.refuse_change();

