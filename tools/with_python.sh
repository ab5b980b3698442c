#!/bin/sh
# Run Python with the arguments given, with the first interpreter that the course can use:
#   sh tools/with_python.sh -m tools.setup_env
# PYTHON=NAME asks for one by name. Without it: the one in the environment, python3, python3.13, 3.12, 3.11.
# Where there is none, uv fetches one if it can; otherwise the message says what to install.

venv=${AECOURSE_VENV:-.venv}
here=$(dirname "$0")

# ensurepip is missing where Debian's python3-venv is.
usable() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
    >/dev/null 2>&1
}

use() {
  python=$1
  shift
  exec "$python" "$@"
}

fail() {
  echo "$1" >&2
  cat "$here/python_needed.txt" >&2
  exit 2
}

# What is known of an interpreter that cannot be used, in one line.
describe() {
  found=$("$1" -c 'import sys; print(sys.version.split()[0])' 2>/dev/null) || found="does not start"
  case $found in
    3.11.* | 3.12.* | 3.13.*) found="$found, without venv and ensurepip" ;;
  esac
  echo "$1 ($found)"
}

# Windows has the launcher py instead of python3.12.
launcher() {
  command -v py >/dev/null 2>&1 || return 1
  for version in 3.13 3.12 3.11; do
    py "-$version" -c 'import sys; print(sys.executable)' 2>/dev/null && return
  done
  return 1
}

# Print the path of uv: an installed one, or the one that the lock pins, fetched by any Python that has pip.
find_uv() {
  command -v uv && return
  for name in python3 python; do
    "$name" -m venv "$venv-uv" >/dev/null 2>&1 && [ -d "$venv-uv" ] || continue
    awk '/^[^ #]/ { wanted = /^uv==/ } wanted' "$here/../requirements.lock" >"$venv-uv/requirement.txt"
    for folder in bin Scripts; do
      "$venv-uv/$folder/python" -m pip install --quiet --require-hashes --no-deps \
        -r "$venv-uv/requirement.txt" >/dev/null 2>&1 && echo "$venv-uv/$folder/uv" && return
    done
  done
  return 1
}

fetched() {
  uv=$(find_uv) || return 1
  echo "No Python 3.11, 3.12 or 3.13 was found; asking uv to fetch one..." >&2
  "$uv" python install --quiet 3.13 >&2 && "$uv" python find --quiet --managed-python 3.13
}

if [ -n "$PYTHON" ]; then
  usable "$PYTHON" && use "$PYTHON" "$@"
  fail "Python 3.11, 3.12 or 3.13 with venv is needed; PYTHON names $(describe "$PYTHON")."
fi
# An environment that is to be removed cannot be the one that does it.
case "$*" in
  *repair) own=/nowhere ;;
  *) own=$venv ;;
esac
for name in "$own/bin/python" "$own/Scripts/python.exe" python3 python3.13 python3.12 python3.11 python \
  "$HOME"/.pyenv/versions/3.1[321].*/bin/python; do
  usable "$name" && use "$name" "$@"
done
name=$(launcher) && usable "$name" && use "$name" "$@"
name=$(fetched) && usable "$name" && use "$name" "$@"

seen=
for name in python3 python3.13 python3.12 python3.11 python; do
  command -v "$name" >/dev/null 2>&1 && seen="$seen${seen:+, }$(describe "$name")"
done
fail "Python 3.11, 3.12 or 3.13 with venv is needed, and uv could not fetch one. Found: ${seen:-none}."
