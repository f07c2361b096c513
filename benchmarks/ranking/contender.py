"""One contender in a process of its own: gets ready, then runs whenever it is told to.

Of its own, so that no library's threads, caches or memory touch another's, and so that a peer
which needs another environment takes part on the same terms.
"""

import json
import os
import sys
from pathlib import Path

from benchmarks.ranking.ready import Ready
from benchmarks.ranking.world import World

__all__ = ["prepare", "serve"]


def prepare(name: str, world: World) -> Ready:
    """Prepare a contender by name; each imports only what it needs."""
    if name == "bare product":
        from benchmarks.ranking.bare import bare

        return bare(world)
    if name.startswith("ours"):
        _, kind, *without = name.split()
        if without:
            sys.modules["numba"] = None  # type: ignore[assignment]  # neither found nor imported
        from benchmarks.ranking.ours import ours

        return ours(world, kind)
    from benchmarks.ranking.peers import PEERS

    return PEERS[name](world)


def serve(name: str, folder: Path) -> None:
    """Answer a line for a line: `run`, or a path to write the last lists to."""
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not be taken for an answer
    try:
        ready = prepare(name, World.load(folder))
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}), file=told)
        return
    print(json.dumps({"note": ready.note, "took": ready.took}), file=told)
    last = None
    for line in sys.stdin:
        if line.strip() == "run":
            last = ready.run()
        else:
            ready.lists(last).save(Path(line.strip()))
        print(json.dumps({}), file=told)


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
