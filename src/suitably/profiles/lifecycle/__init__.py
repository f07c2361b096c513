"""Are they new, growing, staying, declining or gone? A stage, and since when."""
