#!/usr/bin/env bash
# Microsoft SEAL 4.4.3 with Intel HEXL 1.2.6, the version that SEAL names: writes
# $PEER_BUILD/seal-hexl/bench. Needs git, CMake, a C++17 compiler. HEXL has AVX-512 kernels alone;
# without AVX-512 it is portable C++, which the program says in the field "kernel".
. "$(dirname "$0")/../peer.sh"
needs git cmake c++
checkout microsoft/SEAL 356f2e6dcc0520dc9fc14e98674d9a56cba6018c
cmake_install -DSEAL_BUILD_DEPS=ON -DSEAL_USE_MSGSL=OFF -DSEAL_USE_ZLIB=OFF -DSEAL_USE_ZSTD=OFF \
  -DSEAL_USE_INTEL_HEXL=ON
heavy c++ -std=c++17 -O3 -DLIBRARY='"SEAL + HEXL"' -DHEXL "$here/../seal/bench.cpp" -o "$build/bench" \
  -I"$build/install/include/SEAL-4.4" "$build/install/lib/libseal-4.4.a" -pthread
