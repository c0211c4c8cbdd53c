"""What every explorer shares: controls above, a picture below that follows them, and the values as text."""

import contextlib
import html
import math

import ipywidgets as widgets

from lstm_lesson.plots.figure import Picture

VIEW = "application/vnd.jupyter.widget-view+json"
BOX = "lesson-explorer"  # the CSS class of every explorer, for the script below and for tests
CARD = '<div class="lesson-picture" style="line-height:0">{}</div>'
LINE = '<div class="lesson-values" role="status" style="font-size:15px;line-height:1.5;padding:4px 2px">{}</div>'
ERROR = (
    '<div class="lesson-error" role="alert" style="font-size:15px;line-height:1.5;padding:12px;color:#202124;'
    'background:#FDECEA;border-left:4px solid #B3264C">This cannot be drawn. {}: {}</div>'
)
# A slider of ipywidgets has no name for a screen reader, one of version 7 no role and no value either. The picture's
# arrival is a moment that every front end reports to the page: there each slider is given the text of its label.
# The arrow keys in a list would move JupyterLab's own cursor to another cell, if it were not told to leave them alone.
NAME_SLIDERS = """
for (const row of this.closest('.lesson-explorer')?.querySelectorAll('.widget-slider') ?? []) {
  const name = row.querySelector('.widget-label').textContent, readout = row.querySelector('.widget-readout');
  const handle = row.querySelector('.noUi-handle, .ui-slider-handle');
  handle.setAttribute('aria-label', name);
  if (handle.matches('.ui-slider-handle')) {
    handle.setAttribute('role', 'slider');
    handle.setAttribute('aria-valuenow', parseFloat(readout.textContent.replace('−', '-')));
  }
  readout.setAttribute('role', 'textbox');
  readout.setAttribute('aria-label', name + ', typed');
}
for (const list of this.closest('.lesson-explorer')?.querySelectorAll('select') ?? []) {
  list.setAttribute('data-lm-suppress-shortcuts', 'true');
}"""


class Explorer:
    """Controls above, a picture below that follows them, and the values as text under it.

    A subclass hands its controls to `super().__init__` and writes `draw`. `controls` maps the names of draw's
    arguments to ipywidgets; `rows` lays them and any buttons out, by default in one row that wraps.
    Shown as the last expression of a cell: live with a kernel, as a picture with alt text without one.
    What `draw` raises later than at the start is shown in the picture's place until the next position that works.
    """

    def __init__(self, controls: dict, rows: list | None = None):
        self.controls = controls
        self.picture, self.text = self.draw(**self.values)  # a wrong start is the caller's error, and raised
        self._held = False
        self._view = widgets.HTML(self._live())
        rows = rows or [list(controls.values())]
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        self.widget = widgets.VBox([*(widgets.HBox(row, layout=wrap) for row in rows), self._view])
        self.widget.add_class(BOX)
        for control in controls.values():
            control.observe(self.redraw, names="value")

    def draw(self, **values) -> tuple[Picture, str]:
        """The picture at these values of the controls, and the values as one line of text."""
        raise NotImplementedError

    @property
    def values(self) -> dict:
        """The value of every control, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def move(self, **values) -> None:
        """Set some controls and draw once. ValueError for a name that is no control, and for a value it cannot take."""
        if wrong := [name for name in values if name not in self.controls]:
            raise ValueError(f"{wrong[0]} is no control; there are {', '.join(self.controls)}")
        self._held = True
        try:
            for name, value in values.items():
                self._set(name, value)
        finally:
            self._held = False
            self.redraw()

    def _set(self, name, value):
        control = self.controls[name]
        with contextlib.suppress(Exception):  # ipywidgets refuses some values and bends others to its range
            control.value = value
        if control.value != value:
            raise ValueError(f"{name} is {value!r}; its control cannot take that")

    def redraw(self, _change=None) -> None:
        """Draw the present values, or the error in the picture's place: ipywidgets would swallow it."""
        if self._held:
            return
        try:
            self.picture, self.text = self.draw(**self.values)
        except Exception as error:
            self._view.value = ERROR.format(type(error).__name__, html.escape(str(error)))
        else:
            self._view.value = self._live()

    def button(self, label: str, action) -> widgets.Button:
        """A button that calls `action()` and draws again; what `action` raises is shown in the picture's place."""

        def clicked(_button):
            try:
                action()
            except Exception as error:
                self._view.value = ERROR.format(type(error).__name__, html.escape(str(error)))
            else:
                self.redraw()

        button = widgets.Button(description=label)
        button.on_click(clicked)
        return button

    def _live(self) -> str:
        """The picture as the browser gets it at each move."""
        image = self.picture._repr_html_().replace("<img ", f'<img onload="{NAME_SLIDERS}" ', 1)
        return CARD.format(image) + LINE.format(html.escape(self.text))

    def _repr_html_(self) -> str:
        return CARD.format(self.picture._repr_html_()) + LINE.format(html.escape(self.text))

    def _repr_mimebundle_(self, **_wishes) -> dict:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {"text/plain": repr(self), "text/html": self._repr_html_(), VIEW: view}

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.picture.alt}\n{self.text}"


def slider(label: str, name: str, value, low, high, step=0.1, width: int = 400, named: int = 120) -> widgets.Widget:
    """A slider `width` pixels wide, `named` of them for its label; for whole numbers if `step` is one.

    It reacts while it is dragged; ipywidgets leaves out positions in between when the kernel is busy.
    Raises ValueError unless `value`, which the caller knows as `name`, lies in the range.
    """
    check_number(name, value, low, high, whole=isinstance(step, int))
    kind = widgets.IntSlider if isinstance(step, int) else widgets.FloatSlider
    looks = {"style": {"description_width": f"{named}px"}, "layout": {"width": f"{width}px", "max_width": "98%"}}
    return kind(value=value, min=low, max=high, step=step, description=label, **looks)


def check_number(name: str, value, low: float, high: float, whole: bool = False) -> None:
    """Raise ValueError unless `value` is a finite number from `low` to `high`, a whole one if asked."""
    kind = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}; it needs a {'whole ' if whole else ''}number from {low} to {high}")
