"""The audit log as a Django app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Named `audit` in tables and permissions."""

    name = "phi3site.audit"
    label = "audit"
    verbose_name = "Audit log"
