"""What one server shares: the trainings and grids of all learners, and the tasks that workers are given."""
