"""A frozen recipe for people: what its fields and values are called."""

from django import template

from training.recipes import LABELS, METHOD_NAMES

register = template.Library()


@register.filter
def knob_label(name: str) -> str:
    """What a field of a recipe is called; its own name if it is of another day."""
    return LABELS.get(name, name)


@register.filter
def method_name(method: str) -> str:
    """LoRA, spelled as its makers do."""
    return METHOD_NAMES.get(method, method)


@register.filter
def yesno_or_value(value: object) -> object:
    """Yes and no for people; anything else as it is."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
