"""The staff's calls."""
