"""Every setting, read from the environment, in one file.

Each variable has a line in the README's table; a test compares the two.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from phi3site.refusals import DEVELOPMENT_KEY, refusals

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    """The variable's text, or the default."""
    return os.environ.get(name, default)


def env_bool(name: str, default: bool = False) -> bool:
    """True for 1, true, yes, on."""
    return env(name, str(default)).strip().lower() in {"1", "true", "yes", "on"}


def env_int(name: str, default: int) -> int:
    """A whole number; anything else is a configuration error."""
    try:
        return int(env(name, str(default)))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from error


def env_list(name: str, default: str = "") -> list[str]:
    """Comma-separated values without blanks."""
    return [item.strip() for item in env(name, default).split(",") if item.strip()]


def database(url: str) -> dict[str, Any]:
    """Django's settings for a postgresql:// URL; `?host=` may name a socket folder."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/") or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,
        # A pooled connection from before a restart of the database is not handed out.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {"min_size": 0, "max_size": env_int("DATABASE_POOL_SIZE", 20), "timeout": 15}
        },
        "TEST": {"NAME": env("TEST_DATABASE_NAME") or None},
    }


# --- Site
DEBUG = env_bool("DEBUG")
SECRET_KEY = env("SECRET_KEY", DEVELOPMENT_KEY if DEBUG else "")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
HTTPS_ONLY = env_bool("HTTPS_ONLY")
# How many proxies of ours stand before the web process and append to X-Forwarded-For.
TRUSTED_PROXIES = env_int("TRUSTED_PROXIES", 0)
# Whether the sign-in page lists the demo accounts, which `up` makes unless told not to.
DEMO = env_bool("DEMO")
DATA_DIR = Path(env("DATA_DIR", str(BASE_DIR / "data"))).resolve()
REDIS_URL = env("REDIS_URL", "redis://127.0.0.1:6379/0")
# The base model of chat and training: a folder or a hub id; empty is the demo model.
BASE_MODEL = env("BASE_MODEL", str(DATA_DIR / "models" / "phi3-demo"))

# --- Knowledge: documents and retrieval
KNOWLEDGE_ENCODER = env("KNOWLEDGE_ENCODER", "packaged-minilm")
# Servers that may encode: "https://host/v1", or "https://host/v1 key".
KNOWLEDGE_ENCODER_SERVERS = env_list("KNOWLEDGE_ENCODER_SERVERS")
KNOWLEDGE_INDEX_MEMORY_MB = env_int("KNOWLEDGE_INDEX_MEMORY_MB", 1024)
KNOWLEDGE_RERANKER = env("KNOWLEDGE_RERANKER")
# How summaries are told: in the document's own sentences (`extractive`), or by the `engine`.
KNOWLEDGE_SUMMARIES = env("KNOWLEDGE_SUMMARIES", "extractive")
KNOWLEDGE_CHUNK_TOKENS = env_int("KNOWLEDGE_CHUNK_TOKENS", 200)
KNOWLEDGE_MAX_UPLOAD_MB = env_int("KNOWLEDGE_MAX_UPLOAD_MB", 100)
KNOWLEDGE_EXTRACTION_SECONDS = env_int("KNOWLEDGE_EXTRACTION_SECONDS", 300)
KNOWLEDGE_EXTRACTION_MEMORY_MB = env_int("KNOWLEDGE_EXTRACTION_MEMORY_MB", 2048)
KNOWLEDGE_OCR_LANGUAGES = env("KNOWLEDGE_OCR_LANGUAGES", "eng")

# --- Chat: engine and answers
CHAT_ENGINE = env("CHAT_ENGINE", "phi3")
CHAT_ENGINE_URL = env("CHAT_ENGINE_URL")
CHAT_ENGINE_KEY = env("CHAT_ENGINE_KEY")
CHAT_QUANTISATION = env("CHAT_QUANTISATION")
CHAT_BATCH_SIZE = env_int("CHAT_BATCH_SIZE", 16)
CHAT_ADAPTER_SLOTS = env_int("CHAT_ADAPTER_SLOTS", 4)
CHAT_ADAPTER_RANK = env_int("CHAT_ADAPTER_RANK", 128)
CHAT_MAX_ADAPTER_MB = env_int("CHAT_MAX_ADAPTER_MB", 500)
CHAT_MAX_QUESTION_CHARS = env_int("CHAT_MAX_QUESTION_CHARS", 8000)
CHAT_CONTEXT_TOKENS = env_int("CHAT_CONTEXT_TOKENS", 1200)
# Who makes a follow-up question stand alone before it is looked up: `rules`, or the `engine`.
CHAT_FOLLOW_UPS = env("CHAT_FOLLOW_UPS", "rules")
CHAT_LEASE_SECONDS = env_int("CHAT_LEASE_SECONDS", 10)
# Days after the last question until the files of a conversation are removed.
CHAT_ATTACHMENT_DAYS = env_int("CHAT_ATTACHMENT_DAYS", 30)

# --- Training: datasets and runs
TRAINING_TIMEOUT = env_int("TRAINING_TIMEOUT", 24 * 3600)
TRAINING_DEVICE = env("TRAINING_DEVICE", "auto")
TRAINING_MAX_UPLOAD_MB = env_int("TRAINING_MAX_UPLOAD_MB", 200)

# The only functions that a job may name.
JOBS_ALLOWED = frozenset(
    {
        "knowledge.tasks.ingest_version",
        "knowledge.tasks.unpack_archive",
        "knowledge.tasks.embed_version",
        "knowledge.tasks.explain_search",
        "knowledge.tasks.switch_encoder",
        "training.tasks.count_dataset",
        "training.tasks.execute_run",
        "training.tasks.make_dataset",
    }
)

# Queue -> what its worker calls every ten seconds to find rows that are stuck.
JOBS_RECONCILERS = {
    "ingestion": "knowledge.reconciling.reconcile",
    "training": "training.reconciling.reconcile",
}

# What counts the things that rest on a document, for the page that removes it for good.
KNOWLEDGE_DEPENDENTS = ["chat.dependents.of_document", "training.dependents.of_document"]
# The same for a collection with all its documents.
KNOWLEDGE_COLLECTION_DEPENDENTS = [
    "chat.dependents.of_collection",
    "training.dependents.of_collection",
]

# What tells an adapter's page which dataset it learned from, and what of that is gone.
CHAT_ADAPTER_LINEAGE = "training.lineage.of_adapter"

# What `verify_audit` checks besides the log itself: functions that yield faults.
AUDIT_VERIFIERS = ["chat.traces.verify_receipts"]

REFUSALS = refusals(
    debug=DEBUG,
    secret_key=SECRET_KEY,
    hosts=ALLOWED_HOSTS,
    redis_url=REDIS_URL,
    https_only=HTTPS_ONLY,
)
if REFUSALS:
    raise ImproperlyConfigured(" ".join(REFUSALS))

INSTALLED_APPS = [
    "phi3site",
    "phi3site.audit",
    "knowledge",
    "chat",
    "training",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "channels",
    "django_htmx",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "phi3site.security.SecurityHeadersMiddleware",
    "phi3site.api_errors.ApiErrorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "phi3site.urls"
ASGI_APPLICATION = "phi3site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "phi3site.context.site",
            ],
        },
    },
]

DATABASES = {"default": database(env("DATABASE_URL", "postgresql://127.0.0.1/phi3"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}

# No list of the API is longer than this, whatever a client asks for.
NINJA_PAGINATION_PER_PAGE, NINJA_PAGINATION_MAX_LIMIT = 50, 200

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "phi3site.static_files.StaticFilesStorage"},
}
# Uploads go to disk at once; the size limit is checked by the upload form and the API.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 200
FILE_UPLOAD_PERMISSIONS = 0o600

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS_ONLY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

UNFOLD = {
    "SITE_TITLE": "Administration",
    "SITE_HEADER": "Phi-3 expert",
    "SITE_URL": "/",
    # The accent of site.css, from light to dark.
    "COLORS": {
        "primary": {
            "50": "240 249 248",
            "100": "224 238 236",
            "200": "190 221 218",
            "300": "134 214 209",
            "400": "98 196 190",
            "500": "26 124 128",
            "600": "13 92 96",
            "700": "9 70 73",
            "800": "8 56 58",
            "900": "7 45 47",
            "950": "6 33 31",
        }
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "INFO")},
    # A line for each request to a model server says nothing.
    "loggers": {"httpx": {"level": "WARNING"}},
}
