"""Write one sheet to print: `python tools/sheet/sheet.py FOLDER` (or `make sheet`), for A4 and for Letter.

The equations come from notebook 00, everything else from the template beside this file. A Chromium makes the PDF;
without one, print the pages from any browser.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "site")]

import formulas  # noqa: E402
import jinja2  # noqa: E402
import lessons  # noqa: E402
from tracked import ROOT  # noqa: E402

SIZES = {"a4": ("210mm 297mm", "6.5mm"), "letter": ("8.5in 11in", "5.8mm")}  # the paper, and the height of a row
SENTENCE = "the keys outside near the man there ___ ."
SHAPES = [  # what, shape, meaning
    ("x_t", "B N", "the input at step t: B sequences, N numbers each"),
    (r"h_{t-1},\ h_t", "B H", "the hidden state, before and after the step"),
    (r"c_{t-1},\ c_t", "B H", "the cell state: the memory"),
    (r"i_t,\ f_t,\ g_t,\ o_t", "B H", "input gate, forget gate, candidate, output gate"),
    (r"W_{xi},\ W_{xf},\ W_{xc},\ W_{xo}", "N H", "read the input"),
    (r"W_{hi},\ W_{hf},\ W_{hc},\ W_{ho}", "H H", "read the hidden state"),
    (r"b_i,\ b_f,\ b_c,\ b_o", "H", "the biases"),
]
FEATURES = ("singular noun", "plural noun", "verb", "article", "other word", "full stop")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def equations() -> list[str]:
    """The five equations as notebook 00 lists them, without the words beside them. ValueError if there are not five."""
    cells = lessons.read(ROOT / "notebooks" / "00_start_here.ipynb").cells
    text = "".join(cell.source for cell in cells if cell.source.startswith("### The five equations"))
    found = [re.split(r"\\qquad|\\;\s*\\text|\\text", each)[0] for each in re.findall(r"\$\$(.+?)\$\$", text)]
    if len(found) != 5:
        raise ValueError(f"notebook 00 lists {len(found)} equations under 'The five equations'; it needs 5")
    return found


def page(size: str) -> str:
    """The sheet for a paper size, as one HTML page."""
    loader = jinja2.FileSystemLoader(HERE)
    template = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined).get_template("sheet.html.j2")
    made = template.render(
        size=SIZES[size][0],
        row=SIZES[size][1],
        equations=[formulas.formula(each, display=True) for each in equations()],
        shapes=[(formulas.formula(what), f"({', '.join(shape.split())}{',' * (shape == 'H')})", told)
                for what, shape, told in SHAPES],
        words=SENTENCE.split(),
        features=FEATURES,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        font = Path(scratch) / "math.woff"
        formulas.write_font(font, [made])
        data = base64.b64encode(font.read_bytes()).decode()
    return made.replace("url(math.woff)", f"url(data:font/woff;base64,{data})")


def chromium() -> str:
    """A Chromium on the PATH; empty if there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM)), "")


def print_to(pdf: Path, html: Path, program: str) -> None:
    """Print a page. RuntimeError with what the browser said if there is no PDF."""
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as profile:
        command = [
            program,
            "--headless",
            *root,
            "--disable-gpu",
            f"--user-data-dir={profile}",
            "--no-pdf-header-footer",
        ]
        command += ["--disable-background-networking", f"--print-to-pdf={pdf.resolve()}", html.resolve().as_uri()]
        said = subprocess.run(command, capture_output=True, text=True).stderr
    if not pdf.is_file():
        raise RuntimeError(f"{program} made no PDF of {html}:\n{said[-2000:]}")


def main(folder: Path) -> None:
    """Write the sheet in both sizes, as HTML and, with a Chromium, as PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    program = chromium()
    for size in SIZES:
        html, pdf = folder / f"sheet-{size}.html", folder / f"sheet-{size}.pdf"
        html.write_text(page(size), encoding="utf-8")
        pdf.unlink(missing_ok=True)
        if program:
            print_to(pdf, html, program)
        print(pdf if program else f"{html}: no Chromium here, so print it from your browser, without margins")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
