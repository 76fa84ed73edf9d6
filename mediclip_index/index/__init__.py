"""`Index`: the one door to an index folder.

from mediclip_index import Index

index = Index.create("indexes/default")
index.build(["photos/"])
for verdict in index.query(["photo.png"]).verdicts:
    print(verdict.path, verdict.label, verdict.probability, verdict.why)
index.labels.set("medical", [12])
"""

from mediclip_index.index.index import Index

__all__ = ["Index"]
