"""What one person may read of the records on this machine."""

from dataclasses import dataclass, field
from pathlib import Path

from watchfloor.authorisation import load_authority
from watchfloor.cli.stores import RegionStore
from watchfloor.client.errors import Refused
from watchfloor.client.face import is_loopback
from watchfloor.client.recorded import Reader, about_records
from watchfloor.identity.live import LiveDirectory
from watchfloor.runtime.settings import SettingsRefused, find_home, load


@dataclass(frozen=True, slots=True)
class Sight:
    """Who reads, judged by the policies of the region whose record it is; everything where nobody is named.

    What a person may not see is not there for them: in lists, by its id and by the beginning of its id.
    """

    home: Path | None = None
    person: str = ""
    _readers: dict[str, Reader | None] = field(default_factory=dict, repr=False)

    def shows(self, store: RegionStore, chain: str) -> bool:
        """Whether the person may see the run that wrote a chain.

        Raises:
            Refused: development sign-in was tried beyond this machine.
            PeopleRefused, PoliciesRefused, LedgerError: it cannot be judged.
        """
        if not self.person:
            return True
        reader = self._reader(store)
        if reader is None:
            return False
        with store.ledger() as ledger:
            return all(reader.judge("view", of).allowed for of in about_records(ledger, chain, store.region))

    def pick(self, store: RegionStore, chains: list[str]) -> list[str]:
        """The chains that the person may see, in their order."""
        return [chain for chain in chains if self.shows(store, chain)]

    def require(self, store: RegionStore, chain: str, verb: str) -> None:
        """Have the policies say whether the person may do this with a record that they see.

        Raises:
            Refused: with the policy, what it wants, what was found and what to do.
        """
        reader = self._reader(store) if self.person else None
        if reader is None:
            return
        with store.ledger() as ledger:
            verdicts = [reader.judge(verb, of) for of in about_records(ledger, chain, store.region)]
        for verdict in verdicts:
            if not verdict.allowed:
                raise Refused(verdict.refusal, verdict.reason)

    def reader(self, store: RegionStore) -> Reader | None:
        """Who reads, as the region knows them; None for nobody in particular, and for somebody it does not know.

        Raises:
            Refused, PeopleRefused, PoliciesRefused: as `shows`.
        """
        return self._reader(store) if self.person else None

    def _reader(self, store: RegionStore) -> Reader | None:
        if store.region not in self._readers:
            self._readers[store.region] = self._admit(store)
        return self._readers[store.region]

    def _admit(self, store: RegionStore) -> Reader | None:
        home = find_home(self.home)
        people, policies, here = home / "people.yaml", store.folder / "policies", True
        try:
            settings = load(store.region, home)
        except SettingsRefused:
            pass  # no engine is known: the files below the home directory are all there is, and they are here
        else:
            people, policies = settings.people_path, settings.policies_path
            here = settings.embedded or is_loopback(settings.address)
        if not here:
            raise Refused(
                Refused.NOT_SIGNED_IN,
                "development sign-in (--as) works only against a stack on this machine; sign in through the gateway",
            )
        someone = LiveDirectory(people, store.region).find(self.person)
        return Reader(someone, load_authority(policies), here) if someone is not None else None


EVERYTHING = Sight()
"""Nobody in particular looks."""
