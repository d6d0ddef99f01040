#!/usr/bin/env bash
# TenSEAL 0.3.16 from PyPI, in a virtual environment: writes $PEER_BUILD/tenseal/bench.
. "$(dirname "$0")/../peer.sh"
needs python3
environment=${TENSEAL_ENVIRONMENT:-$build/environment}
[ -x "$environment/bin/python" ] || heavy python3 -m venv "$environment"
if ! "$environment/bin/python" -c 'import tenseal' 2>>"$build/build.log"; then
  heavy "$environment/bin/pip" install --requirement "$here/requirements.txt"
fi
cat >"$build/bench" <<RUN
#!/bin/sh
exec "$environment/bin/python" "$here/network.py" "\$@"
RUN
chmod +x "$build/bench"
