"""What further kinds of picture are called, which few or none of the photographed ones show."""

from __future__ import annotations

KINDS: dict[str, tuple[str, ...]] = {
    "nuclear_medicine": (
        "a nuclear medicine scan", "a PET image of a patient", "a whole body bone scintigraphy",
        "positron emission tomography", "a SPECT image", "a gamma camera picture with hot spots",
        "a PET and CT fusion", "tracer uptake in the body",
    ),
    "angiography": (
        "an angiography", "a coronary angiogram", "arteries filled with contrast medium",
        "a digital subtraction angiogram", "an X-ray of blood vessels", "catheter angiography",
    ),
    "fluoroscopy": (
        "a fluoroscopic image", "a barium study", "a barium meal of the bowel",
        "an X-ray with contrast in the intestine", "a contrast enema", "a swallow study",
    ),
    "oct": (
        "an OCT image", "optical coherence tomography", "an OCT scan of the eye",
        "an OCT of the retina", "a macular OCT", "retinal tomography",
    ),
    "oral_photo": (
        "a photograph of the inside of a mouth", "an intraoral photograph", "teeth and gums",
        "a dental photograph of a patient", "a clinical photo of teeth", "a patient's tongue",
        "tooth decay", "inflamed gums", "an oral lesion",
    ),
    "eye_map": (
        "a corneal topography", "a map of the curvature of a cornea",
        "keratometry in false colours",
        "an ophthalmology map of an eye",
    ),
    "cytology": (
        "a cytology slide", "a Pap smear", "cervical cells under the microscope",
        "single cells stained for screening", "a fine needle aspirate", "a cytological smear",
    ),
    "fluorescence": (
        "a fluorescence micrograph", "fluorescently stained nuclei", "immunofluorescence",
        "glowing cells on black", "a confocal image of cells", "DAPI stained nuclei",
    ),
    "cultured_cells": (
        "cells in culture", "a phase contrast image of cells", "living cells under the microscope",
        "a cell line in a dish", "brightfield microscopy of cells", "a light micrograph of a cell",
    ),
    "bacteria": (
        "bacteria under the microscope", "a Gram stain", "stained germs of a patient sample",
        "cocci and rods under the microscope", "a microbiology slide",
    ),
    "agar_plate": (
        "an agar plate", "colonies of bacteria in a Petri dish", "a microbial culture",
        "a bacterial culture plate", "a blood agar with colonies",
    ),
    "chromosomes": (
        "a karyogram", "human chromosomes", "banded chromosomes in pairs", "a metaphase spread",
        "a cytogenetic picture",
    ),
    "lab_test": (
        "a rapid diagnostic test", "a lateral flow test cassette", "a pregnancy test",
        "a covid self test with lines", "a medical test strip",
    ),
    "ecg": (
        "an ECG", "an electrocardiogram recording", "a heart trace on grid paper",
        "a 12-lead ECG", "a cardiac rhythm strip", "the electrical activity of a heart",
    ),
    "eeg": (
        "an EEG", "brain waves in many channels", "an electroencephalogram recording",
        "a polysomnography", "a tracing of brain activity",
    ),
    "sonar": (
        "a sonar image", "a side-scan sonar record", "the sea bed in sonar", "a SAR image",
        "synthetic aperture radar of land",
    ),
    "radar": ("a weather radar", "a precipitation map", "a radar screen", "rain on a radar"),
    "seismic": ("a seismic section", "a seismic profile of rock layers", "geophysical data"),
    "industrial_radiograph": (
        "an industrial radiograph", "an X-ray of a weld", "a radiograph of a casting",
        "non-destructive testing of metal", "an X-ray of a circuit board",
    ),
    "metallography": (
        "metal grains under the microscope", "an etched metal section", "a thin section of rock",
        "minerals in polarised light", "a metallographic image",
    ),
    "gel_blot": ("an electrophoresis gel", "a western blot", "bands in the lanes of a gel"),
    "droplets": (
        "bubbles", "foam", "water drops", "beads or marbles", "seeds lying together", "coins",
    ),
    "sky": ("lightning", "fireworks", "the sky at night", "a thunderstorm"),
    "computer_graphics": (
        "computer graphics", "a fractal", "an abstract pattern", "low polygon art",
        "a colourful gradient pattern",
    ),
    "code_pattern": ("a QR code", "a barcode", "a chessboard pattern", "a calibration target"),
    "diagram": (
        "a diagram", "a technical drawing", "a floor plan", "a blueprint", "a schematic figure",
        "lines and labelled boxes", "an explanatory figure",
    ),
}  # fmt: skip
BRANCHES: dict[str, tuple[str, ...]] = {
    "nuclear_medicine": ("radiology",),
    "angiography": ("xray", "radiology"),
    "fluoroscopy": ("xray", "radiology"),
    "oct": ("radiology",),
    "oral_photo": ("photo",),
    "eye_map": ("camera",),
    "cytology": ("microscopy",),
    "fluorescence": ("microscopy",),
    "cultured_cells": ("microscopy",),
    "bacteria": ("microscopy",),
    "agar_plate": ("photo",),
    "chromosomes": ("microscopy",),
    "lab_test": ("photo",),
    "ecg": (),
    "eeg": (),
}
FAMILIES: dict[str, str] = {
    "sonar": "technical",
    "radar": "made",
    "seismic": "technical",
    "industrial_radiograph": "technical",
    "metallography": "technical",
    "gel_blot": "technical",
    "droplets": "nature",
    "sky": "nature",
    "computer_graphics": "made",
    "code_pattern": "made",
    "diagram": "made",
}
