"""The address that the site listens at: is it free, and under which names is it reached?

Standard library alone; opens no connection to anywhere.
"""

import errno
import socket
from contextlib import suppress

from phi3site.bootstrap import SetupError

EVERYWHERE = {"0.0.0.0", "::"}
# Reserved for documentation: asking for a route to it names our own address, nothing is sent.
NOWHERE = ("192.0.2.1", 9)


def check_free(host: str, port: int) -> None:
    """Raises SetupError, with what to do, when nothing can listen there."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        raise SetupError("port", _advice(host, port, error)) from error


def _advice(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"Port {port} is taken by another program. Choose another: --port {port + 1}"
    if number == errno.EACCES:
        return f"Port {port} needs more rights. Choose one above 1023: --port 8000"
    return f"Cannot listen at {host}:{port} ({error}). Choose others with --host and --port."


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
