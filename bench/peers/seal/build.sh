#!/usr/bin/env bash
# Microsoft SEAL 4.4.3 without HEXL: writes $PEER_BUILD/seal/bench. Needs git, CMake, a C++17 compiler.
. "$(dirname "$0")/../peer.sh"
needs git cmake c++
checkout microsoft/SEAL 356f2e6dcc0520dc9fc14e98674d9a56cba6018c
cmake_install -DSEAL_BUILD_DEPS=OFF -DSEAL_USE_MSGSL=OFF -DSEAL_USE_ZLIB=OFF -DSEAL_USE_ZSTD=OFF
heavy c++ -std=c++17 -O3 -DLIBRARY='"SEAL"' "$here/bench.cpp" -o "$build/bench" \
  -I"$build/install/include/SEAL-4.4" "$build/install/lib/libseal-4.4.a" -pthread
