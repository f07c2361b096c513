"""The language of rules: from text to a tree, and from a tree to three-valued columns."""
