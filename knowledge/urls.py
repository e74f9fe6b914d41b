"""Pages of documents and collections."""

from django.urls import path

from knowledge import act_views as acts
from knowledge import archive_views as archives
from knowledge import chunk_views as chunks
from knowledge import collection_views as collections
from knowledge import encoder_views as encoders
from knowledge import queue_views as queue
from knowledge import reader, views
from knowledge import search_views as searches
from knowledge.bulk_views import bulk

app_name = "knowledge"
urlpatterns = [
    path("console/documents/", views.documents, name="documents"),
    path("console/documents/bulk/", bulk, name="bulk"),
    path("console/documents/upload/", views.upload, name="upload"),
    path("console/zips/<uuid:archive_id>/", archives.archive, name="archive"),
    path("console/zips/<uuid:archive_id>/cancel/", archives.cancel_archive, name="cancel_archive"),
    path("console/documents/<uuid:document_id>/", views.document, name="document"),
    path("console/documents/<uuid:document_id>/version/", acts.new_version, name="new_version"),
    path("console/documents/<uuid:document_id>/details/", acts.details, name="details"),
    path("console/documents/<uuid:document_id>/changes/", acts.changes, name="changes"),
    path("console/documents/<uuid:document_id>/again/", acts.read_again, name="read_again"),
    path("console/documents/<uuid:document_id>/trash/", acts.trash, name="trash"),
    path("console/documents/<uuid:document_id>/restore/", acts.restore, name="restore"),
    path("console/documents/<uuid:document_id>/remove/", acts.remove, name="remove"),
    path("console/versions/<uuid:version_id>/retry/", acts.retry, name="retry"),
    path("console/versions/<uuid:version_id>/cancel/", acts.cancel, name="cancel"),
    path("console/chunks/<uuid:chunk_id>/", chunks.chunk, name="chunk"),
    path("console/chunks/<uuid:chunk_id>/switch/", chunks.switch_chunk, name="switch_chunk"),
    path("console/versions/<uuid:version_id>/first/", queue.put_first, name="put_first"),
    path("console/search/", searches.search_tests, name="search_tests"),
    path("console/search/<uuid:test_id>/", searches.search_test, name="search_test"),
    path("console/queue/pause/", queue.pause, name="pause_queue"),
    path("console/queue/resume/", queue.resume, name="resume_queue"),
    path("console/collections/", collections.collections, name="collections"),
    path("console/collections/new/", collections.new_collection, name="new_collection"),
    path("console/collections/<uuid:collection_id>/", collections.collection, name="collection"),
    path(
        "console/collections/<uuid:collection_id>/trash/",
        collections.trash_collection,
        name="trash_collection",
    ),
    path(
        "console/collections/<uuid:collection_id>/restore/",
        collections.restore_collection,
        name="restore_collection",
    ),
    path(
        "console/collections/<uuid:collection_id>/remove/",
        collections.remove_collection,
        name="remove_collection",
    ),
    path("console/encoders/", encoders.encoders, name="encoders"),
    path("console/encoders/switch/", encoders.switch_encoder, name="switch_encoder"),
    path("console/encoders/back/", encoders.roll_back, name="roll_back"),
    path("console/encoders/forget/", encoders.forget_encoder, name="forget_encoder"),
    path("console/switches/<uuid:switch_id>/pause/", encoders.pause_switch, name="pause_switch"),
    path("console/switches/<uuid:switch_id>/resume/", encoders.resume_switch, name="resume_switch"),
    path(
        "console/switches/<uuid:switch_id>/give-up/", encoders.give_up_switch, name="give_up_switch"
    ),
    path("documents/<uuid:version_id>/", reader.version, name="version"),
    path("documents/<uuid:version_id>/file", reader.original, name="original"),
    path(
        "documents/<uuid:version_id>/pages/<int:number>.png", reader.page_image, name="page_image"
    ),
]
