"""How do we call Slack? Turns, pauses, what an answer means, what need not be tried."""
