"""How do we speak to PolyAI? JSON to frames (`wire`), HTTP (`api`), one WebSocket (`socket`)."""
