"""What both sides of a comparison have in common."""

MIN_FACE_SIZE = 40
