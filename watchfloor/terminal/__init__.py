"""The console on a terminal: what waits, what runs, and deciding over exactly what is shown, with a keyboard over SSH.

`feed` reads and sends through the client library, as the command line does; the screens show what it has read. It is
imported only when the full screen opens.
"""
