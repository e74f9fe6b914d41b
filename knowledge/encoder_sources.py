"""Whether an encoder that a person names can be there at all, asked before a switch begins.

What only its model can tell is found out by a worker. Loads no model library.
"""

from pathlib import Path
from urllib.parse import urldefrag

import httpx
from django.conf import settings

from knowledge.errors import EncoderRefused, EncoderUnavailable, KnowledgeError

SECONDS = 5.0
# Statuses of a server that is there and busy.
BUSY = {408, 409, 425, 429}
# A hub id is one name, or an owner and a name.
SLASHES_IN_HUB_ID = 1


def check_source(source: str) -> None:
    """Raises KnowledgeError for a folder that isn't there, or a server that doesn't answer."""
    if source.startswith(("http://", "https://")):
        _check_server(source)
    elif Path(source).is_dir():
        if not any(Path(source).glob("*.safetensors")):
            raise EncoderRefused("This folder holds no model.safetensors.")
    elif _is_path(source):
        raise EncoderRefused(
            f"There is no folder {source}. Name one that the workers of this site can read."
        )


def _is_path(source: str) -> bool:
    """Whether it can't be a hub id."""
    is_rooted = source.startswith(("/", ".", "~"))
    return is_rooted or source.count("/") > SLASHES_IN_HUB_ID or "\\" in source


def key_of(url: str) -> str:
    """The server's key. Raises EncoderRefused for a server that the operator has not allowed."""
    for entry in settings.KNOWLEDGE_ENCODER_SERVERS:
        allowed, _, key = entry.partition(" ")
        if allowed.rstrip("/") == url.rstrip("/"):
            return key.strip()
    raise EncoderRefused(
        f"The server {url} is not allowed. Whoever runs this site adds it to "
        "KNOWLEDGE_ENCODER_SERVERS."
    )


def _check_server(source: str) -> None:
    """One short text is encoded; a busy server is taken for one that will answer."""
    url, model = urldefrag(source)
    if not model:
        raise EncoderRefused(f"Write the model behind the address: {url}#model-name")
    key = key_of(url)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"model": model, "input": ["pump"], "encoding_format": "float"}
    address = f"{url.rstrip('/')}/embeddings"
    try:
        status = httpx.post(address, json=body, headers=headers, timeout=SECONDS).status_code
    except httpx.TimeoutException:
        # It is there; a model that is being loaded takes its time.
        return
    except httpx.HTTPError as error:
        raise _no_answer(url, type(error).__name__) from error
    if status >= 400 and status not in BUSY:
        raise _no_answer(f"{url} (model {model})", str(status))


def _no_answer(who: str, what: str) -> KnowledgeError:
    return EncoderUnavailable(
        f"The server {who} encodes nothing now: {what}. Look after it, then begin the switch."
    )
