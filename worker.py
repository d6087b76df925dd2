"""The worker of one region: `python worker.py --region us`. See `watchfloor.runtime.worker`."""

import sys

from watchfloor.runtime.worker import main

if __name__ == "__main__":
    sys.exit(main())
