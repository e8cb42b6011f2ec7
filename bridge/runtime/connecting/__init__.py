"""How are sessions with PolyAI kept? As the conversations wish."""
