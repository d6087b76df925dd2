"""The worker of one region: `python worker.py --region us`. See `watchfloor.runtime.worker`."""

from watchfloor.runtime.leaving import leave
from watchfloor.runtime.worker import main

if __name__ == "__main__":
    leave(main())
