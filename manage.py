#!/usr/bin/env python3
"""The one command line: makes the machine ready, then hands over to Django's commands.

Written so that an old Python can still read it and be told that it is too old.
"""

import sys

MINIMUM = (3, 11)


def main() -> int:
    """Runs the command; what a person can mend comes out as one line, without a traceback."""
    if tuple(sys.version_info[:2]) < MINIMUM:
        found = ".".join(str(part) for part in sys.version_info[:3])
        again = " ".join(["python3.11", *sys.argv])
        sys.stderr.write(f"Python 3.11 or newer is needed, this is {found}. Run: {again}\n")
        return 1
    from phi3site import bootstrap

    try:
        bootstrap.enter(sys.argv)
        run_command(sys.argv)
    except (bootstrap.SetupError, OSError) as error:
        sys.stderr.write(f"{bootstrap.advice(error)}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run_command(argv: "list[str]") -> None:
    """Runs one of Django's commands or ours in the environment that it needs."""
    from phi3site import bootstrap, local

    with local.environment(argv):
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        try:
            execute_from_command_line(argv)
        except ImproperlyConfigured as error:
            raise bootstrap.SetupError("settings", f"A setting is wrong: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
