"""Static files under hashed names, so that a browser never mixes two versions."""

from collections.abc import Iterator
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

# Extensions of htmx that no page uses; some import by names that only an import map resolves.
UNUSED = "django_htmx/ext/"


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashes the imports inside ES modules too, and serves unhashed names before a collection."""

    support_js_module_import_aggregation = True
    manifest_strict = False

    def post_process(
        self, paths: dict[str, Any], *args: Any, **options: Any
    ) -> Iterator[tuple[str, str, bool]]:
        """Leaves out what no page uses."""
        used = {path: source for path, source in paths.items() if not path.startswith(UNUSED)}
        yield from super().post_process(used, *args, **options)

    def stored_name(self, name: str) -> str:
        """The hashed name; the plain one where nothing was collected, as on an engine's host."""
        try:
            stored: str = super().stored_name(name)
        except ValueError:
            return name
        return stored
