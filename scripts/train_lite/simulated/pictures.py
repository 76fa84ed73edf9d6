"""Every kind of simulated picture: who draws it, whether it is medical, and its category."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench_rows import SIMULATED, Row
from PIL import Image

from simulated import (
    bodies,
    electrons,
    lookalikes,
    microscopes,
    mouths,
    pages,
    plates,
    printed,
    projections,
    relief,
    scans,
    skins,
    sonograms,
    surfaces,
    traces,
)
from simulated.fields import Dice, Pixels


@dataclass(frozen=True)
class Kind:
    """One kind: `draw` takes the dice of one picture."""

    draw: Callable[[Dice], Pixels]
    category: str
    medical: bool = True
    fine: str = ""

    @property
    def name(self) -> str:
        return self.draw.__name__


KINDS = (
    Kind(sonograms.linear_ultrasound, "ultrasound"),
    Kind(sonograms.neck_ultrasound, "ultrasound"),
    Kind(sonograms.sector_ultrasound, "ultrasound"),
    Kind(sonograms.womb_ultrasound, "ultrasound"),
    Kind(sonograms.heart_ultrasound, "ultrasound"),
    Kind(scans.spine_mri, "mri"),
    Kind(scans.head_mri, "mri"),
    Kind(scans.body_ct, "ct"),
    Kind(projections.nuclear, "nuclear_medicine"),
    Kind(projections.angiogram, "angiography"),
    Kind(projections.fluoroscopy, "fluoroscopy"),
    Kind(projections.limb_xray, "bone_xray"),
    Kind(projections.joint_xray, "bone_xray"),
    Kind(mouths.jaw_xray, "dental_xray"),
    Kind(scans.oct_retina, "oct", fine="cross section"),
    Kind(skins.rash, "dermatology"),
    Kind(skins.wound, "wound_photo"),
    Kind(mouths.mouth, "oral_photo"),
    Kind(bodies.dermoscopy, "dermatology"),
    Kind(bodies.fundus, "fundus"),
    Kind(bodies.topography, "eye_map"),
    Kind(bodies.endoscopy, "endoscopy"),
    Kind(microscopes.tissue, "histopathology"),
    Kind(microscopes.slide, "histopathology"),
    Kind(microscopes.cytology, "cytology"),
    Kind(microscopes.blood, "blood_smear"),
    Kind(microscopes.fluorescence, "fluorescence"),
    Kind(microscopes.cultured, "cultured_cells"),
    Kind(microscopes.bacteria, "bacteria"),
    Kind(microscopes.agar_plate, "agar_plate"),
    Kind(microscopes.chromosomes, "chromosomes"),
    Kind(microscopes.lab_test, "lab_test"),
    Kind(traces.ecg, "ecg"),
    Kind(traces.eeg, "eeg"),
    Kind(skins.bare_skin, "person", False),
    Kind(skins.hands, "person", False),
    Kind(skins.tattoo, "skin_tattoo", False),
    Kind(traces.line_chart, "chart", False),
    Kind(traces.heat_chart, "chart", False),
    Kind(lookalikes.sonar, "sonar", False),
    Kind(lookalikes.radar, "radar", False),
    Kind(lookalikes.seismic, "seismic", False),
    Kind(lookalikes.thermal, "thermal", False),
    Kind(relief.baggage, "baggage_xray", False),
    Kind(lookalikes.weld, "industrial_radiograph", False),
    Kind(electrons.micrograph, "electron_microscopy", False),
    Kind(plates.plate, "industrial_surface", False),
    Kind(lookalikes.grains, "metallography", False),
    Kind(lookalikes.blots, "gel_blot", False),
    Kind(surfaces.wood, "texture", False),
    Kind(surfaces.stone, "texture", False),
    Kind(surfaces.fabric, "texture", False),
    Kind(surfaces.droplets, "droplets", False),
    Kind(lookalikes.sky_objects, "astronomy", False),
    Kind(relief.craters, "astronomy", False),
    Kind(surfaces.leaf, "plant", False),
    Kind(lookalikes.river, "satellite", False),
    Kind(lookalikes.lightning, "sky", False),
    Kind(printed.graphics, "computer_graphics", False),
    Kind(printed.code_pattern, "code_pattern", False),
    Kind(pages.page, "document", False),
    Kind(pages.screen, "screenshot", False),
    Kind(printed.plan, "diagram", False),
    Kind(printed.contour_map, "map", False),
    Kind(surfaces.cut_fruit, "food", False),
    Kind(surfaces.tunnel, "room", False),
)


def simulated_rows(folder: Path, count: int, kinds: Sequence[Kind] = KINDS) -> list[Row]:
    """`count` pictures a kind, drawn into the folder where they are missing; each kind a source."""
    rows = []
    for kind in kinds:
        for number in range(count):
            path = folder / kind.name / f"{number:03d}.png"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                seed = hashlib.sha256(f"{kind.name}:{number}".encode()).digest()[:8]
                drawn = kind.draw(np.random.default_rng(int.from_bytes(seed, "big")))
                Image.fromarray(drawn).save(path)
            rows.append(
                Row(
                    path=path,
                    label="medical" if kind.medical else "non_medical",
                    category=kind.category,
                    fine=kind.fine,
                    source=f"{SIMULATED}/{kind.name}",
                    licence="",
                    split=SIMULATED,
                    subject="",
                    family=f"{SIMULATED}/{kind.name}",
                )
            )
    return rows
