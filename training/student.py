"""The text tower: a small CLIP transformer that learns to say what the teacher says."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch.nn import functional

from training.model import CONTEXT, TEXT_DIM, new_model
from training.space import Space, unit
from training.teacher import teach

Floats = npt.NDArray[np.float32]
Tokens = npt.NDArray[np.int32]
BATCH = 512
PEAK_RATE = 1.5e-3
SAVE_EVERY = 200
NAMED_AGAIN = 4


class TextTower(torch.nn.Module):
    """The text half of the open_clip model, running on sequences as short as the batch allows.

    Attention is causal and the end token is read, so padding never matters and needs no computing.
    """

    def __init__(self, clip: Any) -> None:
        super().__init__()
        self.token_embedding: torch.nn.Embedding = clip.token_embedding
        self.transformer: torch.nn.Module = clip.transformer
        self.ln_final: torch.nn.LayerNorm = clip.ln_final
        self.positional_embedding: torch.nn.Parameter = clip.positional_embedding
        self.text_projection: torch.nn.Parameter = clip.text_projection
        self.mask: torch.Tensor
        self.text_dim = TEXT_DIM
        self.register_buffer("mask", clip.attn_mask, persistent=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        length = int(tokens.argmax(-1).max()) + 1
        tokens = tokens[:, :length]
        x = self.token_embedding(tokens) + self.positional_embedding[:length]
        x = self.transformer(x, attn_mask=self.mask[:length, :length])
        x = self.ln_final(x[torch.arange(len(x)), tokens.argmax(-1)])
        found: torch.Tensor = x @ self.text_projection[:, :TEXT_DIM]
        return found


def kept_tower(weights: Path) -> TextTower:
    """The text tower of a model that was made before, whatever its image tower."""
    clip = new_model()
    words = {n: t for n, t in load_file(weights).items() if not n.startswith("visual.")}
    lacking = clip.load_state_dict(words, strict=False).missing_keys
    if any(not name.startswith("visual.") for name in lacking):
        raise ValueError(f"{weights} has a text tower of another shape")
    return TextTower(clip).eval()


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    from open_clip import SimpleTokenizer

    return SimpleTokenizer(context_length=CONTEXT)


def tokenise(sentences: list[str]) -> Tokens:
    """open_clip's own tokens, (n, CONTEXT)."""
    tokenizer = _tokenizer()
    return np.concatenate(
        [
            tokenizer(sentences[start : start + 4096]).numpy().astype(np.int32)
            for start in range(0, len(sentences), 4096)
        ]
    )


def embed(tower: TextTower, sentences: list[str]) -> Floats:
    """Unit vectors (n, TEXT_DIM) of sentences."""
    tower.eval()
    tokens = torch.from_numpy(tokenise(sentences)).long()
    order = np.argsort(tokens.argmax(-1).numpy(), kind="stable")
    found = np.empty((len(sentences), TEXT_DIM), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            found[rows] = tower(tokens[rows]).numpy()
    return unit(found)


def token_words() -> list[str]:
    """The text of each of the tokenizer's 49,408 tokens."""
    decoder = _tokenizer().decoder
    words = [decoder[n] for n in range(len(decoder))]
    return [re.sub(r"</w>$", "", word) or " " for word in words]


def learn(
    sentences: list[str],
    near: int,
    named: list[int],
    targets: Floats,
    space: Space,
    write: Path,
    steps: int,
    seed: int = 0,
) -> TextTower:
    """Train the tower on (sentence, target unit vector) pairs; goes on from its last checkpoint.

    The first `near` sentences, which speak of pictures, come twice in a round, and those at the
    places `named`, whose looks must be learned by heart, six times.
    """
    torch.manual_seed(seed)
    clip = new_model()
    tower = TextTower(clip)
    tower.token_embedding.sparse = True  # only the rows that a batch uses are touched
    _plant(tower, space(teach(token_words(), write)))
    tokens = torch.from_numpy(tokenise(sentences))
    lengths = tokens.argmax(-1).numpy()
    goals = torch.from_numpy(targets)
    dense = [p for n, p in tower.named_parameters() if not n.startswith("token_embedding")]
    optimizers = [
        torch.optim.AdamW(dense, lr=PEAK_RATE, weight_decay=0.02, betas=(0.9, 0.98)),
        torch.optim.SparseAdam(tower.token_embedding.parameters(), lr=PEAK_RATE, betas=(0.9, 0.98)),
    ]
    file = write / "student.pt"
    first = _resume(file, tower, optimizers, steps)
    tower.train()
    running = 0.0
    for step, rows in enumerate(_batches(lengths, near, named, steps, seed)):
        if step < first:
            continue
        rate = PEAK_RATE * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = tower(tokens[rows].long())
        loss = _loss(functional.normalize(found.float(), dim=-1), goals[rows])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(dense, 1.0)
        for optimizer in optimizers:
            optimizer.step()
        running = 0.98 * running + 0.02 * loss.item() if step > first else loss.item()
        if (step + 1) % 50 == 0:
            print(f"student: step {step + 1} of {steps}, loss {running:.4f}", flush=True)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            _save(file, tower, optimizers, step + 1, steps)
    tower.token_embedding.sparse = False
    return tower.eval()


def _loss(found: torch.Tensor, goals: torch.Tensor) -> torch.Tensor:
    """Close to its own target (cosine), and closer to it than to the others of the batch."""
    cosines = found @ goals.T
    near = 1 - cosines.diagonal().mean()
    alike = goals @ goals.T
    # Repetitions and paraphrases in one batch are no rivals: the teacher's own likeness is the aim.
    wanted = functional.softmax(alike * 20, dim=-1)
    apart = functional.kl_div(
        functional.log_softmax(cosines * 20, -1), wanted, reduction="batchmean"
    )
    return near + 0.25 * apart


def _plant(tower: TextTower, vectors: Floats) -> None:
    """Start each token at its teacher's vector: rare words mean something before they are seen."""
    with torch.no_grad():
        tower.token_embedding.weight.copy_(torch.from_numpy(vectors * 0.4))
        tower.positional_embedding.normal_(std=0.005)


def _batches(
    lengths: npt.NDArray[np.int64], near: int, named: list[int], steps: int, seed: int
) -> list[npt.NDArray[np.int64]]:
    """Batches of sentences of about one length, in random order, round after round."""
    dice = np.random.default_rng(seed)
    batches: list[npt.NDArray[np.int64]] = []
    while len(batches) < steps:
        often = np.tile(np.array(named, dtype=np.int64), NAMED_AGAIN)
        pool = np.concatenate([np.arange(len(lengths)), np.arange(near), often])
        order = pool[np.argsort(lengths[pool] + dice.uniform(0, 1.5, len(pool)), kind="stable")]
        cut = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        batches += [cut[n] for n in dice.permutation(len(cut)) if len(cut[n]) == BATCH]
    return batches[:steps]


def _save(
    file: Path, tower: TextTower, optimizers: list[torch.optim.Optimizer], step: int, steps: int
) -> None:
    state = {
        "tower": tower.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "step": step,
        "steps": steps,
    }
    part = file.with_suffix(".part")
    torch.save(state, part)
    part.replace(file)


def _resume(
    file: Path, tower: TextTower, optimizers: list[torch.optim.Optimizer], steps: int
) -> int:
    if not file.exists():
        return 0
    state = torch.load(file, weights_only=True)
    if state["steps"] != steps:
        raise ValueError(f"{file} belongs to a run of {state['steps']} steps: remove it")
    tower.load_state_dict(state["tower"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return int(state["step"])
