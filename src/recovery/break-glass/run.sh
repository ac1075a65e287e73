#!/usr/bin/env bash
# Runs the lines of a commands-*.sh of this folder one after the other, as a person would paste them, and stops at the first
# check that fails. README.md says what it does and why. Needs bash, the aws CLI and psql, and credentials in the environment.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

usage() {
  cat >&2 <<END
usage: ./run.sh [--way WAY] [--from STEP] [--accept-data-loss DURATION] [--witness WHAT] [--yes]
  --way                what the database comes up from: $(ways | tr '\n' ' ')(default: the first)
  --from               begins with this step; those before it must have been done
  --accept-data-loss   as 90s, 10m or 1h: go on although more may be lost than the objective allows
  --witness            what somebody else sees of the outage
  --yes                does not ask at the gates
END
  exit 2
}

ways() { sed -n 's/^# way: //p' ways.txt; }

seconds() {
  case $1 in
    *[!0-9]*[!smh] | [!0-9]* | '') usage ;;
    *h) echo $((${1%h} * 3600)) ;;
    *m) echo $((${1%m} * 60)) ;;
    *) echo "${1%s}" ;;
  esac
}

way=$(ways | head -n 1) from='' yes=''
while [ $# -gt 0 ]; do
  case $1 in
    --yes) yes=1 ;;
    --way | --from | --accept-data-loss | --witness)
      [ $# -gt 1 ] || usage
      case $1 in
        --way) way=$2 ;;
        --from) from=$2 ;;
        --accept-data-loss) ACCEPT_DATA_LOSS=$(seconds "$2") || exit 2 ;;
        --witness) WITNESS=$2 ;;
      esac
      shift
      ;;
    *) usage ;;
  esac
  shift
done
commands=commands-$way.sh
[ -f "$commands" ] || usage
[ -z "$from" ] || grep -q "^# step: $from " "$commands" || usage

. ./functions.sh

again() {
  echo "stopped in step '$step' after $SECONDS s. Once that is mended: ./run.sh --way $way --from $step"
  exit 1
}

ask() {
  [ -z "$yes" ] || return 0
  local answer
  printf '  %s\n  Type yes to go on: ' "$1"
  read -r answer && [ "$answer" = yes ] || again
}

times=''
ended() { [ -z "$step" ] || [ -n "$skipping" ] || times+=$(printf '\n  %6d s  %s' $((SECONDS - began)) "$step"); }

run() {
  local line kind='' step='' began=0 skipping=$from
  echo "$(date -u +%FT%TZ) $commands"
  while IFS= read -r -u 4 line; do
    case $line in
      '# step: '*)
        ended
        step=${line#'# step: '} step=${step%% *} began=$SECONDS
        [ "$step" != "$from" ] || skipping=''
        [ -n "$skipping" ] || printf '\n%s %s\n' "$(date -u +%T)" "${line#'# step: '}"
        ;;
      '# gate: '*) [ -n "$skipping" ] || ask "${line#'# gate: '}" ;;
      '# do: '* | '# check: '* | '# try: '*)
        kind=${line#'# '} kind=${kind%%:*}
        [ -n "$skipping" ] || printf '  %s\n' "${line#'# '}"
        ;;
      '' | '#'* | '. ./functions.sh') ;;
      *)
        [ -z "$skipping" ] || continue
        printf '  $ %s\n' "$line"
        eval "$line" 4<&- </dev/null || [ "$kind" = try ] || again
        ;;
    esac
  done 4<"$commands"
  ended
  printf '\nmeasured, by the second:%s\n  %6d s  in all\n' "$times" "$SECONDS"
}

run 2>&1 | tee -a break-glass.log
exit "${PIPESTATUS[0]}"
