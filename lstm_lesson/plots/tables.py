"""Small tables, as HTML and as text."""

import html
import re

from lstm_lesson.plots.numbers import as_plain, significant

CODE = "margin:0;font-family:monospace;white-space:pre-wrap;background:none"


class Table:
    """A small table: `columns` maps a heading to its values, a list or a tensor (n,).

    Floats are shown with `digits` significant digits, whole numbers and words as they are, with a true minus sign;
    numbers are aligned right. Raises ValueError for a column that is empty, not (n,), or longer or shorter than others.
    """

    def __init__(self, columns: dict, digits: int = 3):
        if not columns:
            raise ValueError("columns is empty; it needs at least one heading with its values")
        self.columns, self.words, length = {}, set(), None
        for name, values in columns.items():
            if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__") or getattr(values, "ndim", 1) == 0:
                raise ValueError(f"{name} is {values!r}; it needs a list or a tensor (n,)")
            values = [as_plain(name, value) for value in values]
            if not values:
                raise ValueError(f"{name} is empty; it needs at least one value")
            length = length or len(values)
            if len(values) != length:
                raise ValueError(f"{name} has {len(values)} values; it needs {length}, as the first column has")
            if not all(isinstance(v, (int, float)) for v in values) or all(isinstance(v, bool) for v in values):
                self.words.add(str(name))
            texts = (significant(v, digits) if isinstance(v, float) else str(v) for v in values)
            self.columns[str(name)] = [re.sub(r"(?<!\S)-(?=[\d.])", "−", text) for text in texts]

    def _repr_html_(self) -> str:
        columns = []
        for name, texts in self.columns.items():
            style = f'style="text-align:{"left" if name in self.words else "right"};padding:4px 14px"'
            shown = [html.escape(text) for text in texts]
            if any("\n" in text for text in texts):  # lines, such as code; in <pre> a $ begins no formula
                shown = [f"<pre style='{CODE}'>{text}</pre>" for text in shown]
            cells = [f"<td {style}>{text}</td>" for text in shown]
            columns.append([f'<th scope="col" {style}>{html.escape(name)}</th>', *cells])
        head, *body = (f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
        return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"

    def __repr__(self) -> str:
        columns = []
        for name, texts in self.columns.items():
            texts = [text.replace("\n", "↵") for text in (name, *texts)]
            wide = max(map(len, texts))
            columns.append([t.ljust(wide) if name in self.words else t.rjust(wide) for t in texts])
        return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))
