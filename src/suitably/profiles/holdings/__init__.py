"""What do they hold? Acquisitions less disposals, in pieces or in money."""
