#!/bin/sh
# What an agent's hooks run at SessionStart, Stop and SessionEnd: puts the event into the queue, starts the worker, is gone.
#
#   trace-build.sh [EVENT] [--harness NAME] [--home DIR] [--path DIRS] [--managed FILE]
#
# in:   the event's payload on stdin; from the environment CLAUDE_PROJECT_DIR, CLAUDE_CODE_SESSION_ID, CLAUDE_PID,
#       TRACE_BUILD_TRACEPARENT, TRACE_BUILD_DISABLED, and PATH to look for node in
# out:  ~/.local/state/trace-build/queue/<name>.job and a detached worker.cjs; exit code 0 whatever happens.
#       On stdout nothing, but for one line of JSON at SessionStart when there is something to tell the user
#
# The agent waits for this script, so what it waits for is builtins, one `cat` and one `ln`: each process costs half an empty
# sh. A repository's settings can set any variable here, so none decides what is captured or where it goes: the home is the
# user database's, tools come from fixed places, and the worker gets an empty environment. But for --harness the options are
# for tests: arguments come from hooks.json, which no repository writes.
# POSIX sh: dash, busybox, bash 3.2. No setsid, flock, realpath or GNU tool is taken for granted.

set +x
exec 2>/dev/null
# bash takes functions from the environment, too; `unset` is one that they can't replace.
unset -f '[' cat cd command date du env find grep id ln ls mkdir mv perl printf pwd read rm sed setsid sort umask
unset CDPATH GREP_OPTIONS

# The worker has to know of a disabled session, too: its transcript would be found by a later one.
case ${TRACE_BUILD_DISABLED:-0} in
  0 | false | False | FALSE) disabled='' ;;
  *) disabled=1 ;;
esac

umask 077
set -C
export LC_ALL=C # also for speed: no tool has to load a locale
IFS='
 	'
