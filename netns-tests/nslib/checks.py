"""Counts and prints what was checked."""


class Checks:
    def __init__(self, quiet=False):
        self.passed = self.failed = 0
        self._quiet = quiet  # failures are printed all the same

    def ok(self, good, text, details=()):
        """One check. `details` are printed when it fails."""
        if good:
            self.passed += 1
            if not self._quiet:
                print(f"  ok    {text}", flush=True)
            return
        self.failed += 1
        print(f"  FAIL  {text}", flush=True)
        for line in details:
            print(f"          {line}", flush=True)

    def equal(self, got, expected, text):
        self.ok(got == expected, text, (f"expected {expected!r}", f"got      {got!r}"))

    def none(self, differences, text):
        self.ok(not differences, text, differences)

    def result(self):
        """Prints the sum; the exit status."""
        print(f"{self.passed + self.failed} checks, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0
