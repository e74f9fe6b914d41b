"""Real Postgres and Valkey: started, stopped, killed, and started again on the same folder."""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys

import psycopg
import pytest
import redis

from knowledge.exact.role import ROLE
from phi3site.bootstrap import ROOT, SetupError
from phi3site.services import AlreadyHeld, Services
from phi3site.services.holding import borrowed
from phi3site.services.postgres import Postgres

ADDRESSES = {"DATABASE_URL", "REDIS_URL"}
HOLDER = """
import json, os, pathlib, sys, time
from phi3site.services import Services
with Services(pathlib.Path(sys.argv[1]), command="test", durable=False) as services:
    pids = [server.process.pid for server in services.servers]
    print(json.dumps({"pids": pids, **services.addresses}), flush=True)
    sys.stdin.read()
"""


def start(folder, **kwargs):
    return Services(folder, command="a test", durable=False, **kwargs)


def write(addresses):
    with psycopg.connect(addresses["DATABASE_URL"]) as postgres:
        postgres.execute("CREATE TABLE kept (word text)")
        postgres.execute("INSERT INTO kept VALUES ('still here')")
    redis.Redis.from_url(addresses["REDIS_URL"]).set("kept", "still here")


def read(addresses):
    with psycopg.connect(addresses["DATABASE_URL"]) as postgres:
        row = postgres.execute("SELECT word FROM kept").fetchone()
    return row[0], redis.Redis.from_url(addresses["REDIS_URL"]).get("kept").decode()


def query(addresses, text):
    with psycopg.connect(addresses["DATABASE_URL"]) as postgres:
        return postgres.execute(text).fetchall()


@pytest.fixture(scope="module")
def running(module_folder):
    folder = module_folder / "shared"
    folder.mkdir(mode=0o711)
    with start(folder) as services:
        yield services


