# How the Python edox-ops 0.1.0 deploys a tree. Beside it, whoever wants may remove the backup.
#   deploy-tree.py SOURCE LIVE BACKUP

import os
import shutil
import subprocess
import sys

source, live, backup = sys.argv[1:]
staging, previous = live + ".staging", live + ".previous"
shutil.copytree(live, backup, symlinks=True)
os.mkdir(staging)
subprocess.run(["rsync", "-a", "--delete", source + "/", staging + "/"], check=True)
subprocess.run(["chown", "-R", "root:root", staging], check=True)
os.rename(live, previous)
os.rename(staging, live)
shutil.rmtree(previous)
