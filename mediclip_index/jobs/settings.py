"""Settings of the verdict that an index has had, and which of them are in force."""

from __future__ import annotations

from dataclasses import replace

from mediclip_index.catalog import models
from mediclip_index.session.session import Session
from mediclip_index.types import KeptSettings, Settings, SettingsReport, UsageError


def settings_list(session: Session) -> SettingsReport:
    """See Index.settings_list."""
    with session.catalog.reading() as read:
        in_force = models.settings(read).number
        kept = [
            KeptSettings(settings, in_force=settings.number == in_force, time=time, by=author)
            for settings, time, author in models.all_settings(read)
        ]
        return SettingsReport(session.facts(read), tuple(kept))


def use_settings(session: Session, number: int) -> SettingsReport:
    """See Index.use_settings."""
    with session.catalog.reading() as read:
        known = [settings.number for settings, _, _ in models.all_settings(read)]
        in_force = models.settings(read).number
    if number not in known:
        raise UsageError(
            f"There are no settings number {number}; `mediclip-index settings list` shows all."
        )
    if number != in_force:
        with session.catalog.writing("settings use", by=session.author) as write:
            models.choose(write, "settings", number)
    return settings_list(session)


def reset_settings(session: Session) -> SettingsReport:
    """See Index.reset_settings."""
    with session.catalog.reading() as read:
        shipped = [
            settings.number
            for settings, _, _ in models.all_settings(read)
            if replace(settings, number=0) == Settings()
        ]
    if shipped:
        return use_settings(session, shipped[-1])
    with session.catalog.writing("tune --reset", by=session.author) as write:
        models.add_settings(write, Settings())
    return settings_list(session)
