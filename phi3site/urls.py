"""Every path of the site. Each must stand in the access table of tests/test_access.py."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from phi3site import health, views
from phi3site.api import api
from phi3site.signing_in import SignIn

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("sign-in/", SignIn.as_view(), name="sign_in"),
    path("sign-out/", auth_views.LogoutView.as_view(), name="sign_out"),
    path("console/", views.overview, name="overview"),
    path("", include("knowledge.urls")),
    path("", include("chat.urls")),
    path("", include("training.urls")),
    path("", include("phi3site.audit.urls")),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
]
