"""The parts of a room: door, seat, console, projector."""
