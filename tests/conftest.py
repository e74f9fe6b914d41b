"""People and things that most tests need. Postgres and Valkey are real, always."""

import pytest
from django.contrib.auth.models import Group, User
from django.db.backends.postgresql.operations import DatabaseOperations

from tests.fakes import HashEncoder

AUDIT_TRIGGERS = ("audit_no_change", "audit_no_truncate", "audit_follows")


@pytest.fixture(autouse=True, scope="session")
def _flush_empties_the_audit_log_too():
    """Between transactional tests all tables are emptied: what the log's triggers refuse."""
    flush = DatabaseOperations.execute_sql_flush

    def flush_with_triggers_off(operations, statements):
        table = "ALTER TABLE audit_auditevent"
        on = [f"{table} ENABLE ALWAYS TRIGGER {name}" for name in AUDIT_TRIGGERS]
        # pg_textsearch can't read its index after a TRUNCATE; the next post_migrate makes it anew.
        off = ["DROP INDEX IF EXISTS chunk_bm25, chunk_stems_bm25", f"{table} DISABLE TRIGGER USER"]
        flush(operations, [*off, *statements, *on])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush_with_triggers_off)
        yield


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path):
    """Uploads, adapters and runs of a test go to its own folder; static names stay plain."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def encoder(monkeypatch):
    """The encoder door answers with hashed words."""
    encoder = HashEncoder()
    monkeypatch.setattr("knowledge.embedding.get_encoder", lambda: encoder)
    return encoder


def make_user(name, *groups):
    user = User.objects.create_user(name, password=f"{name}-password")
    user.groups.set(Group.objects.get_or_create(name=group)[0] for group in groups)
    return user


@pytest.fixture
def team(db):
    return Group.objects.get_or_create(name="Service team")[0]


@pytest.fixture
def alice(team):
    """Owns what the tests make."""
    return make_user("alice", "employee", team.name)


@pytest.fixture
def bob(team):
    """Alice's colleague: same role, same team."""
    return make_user("bob", "employee", team.name)


@pytest.fixture
def mallory(db):
    """An employee of another team, who must see nothing of theirs."""
    return make_user("mallory", "employee", "Other team")


@pytest.fixture
def curator(team):
    return make_user("carla", "curator", team.name)


@pytest.fixture
def auditor(db):
    return make_user("audrey", "auditor")


@pytest.fixture
def admin(db):
    user = make_user("adam", "admin")
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def collection(team):
    from knowledge.models import Collection

    collection = Collection.objects.create(name="Service documents")
    collection.readers.add(team)
    collection.managers.add(team)
    return collection
