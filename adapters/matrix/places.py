"""Where is it? Thread keys, and who else is in a room."""

import unicodedata

from bridge.model.ids import ThreadKey
from bridge.model.value import Value


class Place(Value, frozen=True):
    """A thread: under the event `root` of a room, or with "" all of a room for two."""

    room: str
    root: str = ""

    @property
    def key(self) -> ThreadKey:
        """Room and root; neither holds a space, as both stand in paths and references."""
        return ThreadKey(f"{self.room} {self.root}".rstrip())


def place_of(key: ThreadKey) -> Place:
    """The place that a key of ours names."""
    room, _, root = key.partition(" ")
    return Place(room, root)


class Account(Value, frozen=True):
    """Who we are: a user id, and the name under which people see us, if there is one."""

    user: str
    name: str = ""
    device: str = ""  #: what the token belongs to

    @property
    def server(self) -> str:
        """Our own server's name."""
        return self.user.partition(":")[2]


class Room(Value, frozen=True):
    """What is known of a room: the display names of those in it, and whether it is encrypted."""

    id: str
    members: dict[str, str]
    encrypted: bool = False

    @property
    def direct(self) -> bool:
        """Whether it is a conversation of two: then all of it is for us."""
        return len(self.members) <= 2

    def name_of(self, user: str) -> str | None:
        """How people call somebody there; None if another there is called the same.

        Who takes another's name must not pass for them.
        """
        name = self.members.get(user)
        if not name:
            return None
        same = _alike(name)
        others = (shown for other, shown in self.members.items() if other != user)
        return None if any(_alike(shown) == same for shown in others) else name


def _alike(name: str) -> str:
    """What two names that look the same have in common, letter by letter."""
    return unicodedata.normalize("NFKC", name).casefold().strip()
