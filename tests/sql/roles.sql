-- SPDX-License-Identifier: ISC
--
-- roles - each role can do what it needs, and nothing else
--
-- Everything there is in the schema is tried as every role.  What is not in
-- the lists below must be denied: a new table or function is denied to all
-- until it is listed here.

\ir prelude.psql

SELECT no_plan();

-- Only a member can SET ROLE; all of this is rolled back.
GRANT assent_milter, assent_reader, assent_web, assent_operator,
	assent_checkpointer, assent_auditor, assent_dpo TO CURRENT_USER;

CREATE TEMPORARY TABLE role (name text);
INSERT INTO role VALUES ('assent_milter'), ('assent_reader'), ('assent_web'),
	('assent_operator'), ('assent_checkpointer'), ('assent_auditor'),
	('assent_dpo');

-- Tables that may be read; none may be written.
CREATE TEMPORARY TABLE may_read (name text, roles text[]);
INSERT INTO may_read VALUES
	('migration',   '{assent_milter,assent_reader,assent_web,assent_operator,
	                  assent_checkpointer,assent_auditor,assent_dpo}'),
	('brand',       '{assent_milter,assent_reader,assent_web,assent_operator}'),
	('purpose',     '{assent_milter,assent_reader,assent_web,assent_operator}'),
	('cache_epoch', '{assent_milter,assent_reader,assent_web,assent_operator}'),
	('cache_owner', '{assent_milter}'),
	('permit',      '{assent_milter,assent_reader,assent_operator}'),
	('contact',     '{assent_operator}'),
	('endpoint',    '{assent_operator}'),
	('consent',     '{assent_operator}'),
	('dependency',  '{assent_operator}'),
	('purpose_text', '{assent_operator}'),
	('lineage',     '{assent_operator}'),
	('left_with',   '{assent_operator}'),
	('bearing',     '{assent_operator}'),
	('needed',      '{assent_operator}'),
	('outdated',    '{assent_operator}'),
	('exemption',   '{assent_operator}'),
	('footer',      '{assent_operator}'),
	('erasure',     '{assent_operator}'),
	('form',        '{assent_operator}'),
	('brand_look',  '{assent_operator}'),
	('page',        '{assent_operator}'),
	('page_text',   '{assent_operator}'),
	('page_template', '{assent_operator}'),
	('page_use',    '{assent_operator}'),
	('profile_page', '{assent_operator}'),
	('leaf',        '{assent_checkpointer,assent_auditor,assent_dpo}'),
	('merkle_node', '{assent_checkpointer,assent_auditor,assent_dpo}'),
	('checkpoint',  '{assent_checkpointer,assent_auditor,assent_dpo}'),
	('event',       '{assent_auditor}'),
	('opened',      '{assent_auditor}');

