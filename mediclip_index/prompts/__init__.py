"""Classes in words: TOML files → `PromptSet`s.

name = "pets"
pooling = "groups"            # or "mean", or "prompts"; "groups" when left out
template = "a photo of {}"    # optional: what each sentence is put into

[classes.cat.groups]          # a class in groups, each of several sentences
kitten = ["a kitten", "a young cat"]
grown_cat = ["a cat", "a tabby cat on a sofa"]

[classes]                     # or in short: one group, named like its class
dog = ["a dog", "a puppy"]
"""

from mediclip_index.prompts.load import bundled_names, load_bundled, load_file
from mediclip_index.prompts.parse import parse

__all__ = ["bundled_names", "load_bundled", "load_file", "parse"]
