#!/usr/bin/env bash
# Lattigo 6.2.0 from the Go module proxy: writes $PEER_BUILD/lattigo/bench. Needs Go 1.24.
. "$(dirname "$0")/../peer.sh"
needs go
cd "$here"
heavy go build -o "$build/program" .
cat >"$build/bench" <<RUN
#!/bin/sh
GOMAXPROCS=1 exec "$build/program" "\$@"
RUN
chmod +x "$build/bench"
