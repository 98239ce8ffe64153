"""`python -m lessons preflight`: each check does the thing itself, and fails when the thing does."""

import json
import socket
import subprocess
import sys

import pytest
from sqlalchemy import create_engine, text

from lessons.__main__ import main
from lessons.classroom import database, environment
from lessons.tools import preflight
from lessons.tools.preflight import capacity, machine, memory, network, processes, storage
from lessons.tools.preflight.check import FAILED, OK, WARNING, Check
from tests.tools.patience import patient
from tests.tools.site import ROOT, free_port

NAMES = ["versions", "disk", "port", "addresses", "server", "worker", "database", "memory"]


@pytest.fixture
def quick(monkeypatch):
    """A machine on which server and worker have been found well."""
    monkeypatch.setattr(processes, "server", lambda: Check("server", OK, "It answers.", measured={"bytes": 9e7}))
    found = {"again": 0.1, "bytes": 7e8, "own_bytes": 3e8}
    monkeypatch.setattr(processes, "worker", lambda: Check("worker", OK, "It trains.", measured=found))


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door.getsockname()[1]


@pytest.mark.verify
def test_a_real_process_tries_everything():
    asked = [sys.executable, "-m", "lessons", "preflight", "--learners", "5", "--port", str(free_port()), "--json"]
    ran = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=patient(180))
    told = json.loads(ran.stdout)
    found = {check["name"]: check for check in told["checks"]}
    assert list(found) == NAMES
    for name in ("versions", "port", "server", "database"):
        assert found[name]["verdict"] == OK, found[name]
    assert found["worker"]["verdict"] in (OK, WARNING), found["worker"]
    worker = found["worker"]["measured"]
    assert 0 < worker["again"] < worker["first"] and worker["bytes"] > worker["own_bytes"] > 2e7
    assert 5e7 < found["server"]["measured"]["bytes"] < 5e8
    assert told["ok"] == (ran.returncode == 0) and told["needs"]["learners"] == 5
    assert ran.stderr == ""


def test_it_is_told_in_words(quick, capsys):
    assert main(["preflight", "--port", str(free_port())]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line[:1].strip() and line.split()[1] in NAMES] == NAMES
    assert lines[-1].startswith(f"{preflight.LEARNERS} learners: ") and " GB of memory" in lines[-1]


def test_a_taken_port_fails(quick, taken, capsys):
    assert main(["preflight", "--json", "--port", str(taken)]) == 1
    told = json.loads(capsys.readouterr().out)
    port = next(check for check in told["checks"] if check["name"] == "port")
    assert port["verdict"] == FAILED and str(taken) in port["says"] and f"--server.port={taken + 1}" in port["do"]
    assert told["ok"] is False


@pytest.mark.parametrize(
    "address",
    ["postgresql://ada:hunter2@localhost:1/x", "postgresql://localhost:1/x?user=ada&password=hunter2"],
)
def test_a_database_that_nobody_reaches_fails_and_no_password_is_told(monkeypatch, quick, capsys, address):
    monkeypatch.setenv(database.VARIABLE, address)
    assert main(["preflight", "--json", "--port", str(free_port())]) == 1
    out = capsys.readouterr().out
    found = next(check for check in json.loads(out)["checks"] if check["name"] == "database")
    assert found["verdict"] == FAILED and "PostgreSQL x at localhost:1 cannot be used" in found["says"]
    assert database.VARIABLE in found["do"]
    assert "hunter2" not in out


def test_postgresql_without_the_secret_fails_and_says_what_to_set(monkeypatch):
    monkeypatch.setenv(database.VARIABLE, "postgresql://localhost:1/x")
    monkeypatch.delenv(environment.SECRET)
    found = storage.stored()
    assert found.verdict == FAILED and f"{environment.SECRET}: is not set" in found.says
    assert found.do == f"Set {environment.SECRET}."


@pytest.mark.parametrize("address", ["mysql://localhost/x", "nonsense", "sqlite:////proc/nowhere/x.sqlite"])
def test_a_database_that_cannot_be_one_fails(monkeypatch, address):
    monkeypatch.setenv(database.VARIABLE, address)
    assert storage.stored().verdict == FAILED


def test_the_database_is_written_to_and_left_as_it_was(monkeypatch, database_url):
    monkeypatch.setenv(database.VARIABLE, database_url)
    found = storage.stored()
    assert found.verdict == OK and found.says.startswith(("SQLite in /", "PostgreSQL test_"))
    engine = create_engine(database_url)
    with engine.connect() as db:
        assert db.scalar(text("SELECT count(*) FROM room")) == 0
    engine.dispose()


def test_the_secret_goes_before_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(database.VARIABLE, "postgresql://localhost:1/x")
    monkeypatch.setattr(storage, "ROOT", tmp_path)
    (tmp_path / ".streamlit").mkdir()
    url = f"sqlite:///{tmp_path / 'of_the_secret.sqlite'}"
    (tmp_path / ".streamlit" / "secrets.toml").write_text(f'[connections.classroom]\nurl = "{url}"\n')
    found = storage.stored()
    assert found.verdict == OK and "of_the_secret.sqlite" in found.says


