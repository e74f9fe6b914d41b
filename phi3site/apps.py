"""The site as a Django app: roles after each migration, events for sign-ins."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Connects what must happen around migrations and sign-ins."""

    name = "phi3site"
    label = "phi3site"
    verbose_name = "Site"

    def ready(self) -> None:
        """Connects the signal handlers."""
        from phi3site import people, roles, sign_ins

        people.connect()
        roles.connect()
        sign_ins.connect()
