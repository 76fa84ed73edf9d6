"""What people look at: reports → JSON, tables, CSV, paths, and progress. Knows results only."""

from mediclip_index.show.progress import TerminalProgress
from mediclip_index.show.records import plain
from mediclip_index.show.writing import FORMATS, OutputStyle, ReportView, write

__all__ = ["FORMATS", "OutputStyle", "ReportView", "TerminalProgress", "plain", "write"]
