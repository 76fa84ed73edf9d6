"""Which groups of the shipped prompt set name a medical category of the lists rightly.

And what else a person might type for such a category.

Both were written from what the categories are, before any picture was judged by them.
"""

from __future__ import annotations

_CT = ("ct", "ct_reconstruction", "bone_ct", "body_ct")
_MRI = ("mri", "spine_mri", "joint_mri", "body_mri", "heart_mri", "brain_mri")
# A viewer's screen shows a scan: who names the scan is right too.
GROUPS_OF_CATEGORY: dict[str, tuple[str, ...]] = {
    "chest_xray": ("chest_xray",),
    "bone_xray": ("bone_xray",),
    "dental_xray": ("dental_xray",),
    "vet_xray": ("vet_xray",),
    "mammography": ("mammography",),
    "angiography": ("angiography",),
    "ct": _CT,
    "mri": _MRI,
    "dicom_capture": ("viewer_screen", *_CT, *_MRI),
    "ultrasound": (
        "ultrasound",
        "organ_ultrasound",
        "fetal_ultrasound",
        "echocardiography",
        "doppler_trace",
    ),
    "pet": ("nuclear_medicine",),
    "spect": ("nuclear_medicine",),
    "fundus": ("fundus",),
    "oct": ("oct", "oct_angiography"),
    "eye_photo": ("eye_photo",),
    "endoscopy": ("endoscopy", "capsule_endoscopy", "airway_endoscopy", "organ_endoscopy"),
    "surgery": ("surgery", "laparoscopy"),
    "histopathology": ("histopathology", "immunohistochemistry", "whole_slide"),
    "cytology": ("cytology",),
    "blood_smear": ("blood_smear",),
    "cell_microscopy": ("cell_microscopy", "fluorescence_microscopy", "chromosomes"),
    "dermatology": ("dermatology", "dermoscopy"),
    "wound_photo": ("wound_photo",),
    "oral_photo": ("mouth_photo",),
    "anatomy_slice": ("anatomy_section",),
    "ecg": ("ecg",),
}
# Searches that do not say the category's own name.
FURTHER_QUERIES: dict[str, tuple[str, str, str]] = {
    "chest_xray": (
        "lungs and ribs on a film",
        "a patient with pneumonia, radiograph",
        "the heart shadow between the lungs",
    ),
    "bone_xray": (
        "a film of a broken arm",
        "a radiograph of a joint with arthritis",
        "finger and wrist bones of a hand",
    ),
    "dental_xray": (
        "the whole jaw on a dentist's film",
        "roots and fillings of teeth, radiograph",
        "an orthopantomogram",
    ),
    "vet_xray": (
        "a cat at the vet, radiograph",
        "the ribs of a dog on a film",
        "an animal's skeleton",
    ),
    "mammography": (
        "screening for breast cancer",
        "a radiograph of a breast with a lump",
        "calcifications in dense breast tissue",
    ),
    "angiography": (
        "arteries of the heart filled with contrast",
        "a catheter in a coronary vessel",
        "a narrowed artery before a stent",
    ),
    "ct": (
        "a tomographic slice through the chest",
        "bleeding inside the skull on a scan",
        "an axial slice of the lungs in grey",
    ),
    "mri": (
        "a knee joint with its ligaments on a scan",
        "a brain tumour on a scan",
        "discs of the lower back on a scan",
    ),
    "dicom_capture": (
        "radiology software on a monitor",
        "a workstation with slices of a patient",
        "a screenshot with a scan",
    ),
    "ultrasound": (
        "a sonogram of a lump",
        "a baby in the womb",
        "the chambers of the heart by sound waves",
    ),
    "pet": (
        "sugar uptake of a tumour",
        "a map of tracer uptake in a patient",
        "hot spots of a tracer in the body",
    ),
    "spect": (
        "a scintigram of the skeleton",
        "a gamma camera picture",
        "radioactive tracer in bones",
    ),
    "fundus": (
        "the back of the eye with its vessels",
        "diabetic retinopathy",
        "the optic disc and the macula",
    ),
    "oct": (
        "a slice of the retina made with light",
        "vessels around the fovea without dye",
        "the layers of the macula",
    ),
    "eye_photo": (
        "a clouded lens behind the pupil",
        "an eye with a cataract",
        "a patient's iris from outside",
    ),
    "endoscopy": (
        "a polyp in the colon",
        "inside the bowel, seen with a camera",
        "pink mucosa with a bright light",
    ),
    "surgery": (
        "an operation in progress",
        "a surgeon's instruments in an eye",
        "surgical video frame",
    ),
    "histopathology": (
        "pink and purple stained tissue",
        "a tumour biopsy under the microscope",
        "haematoxylin and eosin",
    ),
    "cytology": (
        "a Pap test of the cervix",
        "single stained cells for cancer screening",
        "cervical cells on glass",
    ),
    "blood_smear": (
        "red cells and one white cell",
        "malaria parasites in red cells",
        "a haematology slide",
    ),
    "cell_microscopy": (
        "glowing nuclei on black",
        "cells of a culture stained with a dye",
        "nuclei to be counted",
    ),
    "dermatology": (
        "a mole that may be melanoma",
        "a rash with blisters on a patient",
        "a pigmented naevus",
    ),
    "wound_photo": (
        "an open sore on a diabetic foot",
        "a pressure ulcer",
        "an injury that does not heal",
    ),
    "oral_photo": (
        "teeth and gums of a patient",
        "the tongue put out for the doctor",
        "tooth decay seen by a dentist",
    ),
    "anatomy_slice": (
        "a frozen head cut in slices",
        "a cut through a body in true colours",
        "a cadaver section",
    ),
    "ecg": (
        "the heartbeat drawn on grid paper",
        "twelve leads of a heart",
        "a rhythm strip with spikes",
    ),
}


def rightly_named(category: str, group: str) -> bool:
    """Whether a group of the prompt set names a picture of the category rightly; categories that
    are not medical have a group of their own name."""
    return group in GROUPS_OF_CATEGORY.get(category, (category,))
