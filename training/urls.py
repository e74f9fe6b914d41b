"""Pages of datasets and runs."""

from django.urls import path

from training import dataset_views, making_views, review_views, views

app_name = "training"
urlpatterns = [
    path("console/datasets/", dataset_views.datasets, name="datasets"),
    path("console/datasets/documents/", making_views.from_documents, name="from_documents"),
    path("console/datasets/feedback/", making_views.from_feedback, name="from_feedback"),
    path("console/datasets/uploads/<uuid:upload_id>/", dataset_views.columns, name="columns"),
    path(
        "console/datasets/uploads/<uuid:upload_id>/discard/",
        dataset_views.discard,
        name="discard_upload",
    ),
    path("console/datasets/<uuid:dataset_id>/", dataset_views.dataset, name="dataset"),
    path("console/datasets/<uuid:dataset_id>/leaks/", dataset_views.leaks, name="leaks"),
    path("console/datasets/<uuid:dataset_id>/review/", review_views.review, name="review"),
    path("console/datasets/<uuid:dataset_id>/revise/", review_views.revise_dataset, name="revise"),
    path(
        "console/datasets/<uuid:dataset_id>/lines/<int:line>/edit/",
        review_views.edit_example,
        name="edit_example",
    ),
    path(
        "console/datasets/<uuid:dataset_id>/lines/<int:line>/",
        dataset_views.example,
        name="example",
    ),
    path("console/runs/", views.runs, name="runs"),
    path("console/runs/new/", views.new_run, name="new_run"),
    path("console/runs/compare/", views.compare, name="compare"),
    path("console/runs/<uuid:run_id>/", views.run, name="run"),
    path("console/runs/<uuid:run_id>/cancel/", views.cancel, name="cancel_run"),
    path("console/runs/<uuid:run_id>/resume/", views.resume, name="resume_run"),
]