line_feed='
'
# shellcheck disable=SC2034 # start-worker.sh looks for node there
search_path=${PATH:-}
PATH=/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin:/run/current-system/sw/bin
home='' given_home='' managed='' given_managed='' event='' harness='' folder=${0%/*}
case $folder in
  "$0") folder=$(pwd -P) ;;
  /*) ;;
  *) folder=$(pwd -P)/$folder ;;
esac
# A hand-wired hook may leave the event out: the payload tells the worker.
case ${1:-} in
  '' | *[!A-Za-z]*) ;;
  *) event=$1 && shift ;;
esac
# shellcheck disable=SC2034 # given_managed is for start-worker.sh
while [ $# -ge 2 ]; do
  case $1 in
    --harness) harness=$2 ;;
    --home) given_home=$2 ;;
    --path) PATH=$2 ;;
    --managed) managed=$2 given_managed=1 ;;
  esac
  shift 2
done

# Where the platform has /proc its user's line of /etc/passwd is read without a process; else `id`, and the shell's ~name.
find_home() {
  key='' uid='' name='' user=''
  while read -r key _ uid _; do [ "$key" = Uid: ] && break; done </proc/self/status
  if [ "$key" = Uid: ]; then
    while IFS=: read -r name _ user _ _ home _; do [ "$user" = "$uid" ] && break; done </etc/passwd
    [ "$user" = "$uid" ] || home=''
  fi
  case $home in /*) return ;; esac
  name=$(id -un)
  case $name in
    '' | [!A-Za-z_]* | *[!A-Za-z0-9_.-]*) ;;
    *) eval "home=~$name" ;;
  esac
  case $home in /*) return ;; esac
  # A user whom no database knows, as in some containers: $HOME, unless the repository can have made what is in it.
  home=$(cd -P "${HOME:-}" && pwd -P)
  within_project "$home" && exit 0
}

# Is a physical directory in the work tree that the session began in, or in the one it is in now?
within_project() {
  case $1/ in "$(top_of "${CLAUDE_PROJECT_DIR:-.}")"/* | "$(top_of .)"/*) return 0 ;; *) return 1 ;; esac
}

# The work tree that a directory is in, or the directory; '' for the root, which everything is below.
top_of() {
  directory=$(cd -P "$1" && pwd -P) top=''
  up=$directory
  while [ -n "$up" ] && [ -z "$top" ]; do
    [ -e "$up/.git" ] && top=$up
    up=${up%/*}
  done
  top=${top:-$directory}
  printf '%s\n' "${top%/}"
}

# Another agent may run inside Claude Code, whose variables tell of the outer one.
[ -z "$harness" ] || unset CLAUDE_CODE_SESSION_ID CLAUDE_PROJECT_DIR CLAUDE_PID

find_home
home=${given_home:-$home}
config=$home/.config/trace-build/config.json
state=$home/.local/state/trace-build
queue=$state/queue
[ -n "$managed" ] || for managed in '/Library/Application Support/trace-build/config.json' /etc/trace-build/config.json; do
  [ -f "$managed" ] && break
done
# Without a config nothing is in scope.
[ -f "$config" ] || [ -f "$managed" ] || exit 0

# --- what the user is told -------------------------------------------------------------------

# What stands after a key in a file: enough of JSON for a key of the outermost object. A `grep` would cost more.
value_of() {
  value='' text='' line=''
  [ -f "$2" ] || return 1
  while IFS= read -r line || [ -n "$line" ]; do text=$text$line; done <"$2"
  # The name of a key stands in `lock`, too, where no colon follows.
  while :; do
    case $text in *"\"$1\""*) text=${text#*"\"$1\""} ;; *) return 1 ;; esac
    rest=$text
    while :; do
      case $rest in
        [[:space:]]*) rest=${rest#?} ;;
        :*) value=${rest#:} && break ;;
        *) break ;;
      esac
    done
    [ -z "$value" ] || break
  done
  while :; do
    case $value in [[:space:]]*) value=${value#?} ;; *) return 0 ;; esac
  done
}

# The managed file goes before the user's.
set_to() {
  value_of "$1" "$managed" || value_of "$1" "$config"
  case $value in "$2"*) return 0 ;; *) return 1 ;; esac
}

tell() {
  notice=''
  if [ -e "$state/no-node" ]; then
    set_to notice '"off"' ||
      notice='{"systemMessage":"trace-build: no Node.js 20 or newer was found, so nothing is sent yet and sessions wait in the queue. Install Node.js; the next session finds it."}'
  elif [ -s "$state/notice.json" ]; then
    IFS= read -r notice <"$state/notice.json"
  fi
  case $notice in '{"systemMessage":'*'}') printf '%s\n' "$notice" ;; esac
}

# --- the queue -------------------------------------------------------------------------------

field() {
  case $2 in
    '' | *"$line_feed"*) ;;
    *) printf '%s=%s\n' "$1" "$2" ;;
  esac
}

head_of_job() {
  printf 'trace-build job 1\n' &&
    field event "$event" &&
    field harness "$harness" &&
    field session_id "${CLAUDE_CODE_SESSION_ID:-}" &&
    field project_dir "${CLAUDE_PROJECT_DIR:-}" &&
    field pid "${CLAUDE_PID:-$PPID}" &&
    field traceparent "${TRACE_BUILD_TRACEPARENT:-}" &&
    field disabled "$disabled" &&
    printf '\n'
}

# Who creates .NAME.tmp (never over another: set -C) owns NAME: so names are unique also among containers that share
# the folder and the process ids, and among jobs that an earlier process of this id left.
enqueue() {
  [ -d "$queue" ] || mkdir -p "$queue" || return 1
  n=0
  while [ "$n" -lt 1000 ]; do
    job=$queue/$$.$n.job tmp=$queue/.$$.$n.tmp owned='' written=''
    n=$((n + 1))
    [ -e "$job" ] && continue
    { owned=1 && [ ! -e "$job" ] && head_of_job && cat && written=1; } >"$tmp"
    [ -n "$owned" ] || continue
    # Some old versions give hooks an empty stdin: of use only when the session is known.
    if [ -n "$written" ] && { [ -n "${CLAUDE_CODE_SESSION_ID:-}" ] || [ -n "$(sed '1,/^$/d' "$tmp")" ]; }; then
      # A link takes a third less time than `mv`, where there are links; start_worker removes the first name.
      ln "$tmp" "$job" && return 0
      mv -f "$tmp" "$job" && return 0
    fi
    rm -f "$tmp"
    [ -e "$job" ] || return 1
  done
  return 1
}

start_worker() {
  rm -f "$tmp"
  # shellcheck source=/dev/null
  . "$folder/start-worker.sh"
  work "$1"
}

[ "$event" != SessionStart ] || [ -n "$disabled" ] || tell
enqueue || exit 0
if [ "$event" = SessionEnd ] && [ -z "$disabled" ] && set_to wait true; then
  (start_worker awaited) </dev/null >/dev/null
else
  (
    trap '' HUP
    start_worker detached
  ) </dev/null >/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
fi
exit 0
