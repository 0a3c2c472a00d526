"""Runs a command once its disk is there: `python after_mount.py FOLDER COMMAND...`. Standard library only."""

import os
import sys
import time

while not os.path.ismount(sys.argv[1]):
    time.sleep(0.02)
os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the point of this file
