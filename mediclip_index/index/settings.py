"""The settings that an index has had: `index.settings`."""

from __future__ import annotations

from mediclip_index.jobs import settings as settings_job
from mediclip_index.session.session import Session
from mediclip_index.types import (
    SettingsReport,
)


class SettingsHistory:
    """The settings of an index, and which are in force."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> SettingsReport:
        """All settings that the index has had, and which are in force."""
        return settings_job.settings_list(self._session)

    def use(self, number: int) -> SettingsReport:
        """Put settings that `tune` kept, or those that ship, in force again by their number."""
        return settings_job.use_settings(self._session, number)

    def reset(self) -> SettingsReport:
        """Put the settings that ship in force again."""
        return settings_job.reset_settings(self._session)
