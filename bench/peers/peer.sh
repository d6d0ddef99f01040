# Sourced by every build.sh: where sources come from and where builds go. Not run by itself.
#
#   PEER_BUILD    folder of the builds; out/peers of the project unless set
#   PEER_SOURCES  folder of clones already there, named as the repository (SEAL, hexl, cpu_features,
#                 openfhe-development; bare ones too); what is missing is cloned from GitHub
#   PEER_JOBS     compilers at one time, 1 unless set; they run with the lowest priority
#
# A script ends with status 3 and one line on stderr when the peer cannot be built on this machine.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
peer=$(basename "$here")
build=${PEER_BUILD:-$here/../../../out/peers}/$peer
mkdir -p "$build"
build=$(cd "$build" && pwd)
# Nothing to do where no file of this folder is newer than the program.
if [ -x "$build/bench" ] && [ -z "$(find "$here/.." -type f -newer "$build/bench")" ]; then exit 0; fi
: >"$build/build.log"

cannot() {
  echo "$peer: $1" >&2
  exit 3
}

needs() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || cannot "$tool is not installed"
  done
}

heavy() {
  nice -n 19 "$@" >>"$build/build.log" 2>&1 ||
    cannot "'$1' failed: $(grep -m1 -iE 'error|could not' "$build/build.log" || tail -n1 "$build/build.log")"
}

# Git takes a repository of PEER_SOURCES wherever its GitHub address is asked for, in the scripts of
# the peers too.
GIT_CONFIG_COUNT=0
for repository in microsoft/SEAL IntelLabs/hexl google/cpu_features openfheorg/openfhe-development; do
  clone=${PEER_SOURCES:-}/${repository#*/}
  if [ -n "${PEER_SOURCES:-}" ] && [ -e "$clone" ]; then
    for address in "https://github.com/$repository" "https://github.com/$repository.git"; do
      export "GIT_CONFIG_KEY_$GIT_CONFIG_COUNT=url.$(realpath "$clone").insteadOf"
      export "GIT_CONFIG_VALUE_$GIT_CONFIG_COUNT=$address"
      GIT_CONFIG_COUNT=$((GIT_CONFIG_COUNT + 1))
    done
  fi
done
export GIT_CONFIG_COUNT

# checkout OWNER/NAME COMMIT: $build/source is the tree of that commit, without submodules.
checkout() {
  [ "$(git -C "$build/source" rev-parse HEAD 2>/dev/null)" != "$2" ] || return 0
  rm -rf "$build/source"
  heavy git clone --quiet "https://github.com/$1" "$build/source"
  heavy git -C "$build/source" checkout --quiet "$2"
}

# cmake_install FLAG…: builds $build/source and installs it into $build/install.
cmake_install() {
  heavy cmake -S "$build/source" -B "$build/cmake" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX="$build/install" -DCMAKE_INSTALL_LIBDIR=lib "$@"
  heavy cmake --build "$build/cmake" --parallel "${PEER_JOBS:-1}"
  heavy cmake --install "$build/cmake"
}
