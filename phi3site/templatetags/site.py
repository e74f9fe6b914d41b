"""The few tags every page uses: an icon, a navigation link that knows where the reader is.

Knows no app: a link is given by its URL name and is left out where that name doesn't resolve.
"""

from typing import Any

from django import template
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the sprite; decorative, so its button or link carries the words."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        extra,
        static("phi3site/icons.svg"),
        name,
    )


@register.inclusion_tag("_nav_link.html", takes_context=True)
def nav_link(
    context: dict[str, Any], view_name: str, label: str, icon: str = "", *, exact: bool = False
) -> dict[str, Any]:
    """A link that is marked as current on its own page and on the pages below it."""
    try:
        url = reverse(view_name)
    except NoReverseMatch:
        return {"url": ""}
    path = context["request"].path if "request" in context else ""
    is_current = path == url if exact else path.startswith(url)
    return {"url": url, "label": label, "icon": icon, "is_current": is_current}
