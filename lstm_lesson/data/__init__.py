"""What the networks read: generated tasks, series to forecast, invented headlines, and downloaded files."""

from lstm_lesson.data.download import NewsUnavailable
from lstm_lesson.data.series import load_co2, lorenz, lorenz_slope, rk4_step, sine
from lstm_lesson.data.synthetic_news import synthetic_headlines
from lstm_lesson.data.tasks import (
    IGNORE,
    REBER,
    adding_problem,
    embedded_reber,
    reber_strings,
    spike_timing,
    temporal_order,
)

__all__ = ["IGNORE", "REBER", "NewsUnavailable", "adding_problem", "embedded_reber", "load_co2", 
           "lorenz", "lorenz_slope", "reber_strings", "rk4_step", "sine", "spike_timing", "synthetic_headlines",
           "temporal_order"]  # fmt: skip
