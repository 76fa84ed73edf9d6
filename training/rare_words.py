"""What further kinds of photographed picture are called, medical ones first; see `words`.

They came after the text tower, which has not read these sentences: `corpus` leaves them out.
"""

from __future__ import annotations

MEDICAL_KINDS: dict[str, tuple[str, ...]] = {
    "anatomy_slice": (
        "a section through a human body", "an anatomical section", "a cryosection of a body",
        "a frozen slice of an anatomical specimen", "a cross section of a head in true colours",
        "a photograph of a sliced anatomical specimen",
    ),
    "cell_microscopy": (
        "cells under the microscope", "a micrograph of biological cells",
        "cell nuclei in a microscope image", "stained cell nuclei", "a picture of cells",
        "a microscope image of a cell culture", "cell biology", "nuclei for counting cells",
    ),
    "dicom_capture": (
        "a screenshot of a DICOM viewer", "a scan shown in a medical image viewer",
        "a radiology workstation screen", "a patient's scan in viewing software",
        "several scan slices side by side on a screen", "a scan with annotations drawn on it",
        "a sheet of film with many slices",
    ),
    "eye_photo": (
        "a photograph of a patient's eye", "an eye with a cataract", "a clinical photo of an eye",
        "a cloudy pupil", "the front of a diseased eye", "an external photograph of an eye",
        "a picture of the cornea and the iris",
    ),
    "pet": (
        "a PET scan", "positron emission tomography", "an FDG PET image",
        "a PET slice of a patient", "a scan of tracer uptake", "glucose uptake of tissue in a scan",
        "nuclear medicine",
    ),
    "spect": (
        "a SPECT scan", "a scintigram", "a bone scintigraphy of a whole body",
        "a scan from a gamma camera", "a bone scan", "a myocardial perfusion scan",
        "nuclear medicine",
    ),
    "surgery": (
        "a surgical scene", "a frame of a surgical video", "surgery on a patient",
        "an operation seen through a surgical microscope", "an intraoperative picture",
        "surgical instruments in tissue", "an operation in progress",
    ),
    "vet_xray": (
        "a veterinary radiograph", "an X-ray of an animal", "an X-ray of a dog or a cat",
        "a radiograph taken by a vet", "the skeleton of a pet in an X-ray",
        "an animal's chest X-ray", "veterinary imaging",
    ),
}  # fmt: skip
OTHER_KINDS: dict[str, tuple[str, ...]] = {
    "aerial": (
        "an aerial photograph", "trees seen from an aeroplane", "tree crowns from above",
        "a forest from the air", "an orthophoto", "a drone picture of the ground",
    ),
    "anatomical_drawing": (
        "an anatomical drawing", "a drawing of a body part", "a drawing of a tooth",
        "a textbook illustration of anatomy", "a medical illustration", "a sketch of an organ",
    ),
    "circuit_diagram": (
        "a circuit diagram", "an electronic schematic", "a wiring diagram",
        "symbols of resistors and capacitors", "the plan of an electronic circuit",
        "a breadboard drawing",
    ),
    "cover_art": (
        "a cover", "box art of a video game", "a game box", "the front of a packaged game",
        "cover art with a title", "a painted cover with large letters",
    ),
    "flow_image": (
        "tracer particles in a flow", "particle image velocimetry", "a picture of a fluid flow",
        "bright specks in a moving fluid", "a flow seeded with particles",
        "a laser sheet through a flow", "a fluid mechanics experiment",
    ),
    "game_art": (
        "art of a computer game", "a scene painted for a game", "a level of a puzzle game",
        "a cartoon background of a game", "game graphics", "a drawn underwater scene of a game",
    ),
    "game_screenshot": (
        "a screenshot of a video game", "a scene of a computer game", "gameplay",
        "a pixelated game with a score", "an old console game", "a first person shooter",
        "a retro game screen",
    ),
    "graphic": (
        "a graphic", "a computer made graphic", "simple shapes in colours", "vector graphics",
        "an abstract figure drawn by a program", "a geometric design",
    ),
    "logo": (
        "a logo", "a trademark", "the name of a brand", "an emblem", "a title in decorated letters",
        "a wordmark",
    ),
    "material_microscopy": (
        "a micrograph of a material", "a material under the microscope",
        "a microscope image from materials science", "grains and pores of a material",
        "the microstructure of a material",
    ),
    "medicine_box": (
        "a box of medicine", "a package of tablets", "a drug package", "a carton of pills",
        "the packaging of a medicine", "a medicine box on a coloured ground",
        "a pharmacy product",
    ),
    "oscilloscope": (
        "an oscilloscope screen", "the trace of an oscilloscope", "a waveform on a screen",
        "an electrical signal over time", "a sine wave and a square wave",
        "a plot of voltages in an electronics experiment",
    ),
    "painting": (
        "a painting", "an oil painting", "a painted portrait", "a work of art", "fine art",
        "a picture painted by an artist", "a canvas in a museum",
    ),
    "photo_mixed": (
        "a photograph", "a photo", "an ordinary photograph", "a snapshot taken with a camera",
        "a picture from somebody's photo collection", "a digital camera picture",
        "a holiday photo",
    ),
    "plant_leaf": (
        "a leaf", "a leaf of a plant", "a green leaf with spots", "a diseased leaf",
        "a close-up of a leaf", "a plant disease", "a house plant's leaf",
    ),
    "pollen": (
        "a pollen grain", "pollen under the microscope", "a micrograph of pollen",
        "a grain of pollen from a flower", "palynology", "a pollen sample from honey",
        "round pollen grains",
    ),
    "render_3d": (
        "a 3D rendering", "a rendered solid", "a computer model of an object",
        "a CAD model", "simple solid shapes", "a three-dimensional computer drawing",
        "a model for a 3D printer",
    ),
    "sewer_inspection": (
        "the inside of a sewer pipe", "a sewer inspection", "a drain seen by a camera",
        "a pipe inspection video frame", "a crack in a sewer pipe", "a wet concrete pipe",
        "a camera's view along a pipe",
    ),
    "sheet_music": (
        "sheet music", "a music score", "notes on staves", "a page of printed music",
        "a handwritten score", "musical notation", "a photograph of a page of music",
    ),
    "street": (
        "a street", "a street scene", "a city street with people and cars", "a road in a town",
        "an urban scene", "traffic in a city",
    ),
    "text_photo": (
        "a photo of a sign", "a street sign with letters", "writing on a sign",
        "text in a photograph", "a notice on a wall", "a shop sign", "letters in a foreign script",
    ),
    "thin_section": (
        "a thin section of rock", "sandstone under the microscope", "a petrographic thin section",
        "mineral grains with blue pores", "a rock seen through a microscope",
        "geology under the microscope",
    ),
    "wallpaper": (
        "a desktop wallpaper", "an abstract background", "a colourful computer background",
        "smooth coloured shapes", "a screen background", "an abstract design with light and colour",
    ),
    "wood_anatomy": (
        "a section of wood under the microscope", "wood anatomy", "the cells of a tree's wood",
        "a stained cross section of wood", "vessels and rays of wood",
        "growth rings under the microscope",
    ),
}  # fmt: skip
BRANCHES: dict[str, tuple[str, ...]] = {
    "anatomy_slice": (),
    "cell_microscopy": ("microscopy",),
    "dicom_capture": ("radiology",),
    "eye_photo": ("photo",),
    "pet": ("radiology",),
    "spect": ("radiology",),
    "surgery": ("camera",),
    "vet_xray": ("xray", "radiology"),
}
FAMILIES: dict[str, str] = {
    "aerial": "technical",
    "anatomical_drawing": "made",
    "circuit_diagram": "made",
    "cover_art": "made",
    "flow_image": "technical",
    "game_art": "made",
    "game_screenshot": "made",
    "graphic": "made",
    "logo": "made",
    "material_microscopy": "technical",
    "medicine_box": "everyday",
    "oscilloscope": "technical",
    "painting": "made",
    "photo_mixed": "everyday",
    "plant_leaf": "nature",
    "pollen": "technical",
    "render_3d": "made",
    "sewer_inspection": "technical",
    "sheet_music": "made",
    "street": "everyday",
    "text_photo": "everyday",
    "thin_section": "technical",
    "wallpaper": "made",
    "wood_anatomy": "technical",
}
KINDS = {**MEDICAL_KINDS, **OTHER_KINDS}
