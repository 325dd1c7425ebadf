"""Run every benchmark, one after the other. Real complaints are used where REDRESS_REAL_DATA names their folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Run them; the first that fails ends it."""
    alone = ("intake", "pipeline", "log_stress", "judgements", "deadlines", "casework", "notices")
    runs = [[f"{name}.py"] for name in alone]
    data = os.environ.get("REDRESS_REAL_DATA")
    if data:
        folder = Path(data)
        runs.append(
            [
                "classifier.py",
                str(folder / "complaints.jsonl"),
                "--labels",
                str(folder / "complaints.labels.jsonl"),
                "--learn",
            ]
        )
    for script, *arguments in runs:
        print(f"\n== {script} {' '.join(arguments)}", flush=True)
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
        subprocess.run([sys.executable, str(HERE / script), *arguments], env=environment, check=True)


if __name__ == "__main__":
    main()
