"""Pages of datasets and runs."""

from django.urls import path

from training import views

app_name = "training"
urlpatterns = [
    path("console/datasets/", views.datasets, name="datasets"),
    path("console/datasets/<uuid:dataset_id>/", views.dataset, name="dataset"),
    path("console/datasets/<uuid:dataset_id>/lines/<int:line>/", views.example, name="example"),
    path("console/runs/", views.runs, name="runs"),
    path("console/runs/new/", views.new_run, name="new_run"),
    path("console/runs/<uuid:run_id>/", views.run, name="run"),
    path("console/runs/<uuid:run_id>/cancel/", views.cancel, name="cancel_run"),
    path("console/runs/<uuid:run_id>/resume/", views.resume, name="resume_run"),
]
