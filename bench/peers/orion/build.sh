#!/usr/bin/env bash
# Orion v2 2.1.8 from PyPI, in a virtual environment: writes $PEER_BUILD/orion/bench. Needs Python
# 3.11 or 3.12. PyTorch comes without CUDA where its own index can be reached, else with it (3 GB).
. "$(dirname "$0")/../peer.sh"
needs python3
python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || cannot 'Python 3.11 or 3.12 is needed'
environment=${ORION_ENVIRONMENT:-$build/environment}
[ -x "$environment/bin/python" ] || heavy python3 -m venv "$environment"
if ! "$environment/bin/python" -c 'import orion_compiler, orion_evaluator, lattigo' 2>>"$build/build.log"; then
  nice -n 19 "$environment/bin/pip" install --index-url https://download.pytorch.org/whl/cpu torch==2.2.2 >>"$build/build.log" 2>&1 || true
  heavy "$environment/bin/pip" install --requirement "$here/requirements.txt"
fi
cat >"$build/bench" <<RUN
#!/bin/sh
GOMAXPROCS=1 OMP_NUM_THREADS=1 exec "$environment/bin/python" "$here/networks.py" "\$@"
RUN
chmod +x "$build/bench"
