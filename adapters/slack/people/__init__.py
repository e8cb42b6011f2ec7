"""Who is there? Names, who asked, and whom to tell that we are not in the channel."""
