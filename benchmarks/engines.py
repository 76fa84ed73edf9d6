"""Do all engines say the same of real pictures? One JSON line.

    python -m benchmarks.engines --data FOLDER [--model lite] [--precisions fp32,bf16,int8]

The words' verdict (the bundled prompt set's likeliest class) on the test split of FOLDER/dev.csv by
torch fp32, and by OpenVINO in each precision: the share of equal labels, and the cosines.
"""

from __future__ import annotations

import csv
import json

from benchmarks.command_line import parser_of
from mediclip_index import prompts
from mediclip_index.reading.pool import Readers, ReadSpec, entry_of
from mediclip_index.session.session import load_encoder
from mediclip_index.types import Encoder, ModelOptions, Vectors
from mediclip_index.verdict import prompt_embeddings, zero_shot


def main() -> None:
    """Encode the split by each engine and compare."""
    parser = parser_of(__doc__)
    parser.add_argument("--model", default="lite")
    parser.add_argument("--precisions", default="fp32,bf16")
    parser.add_argument("--images", type=int, help="only so many, spread over the split")
    options = parser.parse_args()
    with (options.data / "dev.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    rows = rows[:: max(1, len(rows) // (options.images or len(rows)))]
    reference = load_encoder(
        options.model, ModelOptions(device="cpu", engine="torch", precision="fp32")
    )
    with Readers() as readers:
        entries = [entry_of(str(options.data / row["path"])) for row in rows]
        found_files = readers.ahead(entries, ReadSpec(reference))
        pictures = [picture for file in found_files for picture in file.pictures]
    chosen = prompts.load_bundled("medical")
    words = prompt_embeddings(chosen, reference.encode_texts(chosen.sentences), chosen.pooling)

    def labels(encoder: Encoder, vectors: Vectors) -> list[int]:
        said = zero_shot(vectors, words, encoder.logit_scale).classes
        return [int(best) for best in said.argmax(axis=1)]

    expected = reference.encode_pictures(pictures)
    right = labels(reference, expected)
    report: dict[str, object] = {"model": reference.name, "pictures": len(pictures)}
    for precision in options.precisions.split(","):
        encoder = load_encoder(
            options.model, ModelOptions(device="cpu", engine="openvino", precision=precision)
        )
        found = encoder.encode_pictures(pictures)
        cosines = (found * expected).sum(axis=1)
        same = sum(a == b for a, b in zip(labels(encoder, found), right, strict=True))
        report[precision] = {
            "same_label": same / len(right),
            "least_cosine": float(cosines.min()),
            "mean_cosine": float(cosines.mean()),
        }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
