"""What do they say of themselves? Tags that can be deleted, and events of a life."""
