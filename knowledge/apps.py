"""The knowledge app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class KnowledgeConfig(AppConfig):
    """Registers the app, and keeps in step with what the database offers."""

    name = "knowledge"

    def ready(self) -> None:
        """After each migration the keyword index and the tables' reader are made if missing."""
        from knowledge.exact.role import ensure_role
        from knowledge.indexes import ensure_keyword_index

        post_migrate.connect(ensure_role, sender=self, dispatch_uid="knowledge.table_reader")
        post_migrate.connect(
            ensure_keyword_index, sender=self, dispatch_uid="knowledge.keyword_index"
        )
