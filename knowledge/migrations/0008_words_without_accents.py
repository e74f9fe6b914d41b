"""Words are compared without their accents: people leave them out when they ask."""

from django.contrib.postgres.operations import UnaccentExtension
from django.db import migrations

# Made anew after the migration, see indexes.ensure_keyword_index.
_INDEXES = "DROP INDEX IF EXISTS chunk_bm25; DROP INDEX IF EXISTS chunk_full_text;"
_CREATE = """
CREATE TEXT SEARCH CONFIGURATION public.knowledge_words (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION public.knowledge_words
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, pg_catalog.english_stem;
"""
_DROP = "DROP TEXT SEARCH CONFIGURATION public.knowledge_words;"


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0007_encoder_switch")]
    operations = [
        UnaccentExtension(),
        migrations.RunSQL(_CREATE, _INDEXES + _DROP),
        migrations.RunSQL(_INDEXES, migrations.RunSQL.noop),
    ]
