"""Labelled vectors of training pictures that ship beside a model's weights, without the pictures.

    python -m training.references --data FOLDER --model lite-4 --out FILE [--count 3000]

They let a new index vote before anything in it is labelled. The file's sha256, which is printed,
belongs into the model's card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
COUNT = 3000  # that ship


def cover(vectors: Floats, kinds: Sequence[str], sources: Sequence[str], count: int) -> Places:
    """Places, in order, of at most `count` of the unit vectors (n, dim) that stand for all.

    Each group of one kind and one source gets a share by the root of its size, at least one; inside
    a group the picture nearest to its mean is taken first, then always the one farthest from those
    that are taken (greedy k-centre, Gonzalez 1985).
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for place, group in enumerate(zip(kinds, sources, strict=True)):
        groups.setdefault(group, []).append(place)
    members = [np.array(groups[group]) for group in sorted(groups)]
    quotas = _quotas(np.array([len(m) for m in members]), count)
    taken = [m[_spread(vectors[m], quota)] for m, quota in zip(members, quotas, strict=True)]
    return np.sort(np.concatenate(taken)) if taken else np.zeros(0, dtype=np.int64)


def _quotas(sizes: Places, count: int) -> Places:
    """How many of each group are taken: in proportion to the root of its size, none more than it
    has; what small groups leave goes to the others."""
    quotas = np.zeros(len(sizes), dtype=np.int64)
    if len(sizes) <= count:
        quotas[:] = 1
    for _ in range(min(count, int(sizes.sum())) - int(quotas.sum())):
        owed = np.where(quotas < sizes, np.sqrt(sizes) / (quotas + 0.5), -1.0)
        quotas[int(owed.argmax())] += 1
    return quotas


def _spread(vectors: Floats, count: int) -> Places:
    """Places of `count` of the vectors (n, dim), each as far as can be from those before it."""
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    taken = [int((vectors @ vectors.mean(axis=0)).argmax())]
    nearest = vectors @ vectors[taken[0]]
    while len(taken) < count:
        nearest[taken] = np.inf
        taken.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, vectors @ vectors[taken[-1]])
    return np.array(taken)


def write_references(
    vectors: Floats,
    kinds: Sequence[str],
    sources: Sequence[str],
    kind_classes: Mapping[str, str],
    file: Path,
) -> str:
    """Write unit vectors (n, dim) with what they are of; returns the file's sha256.

    A row is kept as int8, scaled by its own greatest number: its direction is all that counts.
    """
    names, places = sorted(set(kinds)), sorted(set(sources))
    scaled = vectors / np.abs(vectors).max(axis=1, keepdims=True)
    tensors = {
        "vectors": np.rint(127 * scaled).astype(np.int8),
        "kind": np.array([names.index(k) for k in kinds], dtype=np.uint16),
        "source": np.array([places.index(s) for s in sources], dtype=np.uint16),
    }
    about = {
        "kinds": json.dumps(names),
        "sources": json.dumps(places),
        "classes": json.dumps({name: kind_classes[name] for name in names}, sort_keys=True),
    }
    save_file(tensors, file, metadata=about)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> None:
    """Embed the pictures that may be handed on, and write those that cover them."""
    from mediclip_index import reading
    from mediclip_index.session.session import load_encoder
    from training.bench_rows import read_rows

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--most", type=int, default=10**9, help="Pictures embedded at most.")
    options = parser.parse_args()
    rows = [row for row in read_rows(options.data) if row.learned]
    some = np.random.default_rng(0).permutation(len(rows))[: options.most]
    encoder = load_encoder(options.model)
    vectors, kept = [], []
    for row in (rows[n] for n in sorted(some.tolist())):
        pictures = reading.read_file(str(row.path), size=encoder.image_size)[1].pictures
        if pictures:
            vectors.append(encoder.encode_pictures(pictures[:1])[0])
            kept.append(row)
    chosen = cover(
        np.stack(vectors), [r.category for r in kept], [r.source for r in kept], options.count
    )
    rows = [kept[n] for n in chosen]
    sha = write_references(
        np.stack(vectors)[chosen],
        [r.category for r in rows],
        [r.source for r in rows],
        {r.category: r.label for r in rows},
        options.out,
    )
    print(f"{len(rows)} of {len(kept)} pictures in {options.out}, sha256 {sha}")


if __name__ == "__main__":
    main()
