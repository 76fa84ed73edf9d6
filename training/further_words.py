"""What people also type for the kinds of picture: what is seen, found or done, not the kind's name.

They came after the text tower, which has not read these sentences: `corpus` leaves them out.
"""

from __future__ import annotations

WORDS: dict[str, tuple[str, ...]] = {
    "chest_xray": (
        "lungs on an X-ray film", "a thorax, posteroanterior view", "pneumonia on a radiograph",
        "heart and lungs of a patient", "ribs, clavicles and diaphragm", "a collapsed lung",
        "fluid in the pleural space", "tuberculosis screening", "opacities in both lungs",
        "an enlarged heart", "a portable film from intensive care", "COVID lungs",
    ),
    "bone_xray": (
        "a fracture", "a broken bone", "the bones of a hand", "an X-rayed wrist",
        "a hip with a prosthesis", "a shoulder joint in a radiograph", "bones of the foot",
        "an elbow from the side", "the vertebrae of the neck", "metal screws in a bone",
        "bone age of a child", "a skull radiograph", "worn joint cartilage",
    ),
    "dental_xray": (
        "teeth on a film", "an X-ray at the dentist's", "molars with roots and fillings",
        "a panoramic picture of the jaw", "a bitewing", "impacted wisdom teeth",
        "an implant in the jaw bone", "caries in an X-ray", "cephalometry", "root canal treatment",
    ),
    "mammography": (
        "breast cancer screening", "a mass in the breast", "dense breast tissue",
        "microcalcifications", "craniocaudal view of a breast", "mediolateral oblique view",
        "a breast tumour on film", "tomosynthesis",
    ),
    "ct": (
        "a cross section of the chest", "an axial slice of the abdomen", "liver and kidneys in a "
        "scan", "a haemorrhage in the brain", "a slice through the skull",
        "a lung nodule in a slice", "Hounsfield units", "a scan with contrast of the belly",
        "sinuses in cross section", "a pelvis in cross section", "spine in cross section",
        "a trauma scan",
    ),
    "mri": (
        "a brain scan", "T1 weighted", "T2 weighted", "a FLAIR slice with lesions",
        "a sagittal slice of the spine", "a knee with its menisci", "a glioma",
        "white and grey matter of the brain", "soft tissue of a joint in a scan",
        "multiple sclerosis lesions", "a heart in short axis", "a prostate scan",
        "intervertebral discs", "diffusion weighted", "the hippocampus",
    ),
    "ultrasound": (
        "a fetus before birth", "an unborn baby", "a lump in the breast, sonography",
        "a thyroid nodule by sonography", "gallstones in the gallbladder", "a beating heart by "
        "echo", "blood flow in colour", "four chambers of the heart", "a scan with a probe on the "
        "skin", "an ovarian cyst", "a kidney by sonography", "speckled grey fan",
    ),
    "fundus": (
        "the optic nerve head", "retinal vessels", "haemorrhages in the retina", "the macula",
        "a diabetic's retina", "glaucoma screening", "microaneurysms and exudates",
        "the inside of an eye", "an ophthalmoscope's view", "drusen", "vessel segmentation",
    ),
    "endoscopy": (
        "polyps", "the lining of the stomach", "a bowel from inside", "ulcers in the colon",
        "the oesophagus", "a gastroscopy", "a capsule camera in the gut", "mucosa with vessels",
        "a bronchus from inside", "vocal cords", "the inside of the bladder",
    ),
    "histopathology": (
        "a biopsy under the microscope", "a tissue section", "haematoxylin and eosin stain",
        "tumour tissue", "glands in purple and pink", "lymph node metastasis",
        "nuclei in stained tissue", "a prostate core", "colon carcinoma tissue",
        "a digital pathology tile", "brown immunostain", "kidney glomeruli",
    ),
    "blood_smear": (
        "red blood cells", "a lymphocyte", "malaria", "leukaemia cells", "a neutrophil",
        "white blood cells, Giemsa stain", "platelets", "sickle cells", "bone marrow cells",
        "a parasite in blood", "erythrocytes",
    ),
    "dermatology": (
        "melanoma", "a mole", "a skin rash", "psoriasis", "eczema", "a dermatoscope picture",
        "a pigmented spot on the skin", "acne", "a skin tumour", "chickenpox blisters",
        "ringworm", "basal cell carcinoma", "a patient's skin",
    ),
    "wound_photo": (
        "a burn", "a pressure sore", "a diabetic foot", "an open leg ulcer", "a surgical wound",
        "broken skin that does not heal", "necrotic tissue on a foot", "stitches in the skin",
        "a cut on an arm", "a bruise",
    ),
    "nuclear_medicine": (
        "tracer uptake", "hot spots in the skeleton", "a gamma camera", "a radioactive tracer in "
        "the body", "metastases lighting up", "a thyroid scan",
    ),
    "pet": (
        "FDG uptake", "tumours that take up sugar", "tracer uptake in the body",
        "bright metabolism on a grey body", "radioactive tracer", "amyloid in the brain",
    ),
    "spect": (
        "tracer uptake in bones", "a gamma camera's picture", "a scan of the whole skeleton",
        "radioactive tracer", "heart muscle perfusion", "dopamine transporter scan",
    ),
    "angiography": (
        "coronary arteries", "blood vessels filled with dye", "a stenosis", "a catheter in an "
        "artery", "the vessels of the brain with contrast", "a stent", "vessels in subtraction",
    ),
    "fluoroscopy": ("a swallow study", "a contrast enema", "a live X-ray", "a C-arm picture"),
    "oct": (
        "layers of the retina", "retinal cross section", "the fovea in profile",
        "fluid under the retina", "macular oedema", "retinal vessels without dye",
    ),
    "oral_photo": (
        "gums", "a tooth with decay", "a patient's tongue", "plaque on teeth", "mouth cancer",
        "braces on teeth", "an open mouth", "a dentist's photograph",
    ),
    "eye_photo": (
        "a cataract", "a red eye", "an iris", "a pupil", "conjunctivitis", "a slit lamp picture",
        "an eyelid", "a pterygium", "the white of an eye",
    ),
    "cytology": (
        "a cervical smear", "cells from a swab", "squamous cells", "screening for cervical cancer",
        "a fine needle aspirate", "single cells with stained nuclei", "cells in an effusion",
    ),
    "fluorescence": ("glowing cells", "green and blue stained cells", "DAPI", "labelled proteins"),
    "cultured_cells": ("cells in a dish", "living cells", "a scratch assay", "stem cells"),
    "cell_microscopy": (
        "glowing cells", "DAPI", "nuclei", "fluorescent proteins in cells", "neurons",
        "mitochondria", "a cell line", "cells in a dish", "phase contrast", "counting of cells",
    ),
    "bacteria": ("rods and cocci", "microbes", "germs", "an infection under the microscope"),
    "agar_plate": ("a culture of germs", "an antibiogram", "a Petri dish"),
    "chromosomes": ("a metaphase spread", "genetic testing", "a trisomy"),
    "lab_test": ("a COVID test", "two lines on a test strip", "a urine dipstick"),
    "ecg": (
        "a heartbeat", "twelve leads", "a rhythm strip", "atrial fibrillation",
        "a heart attack in a trace", "QRS complexes", "cardiac rhythm on paper", "ST elevation",
    ),
    "eeg": ("an epileptic seizure", "sleep stages", "signals from electrodes on the scalp"),
    "eye_map": ("keratoconus", "corneal curvature", "Scheimpflug"),
    "dicom_capture": (
        "a radiologist's screen", "a PACS workstation", "hanging protocol", "MPR views in four "
        "panes", "a scan in software", "segmentation software with a patient's scan",
    ),
    "surgery": (
        "the operating theatre", "surgeons at work", "forceps and a scalpel", "laparoscopy",
        "cataract surgery", "a gallbladder being removed", "a robot's instruments in the body",
        "blood and retractors",
    ),
    "vet_xray": (
        "a dog's bones", "a cat's chest on film", "an animal's hip joint", "a horse's leg, "
        "radiograph", "a bird's skeleton on film", "the spine of a dog",
    ),
    "anatomy_slice": (
        "a cadaver", "the visible human", "a frozen section in colour", "a dissected specimen",
        "organs in a cut body", "an anatomy specimen",
    ),
}  # fmt: skip
