"""Texts: news as numbers, classifiers that read them, and the words on which an answer depends (`text.saliency`)."""

from lstm_lesson.data.download import NewsUnavailable
from lstm_lesson.text.classifiers import BagOfWords, TextClassifier, load_classifier, save_classifier
from lstm_lesson.text.news import Split, Vocabulary, load_news, pad_batch, posts_or_headlines, tokenize
from lstm_lesson.text.tables import load_csv
