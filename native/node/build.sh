#!/bin/sh
# Builds the addon and puts it where Node.js loads it: native/node/cipherloom.node.
set -eu
cd "$(dirname "$0")"
cargo build --release -p cipherloom-node
target=${CARGO_TARGET_DIR:-../target}
for library in libcipherloom_node.so libcipherloom_node.dylib cipherloom_node.dll; do
  if [ -f "$target/release/$library" ]; then
    # A process that has the old one loaded keeps it.
    cp "$target/release/$library" cipherloom.node.new
    mv cipherloom.node.new cipherloom.node
    exit 0
  fi
done
echo "no library in $target/release" >&2
exit 1
