"""Every figure that a model is held to, for any model name: one JSON object.

    python -m benchmarks.quality --data FOLDER [--model lite] [--keep INDEX] [--speed]

Builds an index of FOLDER/dev.csv and FOLDER/extra.csv (kept with --keep, so that a second run is
quick) and asks it with the settings that ship, untuned. Accuracies carry Wilson's 95 % interval,
means over sources or queries a bootstrap's. `sources_left_out` judges each image with the support
of the other sources only; a model whose own training saw these sources (`lite` did) is flattered
by it: for honest figures see `training/judge.py`, which fits everything anew without each
fold, and `unseen.py` beside this file.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.command_line import parser_of
from mediclip_index import Index
from mediclip_index.types import EvaluationReport, Proportion
from training.judge_groups import FURTHER_QUERIES, rightly_named

SECOND = Path(__file__).parents[1] / "tests" / "prompts" / "second_words.toml"
IMAGENET = "EliSchwartz/imagenet-sample-images"
LEAST = 10  # pictures of a category that text search is asked for
# What a person would type for a category of the lists.
QUERIES = {
    "blood_smear": "a blood smear", "chest_xray": "a chest X-ray", "ct": "a CT scan",
    "dermatology": "a skin lesion", "endoscopy": "an endoscopy image",
    "fundus": "a retinal fundus photograph", "histopathology": "a histopathology slide",
    "mammography": "a mammogram", "mri": "an MRI scan", "ultrasound": "an ultrasound image",
    "wound_photo": "a wound", "animal": "an animal", "building": "a building", "chart": "a chart",
    "document": "a scanned receipt", "drawing": "a cartoon character", "food": "food",
    "greyscale_photo": "a black and white photograph", "industrial_el": "a solar cell",
    "industrial_surface": "a metal surface with a defect", "object": "an object",
    "person": "a person's face", "room": "a room", "texture": "a road surface with a crack",
    "thermal": "a thermal image", "vehicle": "a vehicle",
}  # fmt: skip


def main() -> None:
    """Parse the command line, build, judge, print."""
    parser = parser_of(__doc__)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--keep", type=Path, help="where the index is kept")
    parser.add_argument("--speed", action="store_true", help="also images/s beside ViT-B/32")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch) / "index"
        made = Index.exists(folder)
        index = Index.open(folder) if made else Index.create(folder, model=options.model)
        index.build([str(options.data / "dev.csv")])
        found = figures(index)
        index.build([str(options.data / "extra.csv")])
        found["sources_left_out"] = left_out(index)
        if options.speed:
            found["speed"] = speed(index.info().index.model, options.data)
    print(json.dumps(found, indent=2))


def figures(index: Index) -> dict[str, Any]:
    """All but the left-out sources; the index holds dev.csv alone, so its train split votes."""
    ours = index.evaluate(split="test")
    second = index.evaluate(split="test", prompts=str(SECOND))
    theirs = index.evaluate(split="test", prompts="mediclip")
    return {
        "model": index.info().index.model,
        "settings": index.info().settings.number,
        "zero_shot": _method(ours, "zero_shot"),
        "neighbours": _method(ours, "neighbours"),
        "blend": _method(ours, "blend"),
        "second_prompt_set": _method(second, "zero_shot"),
        "mediclip_words_and_pooling": _method(theirs, "zero_shot"),
        "modality_named_right": modality(index),
        "text_search_precision_at_10": search(
            index, {category: (sentence,) for category, sentence in QUERIES.items()}
        ),
        "text_search_in_other_words": search(index, FURTHER_QUERIES),
        "imagenet_top_5": imagenet(index),
    }


def modality(index: Index) -> dict[str, Any]:
    """Of the medical pictures, how many the best of all groups names rightly, by words alone."""
    where = "split = 'test' and label = 'medical'"
    wanted = {r.path: r.metadata["category"] for r in index.search(where=where, k=10_000).results}
    verdicts = index.query_indexed(where=where, alpha=0.0, audit=False).verdicts
    right = [v.label == "medical" and rightly_named(wanted[v.path], v.group.name) for v in verdicts]
    return _proportion(right)


def search(index: Index, queries: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Precision at 10 of the sentences of each category that has at least `LEAST` pictures."""
    rows = index.search(where="split = 'test'", k=10_000).results
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row.metadata["category"]] = sizes.get(row.metadata["category"], 0) + 1
    found = {}
    for category, sentences in queries.items():
        for sentence in sentences if sizes.get(category, 0) >= LEAST else ():
            hits = index.search([sentence], where="split = 'test'", k=10).results
            found[sentence] = sum(h.metadata["category"] == category for h in hits) / 10
    return {**_mean(list(found.values())), "by_query": found}


