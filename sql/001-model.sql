-- SPDX-License-Identifier: ISC
--
-- model - who, what for, by which channel, and where that stands
--
-- Addresses live in assent.endpoint and nowhere else; everything that the data
-- plane reads (assent.permit) knows them by a keyed hash only.

CREATE SCHEMA assent;
COMMENT ON SCHEMA assent IS 'Consent to marketing, and the proof of it';

CREATE TABLE assent.migration (
	number      int PRIMARY KEY,
	name        text NOT NULL,
	applied_at  timestamptz NOT NULL DEFAULT now()
);

-- The order is that of policy/channel.h; new ones go to the end.
CREATE TYPE assent.channel AS ENUM
	('email', 'sms', 'voice', 'phone', 'paper', 'push', 'im');
CREATE TYPE assent.endpoint_kind AS ENUM
	('email', 'phone', 'postal', 'device', 'im');
CREATE TYPE assent.state AS ENUM ('none', 'pending', 'granted', 'withdrawn');
CREATE TYPE assent.act AS ENUM ('pend', 'grant', 'withdraw', 'object',
	'lift-objection', 'restrict', 'lift-restriction');

CREATE DOMAIN assent.slug AS text
	CHECK (VALUE ~ '^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$');
CREATE DOMAIN assent.address_key AS bytea CHECK (octet_length(VALUE) = 13);

CREATE TABLE assent.brand (
	id    int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	slug  assent.slug NOT NULL UNIQUE,
	name  text NOT NULL CHECK (name <> '')
);
COMMENT ON TABLE assent.brand IS 'Who speaks';

-- A permit has 16 bits for a purpose's number.
CREATE TABLE assent.purpose (
	id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY
	          CHECK (id BETWEEN 1 AND 65535),
	brand_id  int NOT NULL REFERENCES assent.brand,
	slug      assent.slug NOT NULL,
	title     text NOT NULL CHECK (title <> ''),
	channels  assent.channel[] NOT NULL CHECK (cardinality(channels) > 0),
	UNIQUE (brand_id, slug)
);
COMMENT ON TABLE assent.purpose IS 'What for, within a brand';

CREATE TABLE assent.contact (
	id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE assent.contact IS 'A person';

CREATE TABLE assent.endpoint (
	key         assent.address_key PRIMARY KEY,
	contact_id  bigint NOT NULL REFERENCES assent.contact,
	kind        assent.endpoint_kind NOT NULL,
	canonical   text NOT NULL,
	original    text NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX endpoint_contact ON assent.endpoint (contact_id);
COMMENT ON TABLE assent.endpoint IS 'An address or number of a contact';
COMMENT ON COLUMN assent.endpoint.key IS
	'Keyed hash of kind and canonical form, made by the programs';

CREATE TABLE assent.consent (
	contact_id  bigint NOT NULL REFERENCES assent.contact,
	purpose_id  int NOT NULL REFERENCES assent.purpose,
	channel     assent.channel NOT NULL,
	state       assent.state NOT NULL DEFAULT 'none',
	objected    boolean NOT NULL DEFAULT false,
	restricted  boolean NOT NULL DEFAULT false,
	since       timestamptz NOT NULL CHECK (isfinite(since)),
	expires_at  timestamptz CHECK (isfinite(expires_at)),
	event_id    bigint NOT NULL,
	withdrawn_at  timestamptz,
	PRIMARY KEY (contact_id, purpose_id, channel)
);
COMMENT ON COLUMN assent.consent.since IS 'When the person acted, not the row';
COMMENT ON COLUMN assent.consent.event_id IS 'The proof of the last change';
COMMENT ON COLUMN assent.consent.withdrawn_at IS
	'The latest withdrawal, whatever came after it: older consents are void';

CREATE TABLE assent.permit (
	key     assent.address_key PRIMARY KEY
	        REFERENCES assent.endpoint ON DELETE CASCADE,
	packed  bytea NOT NULL CHECK (octet_length(packed) BETWEEN 3 AND 4096)
) WITH (fillfactor = 85);
COMMENT ON TABLE assent.permit IS
	'All that one address has consented to, as policy/permit.h lays it out';

-- The epoch of the cache: see policy/lease.h.
CREATE TABLE assent.cache_epoch (
	single    boolean PRIMARY KEY DEFAULT true CHECK (single),
	epoch     bigint NOT NULL,
	moved_at  timestamptz NOT NULL
);
INSERT INTO assent.cache_epoch VALUES (true, 1, to_timestamp(0));

-- One row while a transaction that will move the epoch is under way.
CREATE TABLE assent.cache_move (
	xact  xid8 PRIMARY KEY
);
