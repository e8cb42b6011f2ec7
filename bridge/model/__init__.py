"""What is it? Frozen values: what people say, what is shown, what the agent's frames mean."""
