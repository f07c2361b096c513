"""Whom, with what, through which channel, within which budget?"""

__all__: list[str] = []
