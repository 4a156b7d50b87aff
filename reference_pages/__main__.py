"""Write every generated file: `python -m reference_pages`."""

from __future__ import annotations

from reference_pages.generated import GENERATED

for path, text in GENERATED.items():
    path.write_text(text(), encoding="utf-8")
