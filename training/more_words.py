"""Further words: what else there is, in medicine and elsewhere."""

from __future__ import annotations


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(";"))


# Medical pictures of kinds that no training picture shows, then all other things.
OTHER_MEDICAL = _phrases("""
an optical coherence tomography scan of the retina; an OCT image; a PET scan; a bone scan; a
SPECT image; nuclear medicine; an angiogram; a coronary angiography; fluoroscopy; an
electrocardiogram; an ECG trace; an EEG recording; a capsule endoscopy image; a laparoscopic
surgery frame; surgery in an operating room; a cystoscopy image; a bronchoscopy image; a
laryngoscopy image of the vocal cords; an otoscope image of the ear drum; a slit lamp
photograph of the eye; a pap smear; a cytology slide; a fluorescence micrograph; cultured
cells under a microscope; bacteria under the microscope; malaria parasites in blood; an
intraoral photograph of teeth; a photograph of the tongue; a surgical wound; a burn; a bruise;
acne on a face; eczema; psoriasis; vitiligo; a nail disease; an eye infection; a fetal
ultrasound; an echocardiogram; a doppler ultrasound; a thyroid ultrasound; a head CT; a brain
MRI; a spine X-ray; a pelvis X-ray; a hand X-ray; a skull X-ray; an abdominal CT; a cardiac
MRI; a cephalometric X-ray; a bitewing radiograph; an immunohistochemistry slide; a bone
marrow smear
""")
OTHER_THINGS = _phrases("""
a galaxy; a nebula; stars at night; the sun; a planet; a radar image; a sonar image; a weather
map; a seismic section; an X-ray diffraction pattern; a radiograph of a weld; an industrial CT
of a part; an X-ray of a printed circuit board; an integrated circuit; fabric; wood grain;
marble; concrete; sand; water; clouds; grass; leaves; bark; fur; a QR code; a bar code; a
handwritten note; handwritten digits; sheet music; a comic strip; a manga page; an oil
painting; a pencil sketch; a sculpture; a logo; an icon; a flag; a poster; a newspaper page; a
form; an invoice; a table of numbers; a pie chart; a histogram; a flow chart; an organisation
chart; a mathematical formula; source code; a blank image; random noise; a mineral; a fossil;
pollen grains; a snowflake; metal grains in a micrograph; a street scene; a fashion image;
clothes; shoes; a toy; a musical instrument; a crowd; a selfie; a child; a hand; a foot; an
ear; an eye; hair; lips; make-up; a plate of pasta; a cake; coffee; wine; a kitchen; a garden;
a beach; a forest; a mountain; a river; snow; a sunset; a bridge; a tower; a church; a shop;
an office; a train; an aeroplane; a ship; a bicycle; a truck; a bird; a fish; a snake; a
horse; a cow; a cat; a dog; a fruit; a vegetable; a tree; a mushroom
""")
OTHER_KINDS = OTHER_MEDICAL + OTHER_THINGS
ANATOMY = _phrases("""
brain; head; skull; neck; cervical spine; thoracic spine; lumbar spine; spine; chest; lung;
heart; ribs; breast; abdomen; liver; kidney; pancreas; spleen; gallbladder; stomach; bowel;
colon; bladder; prostate; uterus; ovary; fetus; pelvis; hip; knee; ankle; foot; toe; shoulder;
elbow; wrist; hand; finger; eye; retina; ear; nose; sinuses; throat; thyroid; jaw; teeth;
tongue; skin; scalp; artery; vein; aorta; lymph node; bone marrow; muscle; nerve
""")
IMAGING = _phrases("""
X-ray; radiograph; CT scan; CT slice; computed tomography; MRI; MRI scan; MR image;
ultrasound; sonogram; PET scan; angiogram; endoscopy; microscope image; biopsy; histology
slide; photograph; clinical photo; scan; surgery
""")
FINDINGS = _phrases("""
a tumour; cancer; a fracture; pneumonia; tuberculosis; covid-19; a nodule; a cyst; bleeding; a
haemorrhage; inflammation; an infection; a polyp; an ulcer; oedema; arthritis; a stone; an
implant; a metastasis; no findings; a benign mass; a malignant mass; diabetes; a hernia;
calcification
""")
TEMPLATES = _phrases("""
{}; a photo of {}; a picture of {}; an image of {}; an image showing {}; this is {}; {}.; a
photo of {}.; a close-up of {}; an example of {}; a photograph of {}; a blurry photo of {}; a
black and white photo of {}; one picture of {}
""")
