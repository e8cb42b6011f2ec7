"""How are encrypted rooms read and written? Olm between devices, Megolm in rooms.

Only `machine` is for others. All of it needs vodozemac, which the extra `matrix-encrypted` brings.
"""
