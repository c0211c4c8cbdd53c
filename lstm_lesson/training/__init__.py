"""Training: one loop, its batches, and the numbers that tell whether a model has learned."""

from lstm_lesson.training.loop import History, ProgressLine, fit, stream_steps, training_steps
from lstm_lesson.training.metrics import batches, bits_on, evaluate, masked_accuracy, predict, sign_flip_test
from lstm_lesson.training.probes import card
