"""What did somebody tell us? Pure: payloads of Slack's as inbounds; nothing here raises or acts."""
