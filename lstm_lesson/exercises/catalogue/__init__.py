"""The exercises with their known wrong answers; the files nbNN hold those of notebook NN."""