@pytest.mark.parametrize(
    ("arguments", "said"),
    {
        "word": (["--learners", "many"], "--learners: got “many”; takes a whole number from 1 to"),
        "none": (["--learners", "0"], "--learners: got “0”"),
        "below": (["--learners=-3"], "--learners: got “-3”"),
        "fraction": (["--learners", "2.5"], "--learners: got “2.5”"),
        "too many": (["--learners", str(preflight.MOST + 1)], f"from 1 to {preflight.MOST}"),
        "digits of others": (["--learners", "²"], "--learners: got “²”"),
        "port": (["--port", "99999"], "--port: got “99999”; takes a whole number from 1 to 65535"),
        "port word": (["--port", "http"], "--port: got “http”"),
    }.values(),
)
def test_bad_input_is_one_line(capsys, arguments, said):
    assert main(["preflight", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == "" and said in told.err and told.err.count("\n") == 1


def test_a_server_that_does_not_start_fails(monkeypatch):
    monkeypatch.setenv("UNMASKED_WORKERS", "many")
    found = processes.server()
    assert found.verdict == FAILED and "UNMASKED_WORKERS: got “many”" in found.says


def test_a_worker_that_does_not_train_fails(monkeypatch):
    def broken(_):
        raise RuntimeError("the layer fell off\nmore")

    monkeypatch.setattr(processes, "timed", broken)
    found = preflight.guarded("worker", processes.worker)
    assert (found.name, found.verdict) == ("worker", FAILED) and found.says.endswith("the layer fell off")


def test_a_scheduler_that_does_not_answer_fails(monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
    monkeypatch.setattr("lessons.workers.cluster.ANSWERS_WITHIN", 0.3)
    found = processes.worker()
    assert found.verdict == FAILED and "DASK_SCHEDULER_ADDRESS" in found.says + found.do


def test_a_wrong_and_a_missing_package_fail(monkeypatch, tmp_path):
    (tmp_path / "requirements.txt").write_text("# ours\nnumpy~=1.0\nno-such-package>=2\nfoo; sys_platform == 'os2'\n")
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    found = machine.versions()
    assert found.verdict == FAILED and "numpy" in found.says and "no-such-package is missing" in found.says
    assert "foo" not in found.says


def test_listening_on_this_machine_only_is_a_warning(monkeypatch):
    monkeypatch.setattr(network, "lan_addresses", lambda: ["10.1.2.3", "10.1.2.4"])
    monkeypatch.setattr(network, "reachable", lambda place, port: place == "10.1.2.3")
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "localhost")
    found = list(network.network(free_port()))[1]
    assert found.verdict == WARNING and "STREAMLIT_SERVER_ADDRESS=0.0.0.0" in found.do and "10.1.2.4" not in found.says
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "0.0.0.0")
    found = list(network.network(free_port()))[1]
    assert found.verdict == OK and "http://10.1.2.3:" in found.says
    monkeypatch.setattr(network, "lan_addresses", list)
    assert list(network.network(free_port()))[1].verdict == WARNING


def test_addresses_are_this_machines():
    for place in network.lan_addresses():
        assert not place.startswith("127.") and network.reachable(place, free_port())


def test_what_a_class_needs_grows_with_it():
    wanted = [capacity.needs(count, []) for count in (1, 25, 60, 100, preflight.MOST)]
    assert [one.setup for one in wanted] == ["laptop", "laptop", "server", "replicas", "replicas"]
    assert [one.servers for one in wanted][:4] == [1, 1, 1, 2]
    totals = [one.memory * one.servers for one in wanted]
    assert totals == sorted(totals) and totals[0] > 1e9
    slow = capacity.needs(60, [Check("worker", OK, "", measured={"again": 1.0})])
    assert slow.servers > wanted[2].servers and slow.workers * slow.servers > 2 * wanted[2].workers
    far = capacity.needs(60, [Check("worker", OK, "", measured={"again": 1.0, "workers": 8})])
    assert far.memory < 1e9 and far.cores == 1


@pytest.mark.parametrize(("free", "verdict"), [(0.4e9, FAILED), (1.1e9, WARNING), (64e9, OK)])
def test_memory_beside_what_is_wanted(monkeypatch, free, verdict):
    monkeypatch.setattr(capacity, "available", lambda: free)
    monkeypatch.setattr(capacity, "cores_here", lambda: 64)
    assert capacity.capacity(capacity.needs(60, []), []).verdict == verdict


def test_a_containers_memory_is_its_limit_less_what_it_cannot_give_up(tmp_path):
    for name, told in {"max": "2000", "current": "1500", "stat": "anon 900\ninactive_file 400\n"}.items():
        (tmp_path / f"memory.{name}").write_text(told)
    assert list(memory.in_groups(tmp_path)) == [(2000, 1100)]
    (tmp_path / "memory.max").write_text("max\n")
    assert list(memory.in_groups(tmp_path)) == []
