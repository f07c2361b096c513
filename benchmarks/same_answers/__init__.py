"""Whether a change of the code leaves every answer as it was, to the last bit.

Only the public interface is asked, so the same questions can be put to any two versions.
"""
