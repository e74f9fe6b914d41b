"""A frozen recipe for people: what its fields and values are called."""

from typing import Any

from django import template

from training.recipes import LABELS, METHOD_NAMES

register = template.Library()


@register.filter
def recipe_rows(recipe: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Name, label and value of each field, in the order in which one decides on them."""
    order = {name: place for place, name in enumerate(LABELS)}
    names = sorted(recipe, key=lambda name: order.get(name, len(order)))
    return [(name, LABELS.get(name, name), _shown(recipe[name])) for name in names]


@register.filter
def method_name(method: str) -> str:
    """LoRA, spelled as its makers do."""
    return METHOD_NAMES.get(method, method)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return METHOD_NAMES.get(value, str(value))
