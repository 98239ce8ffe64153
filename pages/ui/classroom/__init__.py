"""What the room page is made of: the door, a learner's seat, the instructor's console, the projector."""
