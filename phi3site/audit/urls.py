"""Pages of the audit log."""

from django.urls import path

from phi3site.audit import views

app_name = "audit"
urlpatterns = [
    path("trace/log/", views.log, name="log"),
    path("trace/verify/", views.verify_log, name="verify"),
]
