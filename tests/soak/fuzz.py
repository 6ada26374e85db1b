"""Load a million mutated model files: a ModelFileError or a working model each time, in bounded memory.

Of every tenth as many forged files fits are resumed, or weights taken: if that is refused, nothing has changed.

    python tests/soak/fuzz.py               1,000,000 files
    python tests/soak/fuzz.py 50000 7       so many, from the seed 7,000,000 on
"""

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import file_fuzz


def main():
    numbers = [int(number) for number in sys.argv[1:]]
    files = numbers[0] if numbers else 1_000_000
    first = 1_000_000 * numbers[1] if len(numbers) > 1 else 0
    warnings.simplefilter("ignore")
    with file_fuzz.in_memory() as folder, file_fuzz.at_most(1 << 30):
        refused, taken = file_fuzz.fuzz(folder, range(first, first + files))
        print(f"{files:,} files: {refused:,} refused, {taken:,} are models that work", flush=True)
        refused, taken = file_fuzz.fuzz_fits(folder, range(first, first + files // 10))
    print(f"{files // 10:,} forged fits: {refused:,} refused, {taken:,} taken")


if __name__ == "__main__":
    main()
