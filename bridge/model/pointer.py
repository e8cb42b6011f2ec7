"""What does a platform's link to a message point at?"""

from bridge.model.value import Value


class Pointer(Value, frozen=True, kw_only=True):
    """Names by which a message, or its thread, can be found; empty where the link does not tell.

    A `*` in one stands for anything: for what a name holds and the link does not, such as the id
    of a workspace.
    """

    identity: str = ""  #: one of `Inbound.identities`, if a person said it
    receipt: str = ""  #: the reference of its `Receipt`, if we posted it
    thread: str = ""  #: the key of the thread in which it stands
