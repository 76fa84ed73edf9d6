"""What addresses ask for, each as one value."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from mediclip_index.catalog.schema import literal
from mediclip_index.types import AuditFilter, ListQuery, SearchQuery, UsageError
from mediclip_index.types.serving import Order
from mediclip_index.web.requests import LARGEST_ID

Texts = Annotated[list[str], Field(default_factory=list)]


class PileQuery(BaseModel):
    """What the search line and the chips of the Pile say. `text` may hold several texts, divided by
    ";", and ids as "#12"; each may carry a weight, as in "X-ray::0.5"."""

    text: str = ""
    without: str = ""
    like: str = ""
    ids: str = ""
    where: str = ""
    kind: str = ""
    label: str = ""
    verdict: str = ""
    unsure: str = ""
    split: str = ""
    order: Order = "oldest"


def list_query(said: Annotated[PileQuery, Query()]) -> ListQuery:
    texts = [part.strip() for part in said.text.split(";") if part.strip()]
    ids = [_id(t[1:]) for t in texts if _names_an_image(t)]
    ids += [_id(i) for i in said.like.replace(",", " ").split()]
    conditions = [f"({said.where.strip()}\n)"] if said.where.strip() else []
    chosen = [_id(i) for i in said.ids.replace(",", " ").split()]
    if chosen:
        conditions.append(f"id IN ({', '.join(map(str, chosen))})")
    for column, value in (("label", said.label), ("verdict", said.verdict), ("split", said.split)):
        if value == "none":
            conditions.append(f"{column} IS NULL")
        elif value:
            conditions.append(f"{column} = {literal(value)}")
    if said.unsure:
        conditions.append("unsure" if said.unsure != "no" else "NOT unsure")
    search = SearchQuery(
        text=tuple(t for t in texts if not _names_an_image(t)),
        without=tuple(part.strip() for part in said.without.split(";") if part.strip()),
        like=tuple(ids),
        where=" AND ".join(conditions) or None,
        kinds=(said.kind,) if said.kind else (),
        k=None,
    )
    return ListQuery(search=search, order=said.order)


TheList = Annotated[ListQuery, Depends(list_query)]


class Search(BaseModel):
    """As the options of the command `search`."""

    text: Texts
    without: Annotated[list[str], Field(alias="not", default_factory=list)]
    like: Annotated[list[int], Field(default_factory=list)]
    where: str | None = None
    kind: Texts
    k: Annotated[int, Field(ge=1, le=10_000)] = 10
    min_similarity: float | None = None

    def query(self) -> SearchQuery:
        return SearchQuery(
            text=tuple(self.text), without=tuple(self.without), like=tuple(self.like),
            where=self.where, kinds=tuple(self.kind), k=self.k,
            min_similarity=self.min_similarity,
        )  # fmt: skip


class PastVerdicts(BaseModel):
    """As the options of the command `audit list`; a form's empty fields say nothing."""

    label: str | None = None
    unsure: bool | None = None
    path: str | None = None
    run: str | None = None
    since: str | None = None
    until: str | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = 20

    def filter(self) -> AuditFilter:
        return AuditFilter(**{n: v if v != "" else None for n, v in self.model_dump().items()})


def given(said: BaseModel) -> dict[str, Any]:
    """What was asked for, for a form to show it again; nothing where nothing was."""
    return {name: "" if value is None else value for name, value in said.model_dump().items()}


def _names_an_image(text: str) -> bool:
    return text.startswith("#") and text[1:].isdecimal()


def _id(text: str) -> int:
    # Longer numbers than any image has take Python long to read.
    if text.isdecimal() and len(text) < 20 and 0 < int(text) <= LARGEST_ID:
        return int(text)
    raise UsageError(f"{text[:40]!r} is no image's number.")
