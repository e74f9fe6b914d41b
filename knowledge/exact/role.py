"""The database role that may read nothing, until a transaction lends it the view of one table."""

from typing import Any

from django.db import DatabaseError, connection, transaction

ROLE = "phi3_table_reader"
# From this version on, membership says separately whether the role may be taken on.
SET_OPTION_FROM = 160_000


def server_version() -> int:
    """Such as 160004."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        return int(cursor.fetchone()[0])


def has_role() -> bool:
    """Whether the restricted role is there and may be taken on."""
    right = "SET" if server_version() >= SET_OPTION_FROM else "MEMBER"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(current_user, oid, %s) FROM pg_roles WHERE rolname = %s",
            [right, ROLE],
        )
        found = cursor.fetchone()
        return bool(found and found[0])


def ensure_role(**_: Any) -> None:
    """Makes the role, which has no rights at all, where this is allowed; after every migration."""
    with connection.cursor() as cursor:
        try:
            with transaction.atomic():
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
                if not cursor.fetchone():
                    cursor.execute(f"CREATE ROLE {ROLE} NOLOGIN NOINHERIT")
                if server_version() >= SET_OPTION_FROM:
                    cursor.execute(f"GRANT {ROLE} TO CURRENT_USER WITH SET TRUE, INHERIT FALSE")
                else:
                    cursor.execute(f"GRANT {ROLE} TO CURRENT_USER")
        except DatabaseError:
            # No right to create roles, or another process just did: check_install tells.
            return
