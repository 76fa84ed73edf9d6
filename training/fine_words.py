"""What the `fine` column says of a picture, where its own words are no caption.

Lists name things as their sources do: by file name, by a DICOM field, by a data set. Here is what
to say instead, by category and `fine`; nothing where it describes nothing.
"""

from __future__ import annotations

import re

# Names of data sets and habits of naming files.
OPAQUE = {"", "MIAS name", "STARE", "DRIVE", "CHASEDB", "VEVIO", "AV-WIDE"}
# DICOM modalities: what follows one is the site's own shorthand.
MODALITIES = {"CR", "CT", "DX", "MG", "MR", "NM", "OT", "PT", "RG", "US", "XA"}
PHRASES: dict[str, tuple[str, ...]] = {
    "mammography": ("a mammogram, {}", "a mammography with a {} finding"),
    "ultrasound": ("an ultrasound of the {}", "a breast ultrasound, {}"),
    "mri": ("an MRI of the {}", "a brain or spine MRI, {}"),
    "chest_xray": ("a chest X-ray with {}", "a chest radiograph, {}"),
    "ct": ("a {} scan", "{}"),
    "dermatology": ("a photo of skin with {}", "{} on the skin"),
    "room": ("a {}", "the {} of a house"),
    "satellite": ("an aerial photo of a {}", "a {} from above"),
    "industrial_surface": ("{}", "a surface with {}"),
    "pollen": ("{} pollen", "a pollen grain of {}"),
}
# By category and `fine`; these go before the phrases above.
SAID: dict[tuple[str, str], tuple[str, ...]] = {
    ("ultrasound", "kidney ultrasound"): ("a kidney ultrasound", "an ultrasound of a kidney"),
    ("ultrasound", "breast ultrasound"): ("a breast ultrasound", "a sonogram of a breast"),
    ("ultrasound", "thyroid ultrasound"): ("a thyroid ultrasound", "an ultrasound of the neck"),
    ("ultrasound", "fetal ultrasound"): ("a fetal ultrasound", "an ultrasound of an unborn baby"),
    ("ultrasound", "muscle ultrasound"): ("an ultrasound of a muscle", "a calf muscle ultrasound"),
    ("ultrasound", "echocardiography"): ("an echocardiogram", "an ultrasound of the heart"),
    ("ultrasound", "echocardiography, colour Doppler"): (
        "a colour Doppler echocardiogram",
        "blood flow in the heart in colour Doppler ultrasound",
    ),
    ("ultrasound", "echo machine screen"): (
        "the screen of an ultrasound machine",
        "an echocardiogram with measurements",
    ),
    ("mri", "abdomen T2 MRI"): ("a T2 weighted MRI of the abdomen", "an abdominal MRI"),
    ("mri", "abdomen T2 MRI, coronal"): ("a coronal MRI of the abdomen", "an MRI of the kidneys"),
    ("mri", "abdominal MRI"): ("an abdominal MRI", "an axial MRI of the abdomen"),
    ("mri", "knee MRI"): ("a knee MRI", "an MRI of a knee joint"),
    ("mri", "lumbar spine T2 MRI"): (
        "a sagittal T2 weighted MRI of the lumbar spine",
        "an MRI of the lower back",
    ),
    ("mri", "extremity MRI"): ("an MRI of a limb", "an MRI of a thigh"),
    ("mri", "cardiac MRI"): ("a cardiac MRI", "an MRI of the heart"),
    ("mri", "cardiac MRI, short axis"): (
        "a cardiac MRI in the short axis",
        "an MRI of the left ventricle",
    ),
    ("mri", "brain"): ("a brain MRI", "an MRI of the head"),
    ("mri", "brain PD"): ("a proton density MRI of the brain", "a brain MRI"),
    ("mri", "brain T1"): ("a T1 weighted MRI of the brain", "a brain MRI"),
    ("mri", "brain sagittal"): ("a sagittal MRI of the brain", "a brain MRI"),
    ("mri", "brain average"): ("an averaged MRI of many brains", "a brain MRI"),
    ("mri", "brain MRI FLAIR"): ("a FLAIR MRI of the brain", "a brain MRI"),
    ("mri", "MR HEAD"): ("an MRI of the head",),
    ("mri", "MR FLAIR"): ("a FLAIR MRI",),
    ("mri", "MR ABDOMEN"): ("an MRI of the abdomen",),
    ("mri", "MR PROSTATE"): ("an MRI of the prostate", "a prostate MRI"),
    ("mri", "MR prostate"): ("an MRI of the prostate", "a prostate MRI"),
    ("mri", "MR SAG T-1"): ("a sagittal T1 weighted MRI",),
    ("mri", "MR COR T-1"): ("a coronal T1 weighted MRI",),
    ("histopathology", "kidney"): ("kidney tissue under the microscope", "a glomerulus"),
    ("histopathology", "breast"): ("breast tissue under the microscope", "a breast biopsy"),
    ("histopathology", "breast H&E"): ("breast tissue under the microscope", "a breast biopsy"),
    ("histopathology", "oesophagus"): ("oesophagus tissue under the microscope",),
    ("histopathology", "prostate"): ("prostate tissue under the microscope", "prostate glands"),
    ("histopathology", "colon biopsy"): ("a colon biopsy", "colon tissue under the microscope"),
    ("histopathology", "gastric H&E"): ("stomach tissue under the microscope", "a gastric biopsy"),
    ("histopathology", "bone tumour H&E"): (
        "a bone tumour under the microscope",
        "stained tissue of an osteosarcoma",
    ),
    ("histopathology", "lymphoma, DAB/IHC"): (
        "an immunohistochemistry slide",
        "lymphoma tissue stained brown and blue",
    ),
    ("histopathology", "IHC"): ("an immunohistochemistry slide",),
    ("histopathology", "H&E"): ("haematoxylin and eosin stained tissue",),
    ("histopathology", "H&E overview"): ("an overview of a stained tissue slide",),
    ("histopathology", "H&E, thumbnail"): ("an overview of a stained tissue slide",),
    ("histopathology", "whole-slide region with axes"): ("a region of a tissue slide in a plot",),
    ("cytology", "Pap smear, grey"): ("a grey Pap smear", "overlapping cervical cells"),
    ("cytology", "Pap smear, cell"): ("a cervical cell", "one cell of a Pap smear"),
    ("cytology", "Pap smear, cells"): ("cervical cells", "cells of a Pap smear"),
    ("cytology", "Pap smear, field"): ("a Pap smear", "a field of cervical cells"),
    ("cytology", "liquid-based cervical cytology"): (
        "liquid-based cervical cytology",
        "cervical cells from a screening test",
    ),
    ("ct", "CT"): (),
    ("ct", "CT NECK"): ("a neck CT scan", "a CT of the neck"),
    ("ct", "CT PANCREAS"): ("a CT of the pancreas", "an abdominal CT"),
    ("ct", "CT CSPINE"): ("a CT of the cervical spine",),
    ("ct", "CT HEAD"): ("a head CT scan", "a CT of the head"),
    ("ct", "CT CHEST"): ("a chest CT scan", "a CT of the chest"),
    ("ct", "CT BACINO"): ("a CT of the pelvis",),
    ("ct", "CT scout"): ("a CT scout view", "the planning view of a CT scan"),
    ("ct", "CT SCOUT"): ("a CT scout view", "the planning view of a CT scan"),
    ("ct", "abdomen"): ("an abdominal CT scan", "a CT of the abdomen"),
    ("ct", "3D rendering of a CT"): (
        "a three-dimensional rendering of a CT scan",
        "bones rendered from a CT scan",
    ),
    ("ct", "skull, bone window"): ("a CT of the skull in a bone window", "a skull CT"),
    ("ct", "skull, soft-tissue window"): ("a CT of the head in a soft tissue window", "a skull CT"),
    ("ct", "CT with bone metastases"): ("a CT with bone metastases", "a CT in a bone window"),
    ("ct", "sinus CT"): ("a CT of the nasal sinuses", "a coronal sinus CT scan"),
    ("blood_smear", "white cells"): ("white blood cells", "a white blood cell in a smear"),
    ("blood_smear", "malaria single red cell crops"): (
        "a single red blood cell",
        "a red blood cell from a malaria smear",
    ),
    ("endoscopy", "endoscopy"): (),
    ("endoscopy", "arthroscopy"): ("an arthroscopy", "the inside of a joint"),
    ("endoscopy", "capsule endoscopy"): (
        "a capsule endoscopy frame",
        "the small bowel seen by a swallowed capsule",
    ),
    ("endoscopy", "colonoscopy"): ("a colonoscopy frame", "the inside of the colon"),
    ("chest_xray", "chest radiograph"): (),
    ("chest_xray", "inverted, upside down"): ("an inverted chest X-ray", "a chest X-ray negative"),
    ("dicom_capture", "printed CT film sheet"): ("a printed sheet of CT slices",),
    ("dicom_capture", "viewer canvas, test screenshot"): ("a scan in a DICOM viewer",),
    ("dicom_capture", "viewer screenshot"): ("a screenshot of a DICOM viewer",),
    ("fundus", "fundus"): (),
    ("angiography", "coronary angiogram"): ("a coronary angiogram", "the arteries of the heart"),
    ("angiography", "cerebral angiogram (DSA)"): (
        "a cerebral angiogram",
        "the arteries of the brain in subtraction angiography",
    ),
    ("bone_xray", "lower leg"): ("an X-ray of a lower leg",),
    ("bone_xray", "hand"): ("an X-ray of a hand", "a hand radiograph"),
    ("bone_xray", "fractures"): ("an X-ray of a broken bone", "a radiograph of a fracture"),
    ("bone_xray", "knee (CLAHE)"): ("an X-ray of a knee", "a knee radiograph"),
    ("spect", "whole-body bone scan"): ("a whole body bone scan", "a bone scintigraphy"),
    ("dental_xray", "panoramic"): ("a panoramic dental X-ray", "an orthopantomogram"),
    ("oral_photo", "teeth, intraoral photograph"): ("an intraoral photograph of teeth",),
    ("oral_photo", "mouth and tongue photographs"): ("a photograph of a patient's mouth",),
    ("oral_photo", "tongue"): ("a photograph of a patient's tongue",),
    ("oct", "OCT angiography, en face"): (
        "an OCT angiography of the retina",
        "a grey map of the vessels of the macula",
    ),
    ("oct", "cross section"): (
        "an OCT B-scan",
        "a cross section through the layers of the retina",
    ),
    ("pet", "PT BREAST"): ("a PET scan of the breast",),
    ("pet", "PT PET AC"): ("an attenuation corrected PET scan",),
    ("pet", "PT PET NAC"): ("a PET scan without attenuation correction",),
    ("spect", "NM HEART"): ("a nuclear medicine scan of the heart",),
    ("vet_xray", "thorax, animal"): ("a chest X-ray of an animal",),
    ("vet_xray", "cat radiograph"): ("an X-ray of a cat",),
    ("anatomy_slice", "head cryosection"): ("a frozen section of a head",),
    ("anatomy_slice", "eye cryosection"): ("a frozen section of an eye",),
    ("ecg", "12-lead ECG on paper or photographed from a screen"): ("a 12-lead ECG",),
    ("ecg", "ECG paper scan"): ("a scanned ECG on paper",),
    ("cell_microscopy", "red cell, phase hologram"): ("a red blood cell in a hologram",),
    ("cell_microscopy", "nuclei, fluorescence and stained"): ("cell nuclei",),
    ("cell_microscopy", "fluorescence cell microscopy"): ("a fluorescence image of cells",),
    ("cell_microscopy", "chromosomes, fluorescence"): ("fluorescent chromosomes",),
    ("wound_photo", "leg wound"): ("a wound on a leg",),
    ("surgery", "cataract surgery"): ("cataract surgery", "an operation on an eye"),
    ("photo_mixed", "web photograph"): (),
    ("photo_mixed", "tutorial"): (),
    ("photo_mixed", "filtered photo"): ("a photograph changed by a filter",),
    ("food", "egg"): ("an egg", "a hen's egg"),
    ("food", "kuih"): ("a Malay cake", "small cakes on a plate"),
    ("food", "cut out on white"): ("food on a white background",),
    ("animal", "cut out on white"): ("an animal on a white background",),
    ("plant", "cut out on white"): ("a plant on a white background",),
    ("plant", "rice leaf diseases"): ("a rice leaf with a disease", "a brown spotted rice leaf"),
    ("plant_leaf", "Healthy"): ("a healthy leaf",),
    ("plant_leaf", "Bacterial wilt disease"): ("a wilting leaf", "a leaf with bacterial wilt"),
    ("plant_leaf", "Manganese Toxicity"): ("a leaf with brown spots", "a leaf poisoned by metal"),
    ("object", "cut out on white"): ("an object on a white background",),
    ("object", "cut out on plain ground"): ("an object on a plain background",),
    ("object", "clinic object"): ("an object from a clinic",),
    ("object", "electronics teaching"): ("an electronic device",),
    ("object", "laboratory ware"): ("a piece of laboratory glassware", "a laboratory vessel"),
    ("document", "sudoku"): ("a sudoku puzzle", "a grid of numbers on paper"),
    ("document", "page of a PDF file"): ("a page of a file", "a page of text"),
    ("screenshot", "AWS console"): ("a web console",),
    ("screenshot", "CAD and circuit"): ("a circuit board design program",),
    ("screenshot", "dialog"): ("a dialog window",),
    ("screenshot", "sheet music"): ("a program that shows music",),
    ("satellite", "Sentinel-2 tile"): ("a satellite picture of land",),
    ("drawing", "hand sign"): ("a drawing of a hand", "a hand sign"),
    ("wood_anatomy", "alder, wood section"): ("a section of alder wood",),
    ("wood_anatomy", "oak, wood section"): ("a section of oak wood",),
    ("anatomical_drawing", "tooth"): ("a drawing of a tooth",),
    ("texture", "paper and canvas"): ("the texture of paper or canvas",),
    ("texture", "pattern"): ("a repeating pattern",),
    ("landscape", "wallpaper"): ("a landscape as a desktop background",),
    ("map", "GIS raster and map"): ("a map of terrain in false colours", "a geographic raster"),
    ("diagram", "tutorial figure"): ("a figure of a tutorial",),
    ("building", "detail"): ("a part of a building",),
    ("painting", "story picture"): ("a painted scene of a story",),
    ("circuit_diagram", "electronics teaching"): (),
    ("oscilloscope", "electronics teaching"): (),
    ("astronomy", "deep sky"): ("a galaxy or a nebula", "a deep sky object"),
    ("aerial", "trees"): ("trees from the air",),
    ("industrial_surface", "cast pump wheels"): ("a cast metal wheel", "a casting of a pump"),
}


def described(category: str, fine: str) -> tuple[str, ...]:
    """Wordings of what `fine` says, for a picture that is not ImageNet's; empty where it says
    nothing."""
    if (category, fine) in SAID:
        return SAID[category, fine]
    if fine in OPAQUE or fine.split(" ")[0] in MODALITIES:
        return ()
    return tuple(phrase.format(spaced(fine)) for phrase in PHRASES.get(category, ("{}",)))


def spaced(name: str) -> str:
    """A name in words: `blackAnt`, `black_ant` and `black-ant` are a black ant."""
    words = re.sub(r"[-_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip()
    return words.replace("Bengin", "benign")
