"""The option of the other scripts."""


def pytest_addoption(parser):
    parser.addoption("--write", action="store_true", help="write the section Kernels of RESULTS.md")
