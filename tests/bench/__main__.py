"""`python -m tests.bench [ROUNDS] [NAME...]`: run the benches and print medians and ratios."""

import os
import platform
import sys

from tests.abilities import no_kernel
from tests.bench import capped, columns, live, oracle, overhead, peer, replay, sizes, workloads
from tests.bench.harness import CommandFailed

BENCHES = {
    "overhead": overhead.report,
    "capped": capped.report,
    "live": live.report,
    "workloads": workloads.report,
    "replay": replay.report,
    "sizes": sizes.report,
    "columns": columns.report,
    "oracle": oracle.report,
    "peer": peer.report,
}
# builds another program first
ON_REQUEST = {"peer"}
WITHOUT_KERNEL = {"oracle"}


def main(arguments: list[str]) -> int:
    """Run the named benches, all without a name."""
    rounds = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 5
    chosen = arguments or [name for name in BENCHES if name not in ON_REQUEST]
    why = no_kernel()
    if why and not set(chosen) <= WITHOUT_KERNEL:
        print(f"the benches capture live, and here {why}", file=sys.stderr)
        return 1
    print(f"kernel {platform.release()}, {os.cpu_count()} processors, medians of {rounds} interleaved runs", flush=True)
    try:
        for name in chosen:
            print("\n".join(BENCHES[name](rounds)), flush=True)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
