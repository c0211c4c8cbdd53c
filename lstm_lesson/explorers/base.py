"""The base class of the explorers, and sliders that check their start."""

import contextlib
import html
import tomllib
from importlib.resources import files
from numbers import Real

import ipywidgets as widgets

from lstm_lesson.shapes import check_size

VIEW = "application/vnd.jupyter.widget-view+json"
BOX = "lesson-explorer"  # the CSS class of every explorer; base.js and the tests search for it
HTML = tomllib.loads((files("lstm_lesson.explorers") / "base.toml").read_text(encoding="utf-8"))
SCRIPT = html.escape(files("lstm_lesson.explorers").joinpath("base.js").read_text(encoding="utf-8"))


class Explorer:
    """Controls, below them a picture that follows the controls, and below it the values as text.

    A subclass passes its controls to `super().__init__` and defines `draw`, which takes their values and returns the
    `Picture` and one line of text. `controls` maps the names of draw's arguments to ipywidgets; `rows` holds the
    controls and any buttons row by row, by default in one row that wraps.
    Shown as the last expression of a cell: live with a kernel, as a picture with alt text without one.
    An error in the first `draw` is raised. A later error replaces the picture until `draw` succeeds again.
    """

    def __init__(self, controls: dict, rows: list | None = None):
        self.controls = controls
        self.picture, self.text = self.draw(**self.values)  # an error at the start is raised
        self._waiting = False
        self._view = widgets.HTML(self._live())
        rows = rows or [list(controls.values())]
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        self.widget = widgets.VBox([*(widgets.HBox(row, layout=wrap) for row in rows), self._view])
        self.widget.add_class(BOX)
        for control in controls.values():
            control.observe(self.redraw, names="value")

    @property
    def values(self) -> dict:
        """The value of every control, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def move(self, **values) -> None:
        """Set some controls and draw once. Raises ValueError for an unknown control or a value outside its range."""
        if wrong := [name for name in values if name not in self.controls]:
            raise ValueError(f"{wrong[0]} is no control; the controls are {', '.join(self.controls)}")
        self._waiting = True
        try:
            for name, value in values.items():
                with contextlib.suppress(Exception):  # ipywidgets refuses some values and changes others
                    self.controls[name].value = value
                if self.controls[name].value != value:
                    raise ValueError(f"{name} is {value!r}; its control does not have this value")
        finally:
            self._waiting = False
            self.redraw()

    def redraw(self, _change=None, action=lambda: None) -> None:
        """Draw after `action`, or show the error in place of the picture: ipywidgets would hide it."""
        if self._waiting:
            return
        try:
            action()
            self.picture, self.text = self.draw(**self.values)
            self._view.value = self._live()
        except Exception as error:
            self._view.value = HTML["error"].format(type(error).__name__, html.escape(str(error)))

    def button(self, label: str, action) -> widgets.Button:
        """A button that calls `action()` and draws again; an error of `action` is shown in place of the picture."""
        button = widgets.Button(description=label)
        button.on_click(lambda _button: self.redraw(action=action))
        return button

    def _live(self) -> str:
        """The HTML that the browser gets at each change."""
        return self._repr_html_().replace("<img ", f'<img onload="{SCRIPT}" ', 1)

    def _repr_html_(self) -> str:
        return HTML["card"].format(self.picture._repr_html_()) + HTML["line"].format(html.escape(self.text))

    def _repr_mimebundle_(self, **_wishes) -> dict:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {"text/plain": repr(self), "text/html": self._repr_html_(), VIEW: view}

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.picture.alt}\n{self.text}"


def slider(label: str, name: str, value, low, high, step=0.1, width=400, label_width=120) -> widgets.Widget:
    """A slider of `width` pixels, `label_width` of them for its label; for whole numbers if `step` is an int.

    It reacts while it is dragged; ipywidgets leaves positions out while the kernel is busy.
    Raises ValueError unless `value` lies in the range; the message calls it `name`, the caller's argument.
    """
    if isinstance(step, int):
        check_size(name, value, low, high)
    elif isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}; it needs a number from {low} to {high}")
    kind = widgets.IntSlider if isinstance(step, int) else widgets.FloatSlider
    size = {"style": {"description_width": f"{label_width}px"}, "layout": {"width": f"{width}px", "max_width": "98%"}}
    return kind(value=value, min=low, max=high, step=step, description=label, **size)
