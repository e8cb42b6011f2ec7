"""What does Slack show? Pure: what we tell as blocks, words and labels, within every limit."""
