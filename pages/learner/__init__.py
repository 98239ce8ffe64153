"""Who the learner is, and what is kept of them."""
