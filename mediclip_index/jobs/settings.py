"""Settings of the verdict that an index has had, and which of them are in force."""

from __future__ import annotations

from dataclasses import replace

from mediclip_index.catalog import models
from mediclip_index.jobs.desk import Desk
from mediclip_index.types import KeptSettings, Settings, SettingsReport, UsageError


def settings_list(desk: Desk) -> SettingsReport:
    """See Index.settings_list."""
    with desk.catalog.reading() as read:
        in_force = models.settings(read).number
        kept = [
            KeptSettings(settings, in_force=settings.number == in_force, time=time, by=author)
            for settings, time, author in models.all_settings(read)
        ]
        return SettingsReport(desk.facts(read), tuple(kept))


def use_settings(desk: Desk, number: int) -> SettingsReport:
    """See Index.use_settings."""
    with desk.catalog.reading() as read:
        known = [settings.number for settings, _, _ in models.all_settings(read)]
        in_force = models.settings(read).number
    if number not in known:
        raise UsageError(
            f"There are no settings number {number}; `mediclip-index settings list` shows all."
        )
    if number != in_force:
        with desk.catalog.writing("settings use", by=desk.author) as write:
            models.choose(write, "settings", number)
    return settings_list(desk)


def reset_settings(desk: Desk) -> SettingsReport:
    """See Index.reset_settings."""
    with desk.catalog.reading() as read:
        shipped = [
            settings.number
            for settings, _, _ in models.all_settings(read)
            if replace(settings, number=0) == Settings()
        ]
    if shipped:
        return use_settings(desk, shipped[-1])
    with desk.catalog.writing("tune --reset", by=desk.author) as write:
        models.add_settings(write, Settings())
    return settings_list(desk)