def imagenet(index: Index) -> dict[str, Any]:
    """Top-5 among the 1,000 class names, by words alone, on ImageNet pictures outside train."""
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    lemmas = [
        [name.strip() for name in info.index_to_description(n).split(",")]
        for n in range(len(IMAGENET_CLASSNAMES))
    ]
    number = {
        name.lower(): n
        for n, names in reversed(list(enumerate(lemmas)))
        for name in [IMAGENET_CLASSNAMES[n], *names]
    }
    where = f"source = '{IMAGENET}' and split <> 'train'"
    rows = index.search(where=where, k=10_000).results
    names = index.encode_texts([f"a photo of a {group[0]}" for group in lemmas])
    vectors = index.vectors([row.id for row in rows])
    best = np.argsort(-(vectors @ names.T), axis=1)[:, :5]
    truth = [number.get(str(row.metadata["fine"]).lower()) for row in rows]
    return _proportion([n in top for n, top in zip(truth, best, strict=True)])


def left_out(index: Index) -> dict[str, Any]:
    """Each image judged with the support of other sources; the mean over sources."""
    report = index.evaluate(split="all", leave_out=["source"])
    parts = report.by["source"]
    means = {
        name: _mean([getattr(part, name).value for part in parts.values()])
        for name in ("zero_shot", "neighbours", "blend")
    }
    return {**means, "by_source": {name: part.blend.value for name, part in parts.items()}}


def speed(model: str, data: Path) -> dict[str, Any]:
    """Images/s beside a random ViT-B/32 on the same engine, in turn; the ratio is what counts.

    On torch the model has its pictures still to resize, the rival does not. `openvino` (where it is
    installed) runs the two image towers alone, both at full precision.
    """
    import open_clip
    import torch

    from mediclip_index import reading
    from mediclip_index.encoding import load_encoder
    from mediclip_index.types import Picture

    files = sorted((data / "dev").rglob("*.jpg"))[:64]
    pixels = [np.asarray(Image.open(f).convert("RGB").resize((224, 224))) for f in files]
    pictures = [Picture(p, 224, 224, "JPEG") for p in pixels]
    encoder: Any = load_encoder(model, recipe=reading.RECIPE)
    rival = open_clip.create_model("ViT-B-32-quickgelu", load_weights=False).train(False)
    batch = torch.zeros(32, 3, 224, 224)

    def theirs() -> None:
        with torch.inference_mode():
            for _ in range(len(pictures) // 32):
                rival.encode_image(batch)

    found = {"torch": _in_turn(lambda: encoder.encode_pictures(pictures), theirs, len(pictures))}
    if importlib.util.find_spec("openvino"):
        side = encoder.image_size
        our_tower = _on_openvino(encoder.model.visual, side)
        their_tower = _on_openvino(rival.visual, 224)
        ours_in, theirs_in = np.zeros((32, 3, side, side), np.float32), batch.numpy()
        found["openvino"] = _in_turn(lambda: our_tower(ours_in), lambda: their_tower(theirs_in), 32)
    return found


def _on_openvino(tower: Any, side: int) -> Callable[[Any], object]:
    import openvino as ov
    import torch
    from openvino.tools.ovc import convert_model  # the product imports openvino without it

    tower = tower.float().to(memory_format=torch.contiguous_format)
    with torch.inference_mode():
        graph = convert_model(tower, example_input=torch.zeros(32, 3, side, side))
    # Pinned threads of two processes would share one core.
    options = {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
    compiled: Callable[[Any], object] = ov.Core().compile_model(graph, "CPU", options)
    return compiled


def _in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], pictures: int
) -> dict[str, float]:
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(6):
        for name, run in (("ours", ours), ("theirs", theirs)):
            seconds[name].append(_timed(run))
    # The first turn warms up.
    rates = {name: pictures / float(np.median(each[1:])) for name, each in seconds.items()}
    return {**rates, "ratio": rates["ours"] / rates["theirs"]}


def _timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _method(report: EvaluationReport, name: str) -> dict[str, Any]:
    method = report.methods[name]
    return {
        **_share(method.accuracy),
        "n": report.n,
        "per_class": {
            label: {"precision": f.precision, "recall": f.recall}
            for label, f in method.per_class.items()
        },
        "ece": method.ece,
    }


def _share(share: Proportion) -> dict[str, float]:
    return {"value": share.value, "low": share.low, "high": share.high}


def _proportion(right: Sequence[bool]) -> dict[str, Any]:
    from scipy.stats import binomtest

    found = binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    return {
        "value": sum(right) / len(right),
        "low": float(found.low),
        "high": float(found.high),
        "n": len(right),
    }


def _mean(values: Sequence[float]) -> dict[str, Any]:
    dice = np.random.default_rng(0)
    drawn = dice.choice(np.array(values), (5_000, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "value": float(np.mean(values)), "low": float(low), "high": float(high), "n": len(values)
    }  # fmt: skip


if __name__ == "__main__":
    main()