-- Functions that may be called.
CREATE TEMPORARY TABLE may_call (name text, roles text[]);
INSERT INTO may_call VALUES
	('move_epoch',     '{assent_milter,assent_web,assent_operator}'),
	('epoch',          '{assent_milter,assent_reader,assent_web,assent_operator}'),
	('prove',          '{assent_milter,assent_web,assent_operator}'),
	('trust',          '{assent_milter,assent_web,assent_operator}'),
	('cache_claim',    '{assent_milter,assent_web,assent_operator}'),
	('opt_out',        '{assent_milter,assent_web}'),
	('copy_claim',     '{assent_milter}'),
	('copy_made',      '{assent_milter}'),
	('copy_forget',    '{assent_milter}'),
	('change',         '{assent_operator}'),
	('brand_add',      '{assent_operator}'),
	('brand_edit',     '{assent_operator}'),
	('purpose_add',    '{assent_operator}'),
	('purpose_edit',   '{assent_operator}'),
	('purpose_depend', '{assent_operator}'),
	('purpose_name',   '{assent_operator}'),
	('purposes_add',   '{assent_operator}'),
	('text_add',       '{assent_operator}'),
	('effective',      '{assent_operator}'),
	('standings',      '{assent_operator}'),
	('explain',        '{assent_operator}'),
	('footers',        '{assent_milter,assent_operator}'),
	('footer_set',     '{assent_operator}'),
	('footer_remove',  '{assent_operator}'),
	('why',            '{assent_reader}'),
	('preferences',    '{assent_reader,assent_web}'),
	('preferences_save', '{assent_web}'),
	('preferences_pause', '{assent_web}'),
	('preferences_review', '{assent_web}'),
	('exemption_add',  '{assent_operator}'),
	('exemption_end',  '{assent_operator}'),
	('contact_edit',   '{assent_operator}'),
	('endpoint_add',   '{assent_operator}'),
	('endpoint_remove', '{assent_operator}'),
	('monitoring_off', '{assent_operator}'),
	('import_begin',   '{assent_operator}'),
	('import_stage',   '{assent_operator}'),
	('import_apply',   '{assent_operator}'),
	('import_done',    '{assent_operator}'),
	('repack_batch',   '{assent_operator}'),
	('repacked',       '{assent_operator}'),
	('channel_number', '{assent_operator}'),
	('channel_kind',   '{assent_operator}'),
	('kind_channels',  '{assent_operator}'),
	('checkpoint_begin', '{assent_checkpointer}'),
	('checkpoint_sign', '{assent_checkpointer}'),
	('person_ledger',  '{assent_dpo}'),
	('person_data',    '{assent_dpo}'),
	('forget',         '{assent_operator}'),
	('audience',       '{assent_operator}'),
	('confirm',        '{assent_web}'),
	('brand_look_set', '{assent_operator}'),
	('page_add',       '{assent_operator}'),
	('page_text_set',  '{assent_operator}'),
	('page_template_set', '{assent_operator}'),
	('page_remove',    '{assent_operator}'),
	('page_use_set',   '{assent_operator}'),
	('page_look',      '{assent_reader,assent_operator}'),
	('form_add',       '{assent_operator}'),
	('form_edit',      '{assent_operator}'),
	('form_show',      '{assent_reader,assent_web,assent_operator}'),
	('sign_up',        '{assent_web}'),
	('sign_up_show',   '{assent_reader,assent_web}'),
	('sign_up_confirm', '{assent_web}'),
	('opt_out_show',   '{assent_reader,assent_web}'),
	('opt_out_press',  '{assent_web}'),
	('opt_out_undo',   '{assent_web}'),
	('opt_out_reason', '{assent_web}'),
	('opt_out_ask',    '{assent_web}'),
	('leave_request_show', '{assent_reader,assent_web}'),
	('leave_request_confirm', '{assent_web}'),
	('profile_page_add', '{assent_operator}'),
	('profile_page_edit', '{assent_operator}'),
	('profile_page_show', '{assent_reader,assent_web}'),
	('profile_ask',    '{assent_web}'),
	('profile_show',   '{assent_reader,assent_web}'),
	('profile_open',   '{assent_web}'),
	('profile_act',    '{assent_web}'),
	('address_ask',    '{assent_web}'),
	('address_show',   '{assent_reader,assent_web}'),
	('address_confirm', '{assent_web}'),
	('mail_take',      '{assent_web}'),
	('mail_sent',      '{assent_web}'),
	('mail_failed',    '{assent_web}');

