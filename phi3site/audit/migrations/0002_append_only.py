"""The database itself refuses to change, remove or slip in an event.

ENABLE ALWAYS: the triggers fire under `session_replication_role = replica` too. Whoever owns the
table can still switch them off; that is what the chain of hashes is for.
"""

from django.db import migrations

REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;

CREATE FUNCTION audit_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head record;
BEGIN
    SELECT seq, hash INTO head FROM audit_auditevent ORDER BY seq DESC LIMIT 1;
    IF NEW.seq <> coalesce(head.seq, 0) + 1
            OR NEW.previous_hash <> coalesce(head.hash, repeat('0', 64)) THEN
        RAISE EXCEPTION 'the event does not follow the end of the audit log';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.at)) > 60 THEN
        RAISE EXCEPTION 'the event is not of now';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_follows BEFORE INSERT ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_follow();
ALTER TABLE audit_auditevent ENABLE ALWAYS TRIGGER audit_no_change;
ALTER TABLE audit_auditevent ENABLE ALWAYS TRIGGER audit_no_truncate;
ALTER TABLE audit_auditevent ENABLE ALWAYS TRIGGER audit_follows;
"""

ALLOW = """
DROP TRIGGER IF EXISTS audit_no_change ON audit_auditevent;
DROP TRIGGER IF EXISTS audit_no_truncate ON audit_auditevent;
DROP TRIGGER IF EXISTS audit_follows ON audit_auditevent;
DROP FUNCTION IF EXISTS audit_refuse();
DROP FUNCTION IF EXISTS audit_follow();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
