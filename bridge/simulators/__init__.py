"""Who plays the others? PolyAI and Slack as real servers on loopback, with faults as verbs."""
