"""Plots as SVG, drawn by matplotlib without a display, in colour-blind safe colours."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import StringIO
from tempfile import TemporaryDirectory
from typing import Any

from depthpaint.core.errors import ParameterError, not_installed
from depthpaint.core.files import expanded, is_folder

BLUE, ORANGE = "#0072b2", "#d55e00"
"""From Okabe and Ito's palette, which is colour-blind safe."""
WIDE, HIGH = 6.4, 3.2
VARIABLE = "MPLCONFIGDIR"
"""The environment variable for the folder of matplotlib's font list."""


def histogram(values: Sequence[float], label: str, counted: str) -> str:
    """How often each value occurs."""
    figure, axes = _axes()
    bins = min(40, max(5, len(values) // 3))
    axes.hist(list(values), bins=bins, range=_range(values), color=BLUE, edgecolor="white")
    axes.set(xlabel=label, ylabel=counted)
    return _svg(figure)


def spread(groups: Mapping[str, Sequence[float]], label: str) -> str:
    """Median and quartiles of each group, with its single values beside them."""
    figure, axes = _axes()
    axes.boxplot(
        [list(values) for values in groups.values()], tick_labels=list(map(_inert, groups)),
        orientation="horizontal", showfliers=False, medianprops={"color": ORANGE, "linewidth": 2},
    )  # fmt: skip
    for row, values in enumerate(groups.values()):
        axes.plot(list(values)[:200], [row + 1.0] * min(200, len(values)), ".", color=BLUE, alpha=0.5)
    axes.set(xlabel=label)
    return _svg(figure)


def curve(points: Mapping[str, Sequence[tuple[float, float, float, float]]], x: str, y: str) -> str:
    """Lines of (x, y, low, high): values with their intervals."""
    figure, axes = _axes()
    for colour, (name, values) in zip((BLUE, ORANGE, "#009e73", "#cc79a7"), points.items(), strict=False):
        across, middle, low, high = zip(*sorted(values), strict=True)
        axes.plot(across, middle, "o-", color=colour, label=_inert(name))
        axes.fill_between(across, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set(xlabel=x, ylabel=y)
    if len(points) > 1:
        axes.legend(frameon=False)
    return _svg(figure)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From the lowest to the highest value; widened if there is no room for bins."""
    low, high = min(values), max(values)
    if high - low < 1e-9 * max(1.0, abs(low), abs(high)):
        return low - 0.5, high + 0.5
    return low, high


def _axes() -> tuple[Any, Any]:
    """A figure and its axes; matplotlib's own types are not precise enough to check."""
    figure: Any = _figure_class()(figsize=(WIDE, HIGH), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, alpha=0.25)
    return figure, axes


def require_plots() -> None:
    """Raise ParameterError if matplotlib is not installed."""
    _figure_class()


def has_plots() -> bool:
    """Whether matplotlib is installed."""
    try:
        require_plots()
    except ParameterError:
        return False
    return True


def _figure_class() -> Any:
    """matplotlib's Figure, imported without leaving files behind.

    The first import on a machine stores a list of all fonts in the home folder. If matplotlib already has a
    folder there, or MPLCONFIGDIR names one, the list is kept; otherwise it is deleted.
    """
    try:
        with _matplotlib_folder():
            from matplotlib.figure import Figure
    except ImportError as error:
        raise not_installed(ParameterError, error, "a plot", "report") from error
    return Figure


@contextmanager
def _matplotlib_folder() -> Generator[None]:
    caches = (os.environ.get("XDG_CACHE_HOME", "~/.cache") + "/matplotlib", "~/.matplotlib")
    if VARIABLE in os.environ or any(is_folder(expanded(cache)) for cache in caches):
        yield
        return
    with TemporaryDirectory(prefix="depthpaint-") as folder:
        os.environ[VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def _svg(figure: Any) -> str:
    mpl: Any = import_module("matplotlib")
    text = StringIO()
    # Text is kept as text, and equal plots are equal files.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "depthpaint"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]


def _inert(label: str) -> str:
    """Escape dollar signs in a label, which would start a formula."""
    return label.replace("$", r"\$")
