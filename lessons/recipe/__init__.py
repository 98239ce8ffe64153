"""What a run is made of: settings, data and a loss; and the few basics that all use."""
