"""Hold the public interface to types that pyright knows: its report in JSON, at least 98 %."""

import json
import sys
from pathlib import Path

found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["typeCompleteness"]
for symbol in found["symbols"]:
    causes = [one["message"].splitlines()[0] for one in symbol["diagnostics"]]
    for cause in causes if symbol["isExported"] and not symbol["isTypeKnown"] else []:
        if "partially unknown" not in cause:  # what merely mentions another that is listed
            print(f"{symbol['name']}: {cause}")
score = found["completenessScore"]
print(f"{score:.1%}")
sys.exit(score < 0.98)
