"""DICOM files are asked of: what their headers say counts, is shown, and is replayed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, SecondaryCaptureImageStorage

from mediclip_index.cli.root import cli

Typed = Callable[..., Result]


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    def run(*words: object) -> Result:
        return CliRunner().invoke(cli, ["--index", str(tmp_path / "index"), *map(str, words)])

    return run


def photograph() -> np.ndarray:
    import skimage.data

    return np.asarray(skimage.data.astronaut())  # type: ignore[no-untyped-call]


def written(path: Path, pixels: np.ndarray, modality: str, *, captured: bool = False) -> Path:
    """A DICOM file of 8-bit pixels, grey (h, w) or RGB (h, w, 3)."""
    kind = UID(SecondaryCaptureImageStorage if captured else MRImageStorage)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, UID("1.2.3")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = kind, "1.2.3", modality
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    ds.BurnedInAnnotation = "YES"
    ds.PatientName = "Marked^Name"
    ds.PixelData = pixels.tobytes()
    ds.save_as(path, enforce_file_format=True)
    return path


def asked(typed: Typed, *words: object) -> list[dict[str, Any]]:
    done = typed("query", "--json", *words)
    assert done.exit_code == 0, done.output
    return list(json.loads(done.stdout)["verdicts"])


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """One murky grey picture under three headers, a photograph, and a scan of pydicom's."""
    folder = tmp_path / "files"
    folder.mkdir()
    murky = np.asarray(
        Image.fromarray(photograph()).convert("L").resize((24, 24)).resize((160, 160))
    )
    scan = Path(str(get_testdata_file("MR_small.dcm", download=False)))
    return {
        "mr": written(folder / "mr.dcm", murky, "MR"),
        "capture": written(folder / "capture.dcm", murky, "MR", captured=True),
        "other": written(folder / "other.dcm", murky, "OT"),
        "photo": written(folder / "photo.dcm", photograph(), "US", captured=True),
        "scan": scan,
    }


def test_a_header_counts_is_shown_and_is_replayed(typed: Typed, files: dict[str, Path]) -> None:
    typed("build", files["scan"])
    found = {name: asked(typed, path)[0] for name, path in files.items()}
    medical = {name: v["probabilities"]["medical"] for name, v in found.items()}
    assert medical["mr"] > medical["capture"] > medical["other"]
    assert medical["mr"] / (1 - medical["mr"]) == pytest.approx(
        99 * medical["other"] / (1 - medical["other"]), rel=1e-3
    )
    assert found["other"]["header"] is None
    assert found["mr"]["header"] == {"modality": "MR", "label": "medical", "odds": 99.0}
    assert "its DICOM header says MR, which is medical" in found["mr"]["why"]
    # A photograph is one, whatever the capture's header says.
    assert found["photo"]["label"] == "non_medical"
    assert found["scan"]["label"] == "medical"
    assert found["scan"]["group"]["name"].endswith("mri")
    replayed = json.loads(typed("audit", "replay", "--json").stdout)
    assert (replayed["replayed"], replayed["identical"]) == (len(files), len(files))


def test_what_is_indexed_is_judged_as_its_file_is(typed: Typed, files: dict[str, Path]) -> None:
    typed("build", files["mr"].parent)
    of_files = {v["path"]: v for v in asked(typed, files["mr"].parent)}
    of_index = {v["path"]: v for v in asked(typed, "--indexed")}
    assert of_files.keys() == of_index.keys()
    for path, verdict in of_index.items():
        assert verdict["header"] == of_files[path]["header"], path
        assert verdict["probabilities"] == pytest.approx(of_files[path]["probabilities"], abs=1e-4)


def test_an_evaluation_hears_the_header_as_a_query_does(
    typed: Typed, files: dict[str, Path], tmp_path: Path
) -> None:
    listed = tmp_path / "list.csv"
    folder = files["mr"].parent
    listed.write_text(
        "path,label,split\n"
        + "".join(f"{files[n]},medical,test\n" for n in ("mr", "capture", "other"))
        + f"{files['photo']},non_medical,test\n"
    )
    typed("build", listed)
    said = {Path(v["path"]).name: v for v in asked(typed, folder)}
    right = sum(
        said[files[n].name]["label"] == ("non_medical" if n == "photo" else "medical")
        for n in ("mr", "capture", "other", "photo")
    )
    report = json.loads(typed("evaluate", "--split", "test", "--json").stdout)
    assert report["n"] == 4
    assert report["methods"]["blend"]["accuracy"]["value"] == pytest.approx(right / 4)
    assert 0 < right < 4


def test_no_patient_is_kept(typed: Typed, files: dict[str, Path], tmp_path: Path) -> None:
    typed("build", files["mr"])
    asked(typed, files["mr"])
    for file in (tmp_path / "index").rglob("*"):
        assert not file.is_file() or b"Marked" not in file.read_bytes(), file


def test_headers_are_columns_unless_a_list_says_otherwise(
    typed: Typed, files: dict[str, Path], tmp_path: Path
) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text(f"path,modality\n{files['capture']},film\n{files['photo']},\n")
    typed("build", files["mr"].parent)
    typed("build", listed)

    def found(where: str) -> set[str]:
        done = typed("search", "--where", where, "--format", "paths")
        assert done.exit_code == 0, done.output
        return {Path(line).stem for line in done.stdout.split()}

    assert found("modality = 'MR' and burned_in = 'YES'") == {"mr"}
    assert found("modality = 'film'") == {"capture"}
    assert found("modality = 'US'") == {"photo"}
    assert found("body_part is null") == {"mr", "capture", "other", "photo"}
    done = typed("summary", "--by", "modality", "--json")
    assert {row["value"] for row in json.loads(done.stdout)["rows"]} == {"MR", "film", "OT", "US"}
    typed("export", tmp_path / "out")
    assert "burned_in" in (tmp_path / "out" / "library.csv").read_text().splitlines()[0]
