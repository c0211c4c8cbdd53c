"""What the networks read: generated tasks, series to forecast, invented headlines, and downloaded files."""

from lstm_lesson.data import agreement
from lstm_lesson.data.series import load_co2, lorenz, lorenz_slope, rk4_step, sine
from lstm_lesson.data.synthetic_news import synthetic_headlines
from lstm_lesson.data.tasks import adding_problem, embedded_reber, reber_strings, spike_timing, temporal_order