-- Runs `what` as a role and takes it back. Whether it was let in.
CREATE FUNCTION pg_temp.let_in(p_role text, what text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', p_role);
	EXECUTE what;
	RAISE EXCEPTION 'taken back' USING ERRCODE = 'ZZ000';
EXCEPTION
	WHEN insufficient_privilege OR wrong_object_type THEN
		RETURN false;
	WHEN OTHERS THEN
		RETURN true;
END $$;

CREATE TEMPORARY TABLE relation AS
SELECT relname::text AS name, (SELECT attname FROM pg_attribute
	WHERE attrelid = c.oid AND attnum > 0 LIMIT 1) AS col
FROM pg_class c WHERE relnamespace = 'assent'::regnamespace
	AND relkind IN ('r', 'p', 'v', 'm');

SELECT is(pg_temp.let_in(role.name,
	format('SELECT %I FROM assent.%I LIMIT 1', col, relation.name)),
	role.name = ANY (coalesce(roles, '{}')),
	format('%s: SELECT FROM %s', role.name, relation.name))
FROM role CROSS JOIN relation LEFT JOIN may_read
	ON may_read.name = relation.name;

SELECT is(pg_temp.let_in(role.name, format(what, relation.name, col)), false,
	format('%s: %s', role.name, format(what, relation.name, col)))
FROM role CROSS JOIN relation CROSS JOIN unnest(ARRAY[
	'INSERT INTO assent.%1$I DEFAULT VALUES',
	'UPDATE assent.%1$I SET %2$I = DEFAULT WHERE false',
	'DELETE FROM assent.%1$I WHERE false',
	'TRUNCATE assent.%1$I CASCADE',
	'LOCK TABLE assent.%1$I IN EXCLUSIVE MODE',
	'ALTER TABLE assent.%1$I DISABLE TRIGGER ALL',
	'CREATE TRIGGER t BEFORE INSERT ON assent.%1$I FOR EACH STATEMENT '
		'EXECUTE FUNCTION assent.refuse_change()',
	'DROP TABLE assent.%1$I CASCADE']) AS what;

SELECT is(pg_temp.let_in(role.name, format('SELECT nextval(%L)', c.oid::regclass)),
	false, format('%s: sequence %s', role.name, relname))
FROM role CROSS JOIN pg_class c
WHERE relnamespace = 'assent'::regnamespace AND relkind = 'S';

CREATE TEMPORARY TABLE function AS
SELECT proname::text AS name, format('SELECT assent.%I(%s)', proname,
	(SELECT string_agg(format('NULL::%s', format_type(t, NULL)), ', ')
	FROM unnest(proargtypes) AS t)) AS call
FROM pg_proc WHERE pronamespace = 'assent'::regnamespace;

SELECT is(pg_temp.let_in(role.name, call),
	role.name = ANY (coalesce(roles, '{}')),
	format('%s: %s()', role.name, function.name))
FROM role CROSS JOIN function LEFT JOIN may_call
	ON may_call.name = function.name;

-- What the lists name exists.
SELECT is_empty('SELECT name FROM may_read EXCEPT SELECT name FROM relation',
	'every listed table exists');
SELECT is_empty('SELECT name FROM may_call EXCEPT SELECT name FROM function',
	'every listed function exists');

-- The schema itself, and what roles are.
SELECT is(pg_temp.let_in(role.name, what), false,
	format('%s: %s', role.name, what))
FROM role CROSS JOIN unnest(ARRAY[
	'CREATE TABLE assent.x ()',
	'CREATE FUNCTION assent.x() RETURNS int LANGUAGE sql AS ''SELECT 1''',
	'DROP SCHEMA assent CASCADE',
	'CREATE ROLE assent_x',
	'ALTER ROLE assent_operator SUPERUSER']) AS what;
SELECT is((SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication
	OR rolbypassrls FROM pg_roles WHERE rolname = role.name), false,
	role.name || ' has no power of its own') FROM role;
SELECT is((SELECT rolcanlogin FROM pg_roles WHERE rolname = role.name), true,
	role.name || ' can log in') FROM role;
SELECT is_empty($$SELECT FROM pg_auth_members m JOIN pg_roles r
	ON r.oid = m.member WHERE r.rolname LIKE 'assent\_%'
	AND r.rolname <> current_user$$, 'no role is in another');

-- Functions that run as the owner do not trust the caller's search path.
SELECT is_empty($$SELECT proname FROM pg_proc
	WHERE pronamespace = 'assent'::regnamespace AND prosecdef
	AND NOT coalesce(proconfig, '{}') @> '{"search_path=assent, pg_temp"}'$$,
	'every SECURITY DEFINER function has its own search path');

-- The few things let in work, seen through the role's own eyes.
SELECT pg_temp.act('grant', 1, 'news')
\g /dev/null
CREATE FUNCTION pg_temp.as_role(p_role text, what text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', p_role);
	EXECUTE what INTO answer;
	RESET ROLE;
	RETURN answer;
END $$;
SELECT is(pg_temp.as_role('assent_milter', format(
	'SELECT packed FROM assent.permit WHERE key = %L', pg_temp.key(1))),
	pg_temp.packed(1)::text, 'the milter reads a permit');
SELECT is(pg_temp.as_role('assent_web', format(
	'SELECT changed FROM assent.opt_out(%L, %L, %s, %L, %L, NULL)', '',
	pg_temp.key(1), pg_temp.purpose('news'), 'email', 'one-click')),
	'true', 'the web opts out');
SELECT is(pg_temp.as_role('assent_operator', format(
	'SELECT changed FROM assent.change(%L, %L, %L, %L, %L, %L, %s, %L, NULL,
	NULL, %L, NULL)', '', 'object', pg_temp.key(1), 'email', 't', 't',
	pg_temp.purpose('news'), 'email', 'operator')), 'true',
	'the operator objects for somebody');
SELECT is(pg_temp.standing(1, 'news'), 4, 'and it counts');

SELECT * FROM finish();
ROLLBACK;
