"""The sign-in page and its brakes: guessing is slow, and a victim of it still gets in.

A browser that once signed in keeps a signed cookie; its tries are counted apart from those of
strangers, so that nobody can lock a person out by guessing at the name.
"""

import unicodedata
from gettext import ngettext
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core import signing
from django.http import HttpRequest, HttpResponse

from phi3site.audit.recording import record
from phi3site.rate_limits import Limit, client_address

WHILE = 15 * 60
PER_ACCOUNT_AND_ADDRESS = Limit("sign-in-account-address", 10, WHILE)
PER_ACCOUNT = Limit("sign-in-account", 50, WHILE)
PER_ADDRESS = Limit("sign-in-address", 300, WHILE)
PER_BROWSER = Limit("sign-in-browser", 10, WHILE)
REPORTED = Limit("sign-in-reported", 1, WHILE)

COOKIE, SALT, COOKIE_AGE = "known_browser", "phi3site.known_browser", 180 * 24 * 3600


class SignInForm(AuthenticationForm):
    """Name and password, tried only while the brakes allow it."""

    def clean(self) -> dict[str, Any]:
        """Counts the try before the password is looked at: a burst can't slip through."""
        assert self.request is not None
        name = account(self.cleaned_data.get("username") or "")
        wait = hold_back(self.request, name)
        if wait:
            raise forms.ValidationError(
                f"Too many attempts. Wait {_minutes(-(-wait // 60))}, then try again.",
                code="too_many_attempts",
            )
        cleaned: dict[str, Any] = super().clean()
        release(self.request, name)
        return cleaned


class SignIn(LoginView):
    """The page; on success it marks the browser as one that this person uses."""

    form_class = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Django's own `site` gives way to ours, which every page has under that name."""
        context = super().get_context_data(**kwargs)
        del context["site"]
        return context

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Signs in and leaves the cookie."""
        response = super().form_valid(form)
        mark_browser(response, form.get_user())
        return response


def account(name: str) -> str:
    """One spelling for all ways to write an account's name."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def hold_back(request: HttpRequest, name: str) -> int:
    """Counts a try; the seconds to wait, or 0."""
    if is_known_browser(request, name):
        return PER_BROWSER.take(name, request.COOKIES[COOKIE])
    address = client_address(request)
    waits = (
        PER_ADDRESS.take(address),
        PER_ACCOUNT_AND_ADDRESS.take(name, address),
        PER_ACCOUNT.take(name),
    )
    if max(waits) and not REPORTED.take(name, address):
        record("user.sign_in_held_back", details={"username": name[:150]})
    return max(waits)


def release(request: HttpRequest, name: str) -> None:
    """The password was right: earlier tries from here count no more."""
    PER_ACCOUNT_AND_ADDRESS.forget(name, client_address(request))
    if COOKIE in request.COOKIES:
        PER_BROWSER.forget(name, request.COOKIES[COOKIE])


def mark_browser(response: HttpResponse, user: User) -> None:
    """Leaves the signed cookie."""
    response.set_cookie(
        COOKIE,
        signing.dumps(account(user.get_username()), salt=SALT),
        max_age=COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_known_browser(request: HttpRequest, name: str) -> bool:
    """Whether this browser signed in to that account before."""
    try:
        known = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=COOKIE_AGE)
    except signing.BadSignature:
        return False
    return bool(known == name)


def _minutes(count: int) -> str:
    return f"{count} {ngettext('minute', 'minutes', count)}"
