# shellcheck shell=sh disable=SC2154 # the variables are those of trace-build.sh
# Finds Node and becomes the worker. Read in by trace-build.sh when the agent no longer waits; apart from it, because the
# agent would wait for these lines to be parsed.
#
# in:   $home, $state, $queue, $folder, $search_path, $managed, $given_managed, within_project
# out:  worker.cjs in place of this process, with an empty environment; the path of node in $state/node, or, where there
#       is none of 20 or newer, $state/no-node and a queue that is kept small

# A detached one must leave the terminal's session: the trap on HUP lasts only until Node starts, which takes every signal
# that was ignored as its own again (so `nohup` would be of no more use). macOS has no setsid, but it has perl.
work() {
  mode=$1
  find_node || {
    no_node
    return
  }
  cd /
  set -- "$node" "$folder/worker.cjs"
  [ -z "$given_managed" ] || set -- "$@" --managed "$managed"
  if [ "$mode" = awaited ]; then
    set -- "$@" --wait
  elif command -v setsid; then
    set -- setsid "$@"
  elif command -v perl; then
    # shellcheck disable=SC2016 # perl's own variables
    set -- perl -MPOSIX=setsid -e 'setsid; exec { $ARGV[0] } @ARGV' "$@"
  fi
  exec env -i HOME="$home" PATH="$PATH:${node%/*}" "$@"
}

# The recorded one, else the first of 20 or newer, which is recorded.
find_node() {
  node=''
  IFS= read -r node <"$state/node"
  case $node in
    /*) if [ -f "$node" ] && [ -x "$node" ]; then
      [ ! -e "$state/no-node" ] || rm -f "$state/no-node"
      return 0
    fi ;;
  esac
  set -f
  IFS=:
  for place in $search_path; do
    # Physical: fnm's is a link that lives as long as a terminal, and no link may lead into the project.
    case $place in /*) place=$(cd -P "$place" && pwd -P) ;; *) continue ;; esac
    [ -x "$place/node" ] && ! within_project "$place" && takes "$place/node" && return 0
  done
  for place in $PATH; do takes "$place/node" && return 0; done
  IFS=$line_feed
  for node in "$home/.volta/bin/node" \
    $(newest "$home/.nvm/versions/node" bin) $(newest "$home/.config/nvm/versions/node" bin) \
    $(newest "$home/.local/share/fnm/node-versions" installation/bin) \
    $(newest "$home/Library/Application Support/fnm/node-versions" installation/bin) \
    $(newest "$home/.asdf/installs/nodejs" bin) "$home/.asdf/shims/node" \
    $(newest "$home/.local/share/mise/installs/node" bin); do
    takes "$node" && return 0
  done
  return 1
}

takes() {
  [ -f "$1" ] && [ -x "$1" ] || return 1
  version=$(cd / && env -i HOME="$home" PATH="${1%/*}:$PATH" "$1" --version)
  major=${version#v}
  major=${major%%.*}
  case $version in v[0-9]*) ;; *) return 1 ;; esac
  case $major in *[!0-9]*) return 1 ;; esac
  [ "$major" -ge 20 ] || return 1
  node=$1
  printf '%s\n' "$node" >|"$state/.node.$$" && mv -f "$state/.node.$$" "$state/node"
  rm -f "$state/no-node"
}

# Paths of node in a folder of versions, the newest first.
newest() {
  [ -d "$1" ] || return
  # shellcheck disable=SC2012 # sed takes only names of versions
  ls "$1" | sed -n 's/^v\{0,1\}\([0-9][0-9.]*\)$/\1 &/p' | sort -t. -k1,1nr -k2,2nr -k3,3nr | while IFS=' ' read -r _ name; do
    printf '%s\n' "$1/$name/$2/node"
  done
}

# Without node nothing drains the queue: 14 days and 64 MB stay of it, and what goes is counted.
no_node() {
  printf '' >|"$state/no-node"
  find "$queue" -type f \( -name '*.job' -o -name '.*.tmp' \) -mtime +13 | drop age -1
  kilobytes=$(du -sk "$queue")
  over=$((${kilobytes%%[!0-9]*} - 65536))
  # shellcheck disable=SC2012 # the names are ours
  [ "$over" -le 0 ] || ls -tr "$queue" | drop size "$over"
}

# Of the files named on stdin, in their order, so many kilobytes; -1: all.
drop() {
  left=$2
  while IFS= read -r file && [ "$left" -ne 0 ]; do
    file=$queue/${file##*/}
    kilobytes=$(du -k "$file")
    rm "$file" || continue
    printf '%s000 %s\n' "$(date +%s)" "$1" >>"$queue/.dropped"
    [ "$left" -lt 0 ] && continue
    left=$((left - ${kilobytes%%[!0-9]*}))
    [ "$left" -gt 0 ] || left=0
  done
}
