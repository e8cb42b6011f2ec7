"""Are we well? What is wrong, since when, and who notices that something stands still."""
