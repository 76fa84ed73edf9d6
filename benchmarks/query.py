"""A whole cold process that asks what one picture is: one JSON line.

    python -m benchmarks.query --folder FOLDER [--model lite] [--turns 5]

In turn: `query photo` as it comes, the same with `--engine torch`, and a bare open_clip script that
loads the model, two sentences and the picture. `info` and `--help` are measured beside them. FOLDER
keeps the random ViT-B/32 (the model where none is named), the index and the caches.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.weights import random_vit

BARE = """
import sys, open_clip, torch
from PIL import Image
arch, file, photo = sys.argv[1:]
model, _, prepare = open_clip.create_model_and_transforms(arch, pretrained=file)
model.eval()
words = open_clip.get_tokenizer(arch)(["a medical image", "a photo"])
with torch.inference_mode():
    seen = model.encode_image(prepare(Image.open(photo)).unsqueeze(0), normalize=True)
    said = model.encode_text(words, normalize=True)
    print((100 * seen @ said.T).softmax(dim=-1))
"""


def main() -> None:
    """Make the index, run each command in turn, print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--photo", type=Path, help="default: a picture of scikit-image's")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    model = options.model or random_vit(options.folder)
    photo = options.photo or _photo()
    env = {
        **os.environ,
        "XDG_CACHE_HOME": str(options.folder / "cache"),
        "MEDICLIP_INDEX": str(options.folder / f"index-{model.partition(':')[0]}"),
    }
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled already
    ours = [sys.executable, "-m", "mediclip_index"]
    if not Path(env["MEDICLIP_INDEX"]).exists():
        subprocess.run([*ours, "build", "--model", model], env=env, check=True, capture_output=True)
    commands = {
        "query": [*ours, "query", "--json", str(photo)],
        "torch": [*ours, "query", "--json", "--engine", "torch", str(photo)],
        "info": [*ours, "info"],
        "help": [*ours, "--help"],
    }
    if Path(model.partition(":")[2]).is_file():
        bare = [*model.split(":", 1), str(photo)]
        commands["bare"] = [sys.executable, "-c", BARE, *bare]
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    processor: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.turns + 1):
        for name, command in commands.items():
            began, before = time.perf_counter(), os.times()
            subprocess.run(command, env=env, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - began)
            after = os.times()
            processor[name].append(
                after.children_user + after.children_system
                - before.children_user - before.children_system
            )  # fmt: skip
    # The first turn fills the page cache.
    found = {name: median(each[1:]) for name, each in seconds.items()}
    cpu = {name: median(each[1:]) for name, each in processor.items()}
    rivals = [name for name in ("torch", "bare") if name in found]
    print(
        json.dumps(
            {
                "model": model.partition(":")[0],
                "seconds": found,
                "processor_seconds": cpu,
                "times_faster": {name: found[name] / found["query"] for name in rivals},
                "times_less_processor": {name: cpu[name] / cpu["query"] for name in rivals},
            }
        )
    )


def _photo() -> Path:
    import skimage

    return Path(skimage.__file__).parent / "data" / "chelsea.png"


if __name__ == "__main__":
    main()
