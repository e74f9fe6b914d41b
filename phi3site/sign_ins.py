"""Sign-ins, sign-outs and refused attempts as audit events."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from phi3site.audit.recording import record


def connect() -> None:
    """Listens to Django's own sign-in signals."""
    user_logged_in.connect(_signed_in, dispatch_uid="phi3site.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="phi3site.signed_out")
    user_login_failed.connect(_refused, dispatch_uid="phi3site.refused")


def _signed_in(user: AbstractBaseUser, **_: Any) -> None:
    record("user.signed_in", actor=user, target=user)


def _signed_out(user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None:
        record("user.signed_out", actor=user, target=user)


def _refused(credentials: dict[str, Any], **_: Any) -> None:
    record("user.sign_in_refused", details={"username": str(credentials.get("username", ""))[:150]})
