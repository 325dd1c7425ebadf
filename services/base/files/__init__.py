"""Files that people send: receiving them, knowing what they are, having them scanned, keeping them by their content."""
