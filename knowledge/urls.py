"""Pages of documents and collections."""

from django.urls import path

from knowledge import collection_views as collections
from knowledge import reader, views

app_name = "knowledge"
urlpatterns = [
    path("console/documents/", views.documents, name="documents"),
    path("console/documents/upload/", views.upload, name="upload"),
    path("console/documents/<uuid:document_id>/", views.document, name="document"),
    path("console/documents/<uuid:document_id>/version/", views.new_version, name="new_version"),
    path("console/documents/<uuid:document_id>/trash/", views.trash, name="trash"),
    path("console/documents/<uuid:document_id>/restore/", views.restore, name="restore"),
    path("console/versions/<uuid:version_id>/retry/", views.retry, name="retry"),
    path("console/versions/<uuid:version_id>/cancel/", views.cancel, name="cancel"),
    path("console/collections/", collections.collections, name="collections"),
    path("console/collections/new/", collections.new_collection, name="new_collection"),
    path("console/collections/<uuid:collection_id>/", collections.collection, name="collection"),
    path("documents/<uuid:version_id>/", reader.version, name="version"),
    path("documents/<uuid:version_id>/file", reader.original, name="original"),
    path(
        "documents/<uuid:version_id>/pages/<int:number>.png", reader.page_image, name="page_image"
    ),
]
