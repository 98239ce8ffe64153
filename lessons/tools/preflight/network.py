"""The network: the port, and who can reach it."""

import os
import socket
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

from lessons.tools.preflight.check import FAILED, OK, WARNING, Check
from lessons.workers.pool import ROOT


def network(port: int) -> Iterator[Check]:
    """The port, and who can reach it."""
    listens = os.environ.get("STREAMLIT_SERVER_ADDRESS") or str(configured("address", ""))
    local = listens in ("localhost", "127.0.0.1", "::1")
    free = free_port(port)
    if free is None:
        yield Check("port", OK, f"Port {port} is free.", measured={"port": port})
    else:
        do = f"End the program that has it (another Unmasked?), or take another: --server.port={port + 1}."
        yield Check("port", FAILED, f"Port {port} cannot be used: {free}.", do, {"port": port})
    found = [place for place in lan_addresses() if free is not None or reachable(place, port)]
    addresses = ", ".join(f"http://{place}:{port}" for place in found)
    measured = {"listens": listens, "addresses": found}
    if not found:
        do = "Join the classroom's network, then run this again."
        yield Check("addresses", WARNING, "This machine has no address that learners could type.", do, measured)
    elif local:
        start = f"STREAMLIT_SERVER_ADDRESS=0.0.0.0 STREAMLIT_BROWSER_SERVER_ADDRESS={found[0]} make run"
        said = f"Only this machine can connect, for the server listens on {listens}. Learners could type {addresses}."
        yield Check("addresses", WARNING, said, f"Start it with {start}", measured)
    else:
        do = "Open one on a phone in the classroom's Wi-Fi: a firewall or the access point may still be in the way."
        yield Check("addresses", OK, f"Learners type {addresses}.", do, measured)


def free_port(port: int) -> str | None:
    """Why a server cannot have this port; None where it can."""
    with socket.socket() as tried:
        if sys.platform != "win32":  # as Streamlit does; on Windows it would take the port from another
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("0.0.0.0", port))
            tried.listen()
        except OSError as failure:
            return (failure.strerror or str(failure)).lower()
    return None


def lan_addresses() -> list[str]:
    """This machine's IPv4 addresses, the one towards other networks first."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation; connecting a UDP socket sends nothing
            found.append(probe.getsockname()[0])
        except OSError:
            pass  # no network
    try:
        found += [entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    except OSError:
        pass  # the machine does not know its own name
    return list(dict.fromkeys(place for place in found if not place.startswith("127.")))


def reachable(place: str, port: int) -> bool:
    """Whether a connection to this address arrives at a server on all interfaces."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("0.0.0.0", port))
            door.listen()
            with socket.create_connection((place, port), timeout=2):
                return True
        except OSError:
            return False


def configured(name: str, otherwise: Any) -> Any:
    """An option of the [server] section of .streamlit/config.toml."""
    try:
        config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return otherwise
    return config.get("server", {}).get(name, otherwise)
