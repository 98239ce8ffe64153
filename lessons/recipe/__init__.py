"""What a run is made of: settings, data, a model and a loss."""
