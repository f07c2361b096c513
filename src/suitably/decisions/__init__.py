"""Whom, with what, through which channel, within which budget?"""

from suitably.decisions.offers import offers

__all__ = ["offers"]
