"""Who is told how it goes? Figures, hops of messages, traces, alarms."""
