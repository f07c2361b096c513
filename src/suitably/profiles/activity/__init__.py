"""How do they come, and how far? Visits, paths, contacts and the stages of a funnel."""
