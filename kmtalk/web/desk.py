"""What a visitor has before them, and whether what is being done for it is still wanted."""

from collections.abc import Callable
from dataclasses import dataclass

from kmtalk.web.service import Take


@dataclass
class Desk:
    """One visitor's desk: the take that lies on it, and the work that it waits for.

    Gradio's own way to cancel work loses what is pressed before the server has answered, and may hit what comes next.
    So work asks its desk whether it is still wanted.
    """

    take: Take | None = None
    _work: object | None = None

    def begin(self) -> Callable[[], bool]:
        """Begin something new, after which nothing begun before is wanted; return whether this is, to be asked."""
        self._work = object()
        return self.wanted()

    def lay(self, take: Take) -> None:
        """Lay another take on the desk: what was being done for the one before is no longer wanted."""
        self.take = take  # before begin(), so that who asks wanted() first never works on a take that has gone
        self.begin()

    def stop(self) -> None:
        """Want nothing any more."""
        self._work = None

    def wanted(self) -> Callable[[], bool]:
        """Return whether what was begun last is wanted, to be asked again and again."""
        work = self._work
        return lambda: work is not None and self._work is work

    @property
    def idle(self) -> bool:
        """Whether nothing is wanted."""
        return self._work is None
