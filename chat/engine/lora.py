"""LoRA adapters beside each other: read with suspicion, kept in one bank, applied per token.

All adapters lie side by side in one pair of matrices per projection, so a mixed batch costs two
small products more, whatever mixture it is. Knows folders, tensors and numbers; no request ids.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from chat.engine import EngineError
from chat.fingerprints import ADAPTER_FILES, changed_files, read_manifest
from chat.lora_config import PICKLES, TARGETS, NotServable, rank_and_scale


@dataclass(frozen=True)
class AdapterWeights:
    """One adapter in memory: by projection, A as [rank, in] and B, scaled, as [rank, out]."""

    rank: int
    pairs: Mapping[str, tuple[torch.Tensor, torch.Tensor]]


def find_projections(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """The Linear layers that adapters change, by their name in the model."""
    return {n: m for n, m in model.named_modules() if n.rpartition(".")[2] in TARGETS}


def read_adapter(
    folder: Path, *, base: str, shapes: Mapping[str, tuple[int, int]], max_rank: int
) -> AdapterWeights:
    """Reads a PEFT folder for the model with this base fingerprint and these (in, out) shapes.

    Raises EngineError `adapter_refused` for whatever would answer wrongly without saying so.
    """
    try:
        _check_files(folder, base)
        config = json.loads((folder / ADAPTER_FILES[0]).read_text(encoding="utf-8"))
        rank, scale = rank_and_scale(config)
        if rank > max_rank:
            raise _Refused(f"its rank {rank} is above this engine's limit of {max_rank}")
        tensors = load_file(folder / ADAPTER_FILES[1])
        return AdapterWeights(rank, dict(_pairs(tensors, shapes, rank, scale)))
    except _Refused as refused:
        reason = str(refused)
    except NotServable as error:
        reason = str(error)
    except (OSError, ValueError, TypeError, AttributeError, SafetensorError) as error:
        reason = f"it is not readable ({error})"
    raise EngineError("adapter_refused", f"The adapter {folder.name} can't be used: {reason}.")


class _Refused(Exception):
    """The reason why an adapter is not served, as half a sentence."""


def _check_files(folder: Path, base: str) -> None:
    if not folder.is_dir():
        raise _Refused("its folder is missing")
    if pickles := sorted(p.name for p in folder.iterdir() if p.suffix.lower() in PICKLES):
        raise _Refused(f"it holds pickles, which can run code: {', '.join(pickles)}")
    if missing := [name for name in ADAPTER_FILES if not (folder / name).is_file()]:
        raise _Refused(f"{' and '.join(missing)} missing")
    manifest = read_manifest(folder)
    if (wanted := manifest.get("base")) and wanted != base:
        raise _Refused(f"it was trained for another base model ({wanted}, this one is {base})")
    if changed := changed_files(folder, manifest):
        raise _Refused(f"changed since it was sealed: {', '.join(changed)}")


def _pairs(
    tensors: dict[str, torch.Tensor],
    shapes: Mapping[str, tuple[int, int]],
    rank: int,
    scale: float,
) -> Iterator[tuple[str, tuple[torch.Tensor, torch.Tensor]]]:
    names = {f"base_model.model.{name}.lora_{x}.weight" for name in shapes for x in "AB"}
    if foreign := sorted(tensors.keys() - names):
        raise _Refused(f"it changes what Phi-3 hasn't got, such as {foreign[0]}")
    if missing := sorted(names - tensors.keys()):
        covered = f"{len(tensors) // 2} of {len(shapes)} projections"
        raise _Refused(f"it covers {covered}; missing for instance {missing[0]}")
    for name, (wide, out) in shapes.items():
        a, b = (tensors[f"base_model.model.{name}.lora_{x}.weight"] for x in "AB")
        if a.shape != (rank, wide) or b.shape != (out, rank):
            raise _Refused(f"the shape of {name} does not fit the base model")
        if not (a.isfinite().all() and b.isfinite().all()):  # would reach every row of a batch
            raise _Refused(f"{name} holds numbers that are not finite")
        yield name, (a, b.float().T * scale)


class LoraBank:
    """The adapters in memory, and the hooks that add to each token what its adapter says."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._projections = find_projections(model)
        self._adapters: dict[int, AdapterWeights] = {}
        self._spans: dict[int, tuple[int, int]] = {}
        self._matrices: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        self._columns = slice(0, 0)
        self._foreign = torch.empty(0)
        self._hooks = [
            module.register_forward_hook(self._hook(name))
            for name, module in self._projections.items()
        ]

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """(in, out) of every projection."""
        return {n: (m.in_features, m.out_features) for n, m in self._projections.items()}

    def put(self, uid: int, adapter: AdapterWeights) -> None:
        """Adds an adapter; not while a forward pass runs."""
        self._lay_out({**self._adapters, uid: adapter})

    def drop(self, uid: int) -> None:
        """Forgets an adapter; not while a forward pass runs."""
        self._lay_out({key: a for key, a in self._adapters.items() if key != uid})

    def route(self, uids: Sequence[int], lengths: Sequence[int]) -> None:
        """Says whose tokens the next forward pass holds: request i has `lengths[i]` of them.

        An unknown uid counts as the base model: its request was cancelled and nobody reads it.
        """
        spans = [self._spans.get(uid, (0, 0)) for uid in uids]
        used = [span for span in spans if span[1]]
        self._columns = slice(min(s for s, _ in used), max(e for _, e in used)) if used else _NONE
        if not used:
            return
        device = next(iter(self._matrices.values()))[0].device
        columns = torch.arange(self._columns.start, self._columns.stop)[None, :]
        starts, ends = torch.tensor(spans).repeat_interleave(torch.tensor(lengths), 0).T[:, :, None]
        self._foreign = ((columns < starts) | (columns >= ends)).to(device)

    def close(self) -> None:
        """Takes the hooks off the model."""
        for hook in self._hooks:
            hook.remove()

    def _lay_out(self, adapters: dict[int, AdapterWeights]) -> None:
        """Builds everything beside what is served, then switches: a failure changes nothing."""
        matrices, spans, end = {}, {}, 0
        for uid, adapter in adapters.items():
            spans[uid] = (end, end := end + adapter.rank)
        for name, module in self._projections.items() if adapters else ():
            like = {"device": module.weight.device, "dtype": _compute_dtype(module)}
            parts = zip(*(adapter.pairs[name] for adapter in adapters.values()), strict=True)
            a, b = (torch.cat([weight.to(**like) for weight in part]) for part in parts)
            matrices[name] = (a, b)
        self._adapters, self._spans, self._matrices = adapters, spans, matrices
        self._columns = _NONE

    def _hook(self, name: str) -> Any:
        def add(module: torch.nn.Module, args: tuple[torch.Tensor], out: torch.Tensor) -> Any:
            if self._columns.stop == 0:
                return out
            a, b = self._matrices[name]
            inner = args[0].reshape(-1, a.shape[1]) @ a[self._columns].T
            # Not "times the mask": an overflow in a foreign column must not become NaN.
            inner.masked_fill_(self._foreign, 0)
            out.view(-1, b.shape[1]).addmm_(inner, b[self._columns])
            return out

        return add


_NONE = slice(0, 0)


def _compute_dtype(module: torch.nn.Module) -> torch.dtype:
    """Quantised layers hold bytes but compute in a float type of their own."""
    compute = getattr(module, "compute_dtype", None)
    return compute or module.weight.dtype
