"""Where is the app installed, what must it be allowed, and is it?"""
