"""What a lesson is made of, and how lessons are found."""
