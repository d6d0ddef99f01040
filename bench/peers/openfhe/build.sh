#!/usr/bin/env bash
# OpenFHE 1.5.1, one thread, machine-specific optimisation: writes $PEER_BUILD/openfhe/bench. Needs git,
# CMake, a C++17 compiler and the headers of cereal (libcereal-dev), in place of OpenFHE's submodule.
. "$(dirname "$0")/../peer.sh"
needs git cmake c++
cereal=${CEREAL_INCLUDE:-/usr/include}/cereal
[ -d "$cereal" ] || cannot "the headers of cereal are not installed (libcereal-dev, or CEREAL_INCLUDE)"
checkout openfheorg/openfhe-development ed361af22049007db2107e7c69bcff209e8c420d
mkdir -p "$build/source/third-party/cereal/include"
ln -sfn "$cereal" "$build/source/third-party/cereal/include/cereal"
cmake_install -DGIT_SUBMOD_AUTO=OFF -DBUILD_SHARED=OFF -DBUILD_STATIC=ON -DBUILD_UNITTESTS=OFF \
  -DBUILD_EXAMPLES=OFF -DBUILD_BENCHMARKS=OFF -DWITH_OPENMP=OFF -DWITH_NATIVEOPT=ON
include=$build/install/include/openfhe
heavy c++ -std=c++17 -O3 -march=native "$here/bench.cpp" -o "$build/program" \
  -I"$include" -I"$include/core" -I"$include/pke" -I"$include/binfhe" -I"$build/source/third-party/cereal/include" \
  "$build"/install/lib/libOPENFHE{pke,binfhe,core}_static.a -pthread
# Every result is a new ciphertext: without this the allocator gives the memory back and the kernel
# clears it again, at two to five times the cost of a sum.
cat >"$build/bench" <<RUN
#!/bin/sh
export MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456
exec "$build/program" "\$@"
RUN
chmod +x "$build/bench"
