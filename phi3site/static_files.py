"""Static files under hashed names, so that a browser never mixes two versions."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Hashes the imports inside ES modules too, and serves unhashed names before a collection."""

    support_js_module_import_aggregation = True
    manifest_strict = False
