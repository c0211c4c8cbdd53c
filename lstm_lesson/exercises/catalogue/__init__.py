"""The exercises with their known wrong answers; the file nbNN holds those of notebook NN."""
