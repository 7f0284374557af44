"""The version of this package, written into the files it makes."""

VERSION = "0.1.0"
