# Sourced by the other scripts: what a command needs is installed where that is allowed, and asked for where not.

# need COMMAND DEBIAN_PACKAGE: makes sure of a command; says what it installs; fails with one sentence
need() {
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing $2 with apt-get, for the command $1" >&2
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"; } >/dev/null && return
    echo "apt-get could not install $2" >&2
  else
    echo "the command $1 is missing: install it first (Debian: apt-get install $2)" >&2
  fi
  return 1
}
