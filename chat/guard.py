"""Who may open the chat's pages, and what they hear when something can't be done."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from chat.errors import ChatError, NotFound

View = Callable[..., HttpResponse]


def asker_view(view: View) -> View:
    """For those who may ask; our errors become a 404 or a message on the page one came from."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from error
        except ChatError as error:
            messages.error(request, error.message)
            return redirect("chat:home")

    return login_required(permission_required("chat.ask", raise_exception=True)(wrapped))
