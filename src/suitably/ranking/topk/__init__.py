"""The one top-k engine: exact lists over eligible pairs."""
