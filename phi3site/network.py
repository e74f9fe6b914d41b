"""The address that the site listens at: is it free, and under which names is it reached?

Standard library alone; opens no connection to anywhere.
"""

import errno
import socket
import time
from contextlib import suppress

from phi3site.bootstrap import SetupError

EVERYWHERE = {"0.0.0.0", "::"}
# Reserved for documentation: asking for a route to it names our own address, nothing is sent.
NOWHERE = ("192.0.2.1", 9)


def check_free(host: str, port: int, *, patience: float = 0.0) -> None:
    """Raises SetupError, with what to do, when nothing can listen there after so many seconds."""
    deadline = time.monotonic() + patience
    while error := _refusal(host, port):
        if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            raise SetupError("port", _advice(host, port, error)) from error
        time.sleep(0.1)


def _refusal(host: str, port: int) -> OSError | None:
    if not 0 < port < 65536:
        return OSError(errno.EINVAL, "a port is a number from 1 to 65535")
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _advice(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program. Choose another: --port {port + 1}"
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights. Choose one above 1023: --port 8000"
    return (
        f"Cannot listen at {host}:{port} ({error.strerror}). Choose others with --host and --port."
    )


def allowed_hosts(host: str) -> str:
    """ALLOWED_HOSTS for a site that listens there: its own names, never everything."""
    names = ["localhost", "127.0.0.1", "[::1]"]
    if host in EVERYWHERE:
        names += [socket.gethostname(), socket.getfqdn(), own_address()]
    else:
        names.append(f"[{host}]" if ":" in host else host)
    return ",".join(dict.fromkeys(name for name in names if name))


def own_address() -> str:
    """This machine's address in its network; empty when it has none."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(NOWHERE)
        return str(probe.getsockname()[0])
    return ""


def url_of(host: str, port: int) -> str:
    """The URL to open in a browser on this machine."""
    name = "localhost" if host in EVERYWHERE or host == "127.0.0.1" else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"
