"""Drawings for the notebooks: each function returns a `Picture` with alt text, or a `Table`."""

from lstm_lesson.plots.charts import bars, differences, lines, stacked_bars
from lstm_lesson.plots.computation_graph import autograd_graph
from lstm_lesson.plots.diagrams import lstm_diagram, lstm_svg, rnn_diagram, scan_diagram
from lstm_lesson.plots.figure import Picture
from lstm_lesson.plots.heatmaps import heatmaps
from lstm_lesson.plots.style import COLORS, STYLE
from lstm_lesson.plots.tables import Table
from lstm_lesson.plots.tables import Table as table  # as the lessons call it
