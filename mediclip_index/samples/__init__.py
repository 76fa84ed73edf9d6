"""The sample collection: installed packages → real pictures on this disk, with what is known of
them.

`collection.csv` lists every picture: the package that carries it, its file there, label, split,
category (a group of the prompt set `medical`), subject, what it shows, origin and licence. Nothing
is copied and nothing is downloaded.
"""

from mediclip_index.samples.collection import Collection, collection

__all__ = ["Collection", "collection"]
