"""Where does a plug-in run that nobody vouches for? In a process of its own.

The daemon (`apart`) starts it (`starting`), watches it, kills it when it no longer answers, and
reaps it before another is started. It is bound to the daemon's life (`process`); in it, `serving`
imports the plug-in and holds its adapter, which is lent a `host` that asks the daemon. Between them
is a `line`: frames over a socket pair, calls by number in both directions (`verbs`). Errors cross
as kinds (`failures`), HTTP requests as values (`requests`), and what is logged (`logs`).
"""
