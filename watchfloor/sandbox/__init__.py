"""The sandbox platform: a service of its own that stands for a company's systems where there is none to talk to.

It is reached over HTTP and SMTP through bindings, as any real system would be, and knows nothing of Watchfloor: it
imports nothing of the product. Every answer says that it is a sandbox. All data in it is synthetic.

    python -m watchfloor.sandbox --port 8090 --smtp-port 2525 --state DIR
"""
