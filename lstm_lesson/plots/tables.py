"""Small tables, as HTML and as text."""

import html

from lstm_lesson.plots.inputs import as_list
from lstm_lesson.plots.numbers import significant


class Table:
    """Columns of text, each with a heading; numbers are aligned right, the columns named in `words` left."""

    def __init__(self, columns: dict[str, list[str]], words: set[str]):
        self.columns, self.words = columns, words

    @property
    def alt(self) -> str:
        """The table as text."""
        return repr(self)

    def _rows(self):
        return zip(*self.columns.values(), strict=True)

    def _repr_html_(self) -> str:
        def cells(texts, tag):
            made = []
            for name, text in zip(self.columns, texts, strict=True):
                side = "left" if name in self.words else "right"
                made.append(f'<{tag} style="text-align:{side};padding:4px 14px">{html.escape(text)}</{tag.split()[0]}>')
            return f"<tr>{''.join(made)}</tr>"

        head = cells(self.columns, 'th scope="col"')
        body = "".join(cells(row, "td") for row in self._rows())
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"

    def __repr__(self) -> str:
        wide = {name: max(map(len, [name, *texts])) for name, texts in self.columns.items()}
        lines = []
        for row in (self.columns, *self._rows()):
            pairs = zip(self.columns, row, strict=True)
            texts = [text.ljust(wide[n]) if n in self.words else text.rjust(wide[n]) for n, text in pairs]
            lines.append("  ".join(texts).rstrip())
        return "\n".join(lines)


def table(columns: dict, digits: int = 3) -> Table:
    """A small table: `columns` maps a heading to its values, a list or a tensor (n,).

    Floats are shown with `digits` significant digits, whole numbers and words as they are.
    Raises ValueError if a column is empty, not one-dimensional, or of another length than the first.
    """
    if not columns:
        raise ValueError("columns is empty; it needs at least one heading with its values")
    shown, words, length = {}, set(), None
    for name, values in columns.items():
        values = as_list(name, values)
        length = length or len(values)
        if len(values) != length:
            raise ValueError(f"{name} has {len(values)} values; it needs {length}, as the first column has")
        if not all(isinstance(v, (int, float)) for v in values) or all(isinstance(v, bool) for v in values):
            words.add(str(name))
        shown[str(name)] = [significant(v, digits) if isinstance(v, float) else str(v) for v in values]
    return Table(shown, words)
