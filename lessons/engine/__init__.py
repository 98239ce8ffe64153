"""Trains with Keras. Imported in worker processes only: it loads TensorFlow."""