@pytest.fixture
def holder(data_dir):
    """Another process that holds a data folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    process.note = json.loads(process.stdout.readline())
    yield process
    process.kill()
    process.communicate()


def wait_for_end(pids):
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended = select.select([descriptor], [], [], 20)[0]
        os.close(descriptor)
        assert ended, f"process {pid} goes on"


def test_the_newer_pgvector_and_the_keyword_extension_are_there(running):
    found = dict(query(running.addresses, "SELECT extname, extversion FROM pg_extension"))
    assert tuple(map(int, found["vector"].split("."))) >= (0, 8, 6)
    assert {"pg_textsearch", "pg_trgm", "unaccent"} <= set(found)


def test_the_site_is_no_superuser_and_may_make_test_databases(running):
    rights = "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    assert query(running.addresses, rights) == [(False, True)]
    with psycopg.connect(running.addresses["DATABASE_URL"], autocommit=True) as postgres:
        postgres.execute("CREATE DATABASE made_by_a_test")
        other = running.addresses["DATABASE_URL"].replace("/phi3?", "/made_by_a_test?")
        with psycopg.connect(other) as made:
            made.execute("CREATE EXTENSION IF NOT EXISTS vector")
            made.execute("CREATE EXTENSION IF NOT EXISTS pg_textsearch")
        postgres.execute("DROP DATABASE made_by_a_test")


def test_questions_to_tables_have_a_role_of_their_own(running):
    member = "SELECT pg_has_role(current_user, %s, 'SET'), pg_has_role(current_user, %s, 'USAGE')"
    with psycopg.connect(running.addresses["DATABASE_URL"]) as postgres:
        assert postgres.execute(member, [ROLE, ROLE]).fetchall() == [(True, False)]
        postgres.execute(f"SET LOCAL ROLE {ROLE}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            postgres.execute("CREATE TABLE anything (id int)")


def test_nothing_listens_on_the_network(running):
    assert query(running.addresses, "SHOW listen_addresses") == [("",)]
    valkey = redis.Redis.from_url(running.addresses["REDIS_URL"])
    assert valkey.config_get("port") == {"port": "0"}
    sockets = running.servers[0].places.sockets
    assert sockets.stat().st_mode & 0o777 == 0o700


def test_valkey_never_throws_anything_away(running):
    valkey = redis.Redis.from_url(running.addresses["REDIS_URL"])
    assert valkey.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert valkey.config_get("appendonly") == {"appendonly": "yes"}


def test_a_second_start_is_refused_and_says_who_runs(running):
    with pytest.raises(AlreadyHeld, match=r"in use \(a test, process \d+\).*--data-dir") as error:
        start(running.data_dir).__enter__()
    assert error.value.code == "already_running"
    assert query(running.addresses, "SELECT 1") == [(1,)]


def test_another_command_borrows_the_running_services(running):
    with borrowed(running.data_dir, ADDRESSES) as found:
        assert found == running.addresses


def test_nothing_is_lent_when_nobody_runs(data_dir):
    with borrowed(data_dir, ADDRESSES) as found:
        assert found == {}


def test_a_stop_and_a_start_keep_the_data(data_dir):
    with start(data_dir) as services:
        write(services.addresses)
        pids = [server.process.pid for server in services.servers]
    wait_for_end(pids)
    with start(data_dir) as services:
        assert read(services.addresses) == ("still here", "still here")


def test_killed_servers_come_back_with_their_data(data_dir):
    said = []
    with start(data_dir) as services:
        write(services.addresses)
        for server in services.servers:
            server.process.kill()
            server.process.wait()
        services.revive(said.append)
        assert read(services.addresses) == ("still here", "still here")
    assert [line.split()[0] for line in said] == ["Postgres", "Valkey"]


def test_a_killed_holder_leaves_no_server_and_no_damage(data_dir, holder):
    write(holder.note)
    os.kill(holder.pid, signal.SIGKILL)
    with start(data_dir) as services:  # at once: the old servers may still be on their way out
        assert read(services.addresses) == ("still here", "still here")
    wait_for_end(holder.note["pids"])


def test_a_holder_waits_for_those_who_borrow(data_dir):
    services = start(data_dir, valkey=False)
    with services, borrowed(data_dir, {"DATABASE_URL"}) as found:
        with (data_dir / "borrowed.lock").open("a+") as handle, pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert found
    with services:
        services.await_borrowers()


def test_only_what_is_missing_is_started(data_dir):
    with start(data_dir, postgres=False) as services:
        assert set(services.addresses) == {"REDIS_URL"}
        assert not (data_dir / "services" / "postgres").exists()


def test_a_data_folder_with_a_long_and_odd_name(data_dir):
    folder = data_dir / ("very long name, with comma and spaces " * 3).strip() / "data"
    folder.mkdir(parents=True)
    with start(folder) as services:
        assert query(services.addresses, "SELECT 1") == [(1,)]
        assert redis.Redis.from_url(services.addresses["REDIS_URL"]).ping()
        short = services.servers[0].places.sockets
    assert len(str(short)) < 60
    shutil.rmtree(short)


def test_a_stale_process_file_does_not_block(data_dir):
    with start(data_dir, valkey=False) as services:
        write_file = services.servers[0].data / "postmaster.pid"
    # After a reboot the number may belong to any program, here to this one.
    write_file.write_text(f"{os.getpid()}\n")
    with start(data_dir, valkey=False) as services:
        assert query(services.addresses, "SELECT 1") == [(1,)]


def test_a_set_up_killed_half_way_is_done_again(data_dir):
    half = data_dir / "services" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    with start(data_dir, valkey=False) as services:
        assert query(services.addresses, "SELECT 1") == [(1,)]


def test_a_database_that_cannot_start_gives_the_servers_reason(data_dir):
    with start(data_dir, valkey=False) as services:
        data = services.servers[0].data
    (data / "PG_VERSION").write_text("12\n")
    with pytest.raises(SetupError, match=r"Postgres does not start.*FATAL") as error:
        start(data_dir, valkey=False).__enter__()
    assert error.value.code == "postgres_failed"
    with borrowed(data_dir, ADDRESSES) as found:  # the failed start let go of the folder
        assert found == {}


def test_a_full_disk_is_named(data_dir):
    postgres = Postgres.__new__(Postgres)
    postgres.log = data_dir / "postgres.log"
    postgres.log.write_text("FATAL: could not write: No space left on device\n")
    assert "disk is full" in postgres._reason("Postgres does not start")
