"""A DOCUMENT BECOMES PASSAGES: collections, ingestion and retrieval."""
