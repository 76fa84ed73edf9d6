"""What whole families of pictures are called: medical ones by their branch, and the others."""

from __future__ import annotations

# Said of every medical picture, by its branch, and of every other picture.
MEDICAL_WORDS = (
    "a medical image",
    "a medical diagnostic image",
    "a healthcare image",
    "a patient's examination",
    "a clinical image",
    "medical imaging",
    "a hospital picture of a patient",
    "a medical test result",
    "a medical examination image",
    "an image for a doctor's diagnosis",
)
BRANCH_WORDS: dict[str, tuple[str, ...]] = {
    "radiology": ("a radiology image", "a radiological scan", "a patient scan", "a medical scan"),
    "xray": ("an X-ray", "a medical X-ray", "an X-ray scan", "a radiograph"),
    "microscopy": ("a microscope image", "a laboratory slide", "microscopy of cells or tissue"),
    "photo": ("a clinical photograph", "a medical photograph of a patient"),
    "camera": ("a medical procedure image", "a picture from a medical camera"),
}
BRANCHES: dict[str, tuple[str, ...]] = {
    "chest_xray": ("xray", "radiology"),
    "bone_xray": ("xray", "radiology"),
    "dental_xray": ("xray", "radiology"),
    "mammography": ("xray", "radiology"),
    "ct": ("radiology",),
    "mri": ("radiology",),
    "ultrasound": ("radiology",),
    "fundus": ("camera", "photo"),
    "endoscopy": ("camera",),
    "histopathology": ("microscopy",),
    "blood_smear": ("microscopy",),
    "dermatology": ("photo",),
    "wound_photo": ("photo",),
}
OTHER_WORDS: dict[str, tuple[str, ...]] = {
    "nature": ("a natural image", "a nature photograph", "an outdoor photo", "a natural scene"),
    "everyday": ("an everyday photo", "an ordinary photograph", "a snapshot", "a natural image"),
    "made": (
        "a graphic",
        "a computer made image",
        "something drawn or printed",
        "a page or a graphic",
    ),
    "technical": (
        "a technical image",
        "an industrial image",
        "a sensor image from engineering",
        "a scientific image that is not of a patient",
    ),
}
FAMILIES: dict[str, str] = {
    "animal": "nature",
    "insect": "nature",
    "plant": "nature",
    "landscape": "nature",
    "underwater": "nature",
    "building": "everyday",
    "room": "everyday",
    "food": "everyday",
    "raw_meat": "everyday",
    "object": "everyday",
    "vehicle": "everyday",
    "person": "everyday",
    "skin_tattoo": "everyday",
    "sport": "everyday",
    "greyscale_photo": "everyday",
    "document": "made",
    "chart": "made",
    "map": "made",
    "screenshot": "made",
    "drawing": "made",
    "industrial_surface": "technical",
    "industrial_el": "technical",
    "baggage_xray": "technical",
    "thermal": "technical",
    "electron_microscopy": "technical",
    "satellite": "technical",
    "astronomy": "technical",
    "fingerprint": "technical",
    "depth_map": "technical",
    "texture": "technical",
}
