"""The version of Tocsin that stands in every record it makes."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("tocsin")
