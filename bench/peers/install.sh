#!/usr/bin/env bash
# Installs what denoise.py needs into a virtual environment outside the source tree.
#   bench/peers/install.sh /tmp/maskclass-peers
# Packages that the system's Python has (python3-torch, python3-scipy on Debian) are used from there.
set -euo pipefail
venv=${1:?usage: bench/peers/install.sh FOLDER}
python=/usr/bin/python3
[ -x "$python" ] || python=python3
"$python" -m venv --system-site-packages "$venv"
"$venv/bin/pip" install --quiet -r "$(dirname "$0")/requirements.txt"
echo "installed: run $venv/bin/python bench/peers/table.py"
