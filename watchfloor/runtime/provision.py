"""`python -m watchfloor.runtime.provision --region us`: make one region's home: directories and keys.

A process of its own for each region, because no process holds two regions' keys. What other regions may know is left in
`<home>/<region>/public.json`. Does nothing to what is already there.
"""

import argparse
import json
import sys
from pathlib import Path

from watchfloor.regions.certificates import KeyBook, establish_root
from watchfloor.regions.keys import KeysRefused, PublicKeys, RegionKeys
from watchfloor.runtime.settings import find_home

PUBLIC_FILE = "public.json"
PRIVATE = 0o700


def provision(home: Path, region: str, namespace: str = "") -> PublicKeys:
    """Make `<home>/<region>` with its keys, or check the keys that are there; a region without a root gets one.

    Args:
        namespace: the region's Temporal namespace, which certificates name; the region's id if not given.

    Raises:
        KeysRefused: keys are there and cannot be used.
    """
    directory = home / region
    for folder in (home, directory, directory / "evidence", directory / "postmortems"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(PRIVATE)
    keys = RegionKeys.load_or_create(directory / "keys")
    establish_root(KeyBook(directory / "keys", region, namespace or region), keys.face)
    public = keys.public
    (directory / PUBLIC_FILE).write_text(json.dumps(public.to_json(), indent=1) + "\n")
    return public


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m watchfloor.runtime.provision", description=__doc__)
    parser.add_argument("--region", required=True)
    parser.add_argument("--home", type=Path, default=None)
    parser.add_argument("--namespace", default="", help="Temporal namespace; the region's id if left out")
    given = parser.parse_args(arguments)
    try:
        public = provision(find_home(given.home), given.region, given.namespace)
    except (KeysRefused, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    json.dump(public.to_json(), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
