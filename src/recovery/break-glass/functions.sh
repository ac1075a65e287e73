# The few words beside aws and psql that the lines of commands-*.sh use. Paste this line first, in this folder:
#
#     . ./functions.sh

# Without AWS_ENDPOINT_URL this is the aws CLI itself. For RDS in us-east-1 the CLI takes no notice of that
# variable, only of its option: a rehearsal would call AWS.
aws() { command aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"; }

# check COMMAND...: says whether it succeeded.
check() { if "$@"; then echo '  ok'; else echo '  STOP: do not go on before this is well' >&2; return 1; fi; }

# says WORDS COMMAND...: whether a command prints exactly that.
says() {
  local wanted=$1 said
  shift
  said=$("$@") || return 1
  [ "$said" = "$wanted" ] || { echo "  it says '$said', not '$wanted'" >&2; return 1; }
}

# within SECONDS COMMAND...: repeats a command until it succeeds, for so long at most; only the last says what is wrong.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" 2>/dev/null; do
    if [ "$SECONDS" -ge "$end" ]; then
      "$@"
      return
    fi
    sleep 1
  done
}

# read_secret SECRET REGION: keeps its value in this shell, and prints nothing of it.
read_secret() {
  [ "${SECRET_READ:-}" = "$1 $2" ] && return
  SECRET_READ=
  SECRET=$(aws secretsmanager get-secret-value --secret-id "$1" --region "$2" --query SecretString --output text) || return
  SECRET_READ="$1 $2"
}

# field NAME: a field of that secret, in VALUE; fails when there is none.
field() {
  local text="\"$1\"[[:space:]]*:[[:space:]]*\"(([^\"\\\\]|\\\\.)*)\"" number="\"$1\"[[:space:]]*:[[:space:]]*([0-9]+)"
  VALUE=
  if [[ $SECRET =~ $text ]]; then
    # JSON's escapes are those of %b, but for the quote, the slash, and the backslash, which is to be read first.
    local written=${BASH_REMATCH[1]} backslash='\\' hex='\x5c' quote='\"' slash='\/'
    written=${written//"$backslash"/$hex}
    written=${written//"$quote"/\"}
    written=${written//"$slash"//}
    printf -v VALUE %b "$written"
  elif [[ $SECRET =~ $number ]]; then
    VALUE=${BASH_REMATCH[1]}
  else
    return 1
  fi
}

# login SECRET REGION [HOST PORT]: psql logs in by that secret from here on, there or where the secret says.
login() {
  [ $# -gt 2 ] || SECRET_READ=
  read_secret "$1" "$2" || return
  field username || return
  export PGUSER=$VALUE
  field password || return
  export PGPASSWORD=$VALUE
  if field dbname || field database; then export PGDATABASE=$VALUE; fi
  field host
  export PGHOST=${3:-$VALUE}
  field port
  export PGPORT=${4:-$VALUE} PGCONNECT_TIMEOUT=5 PGAPPNAME=break-glass
  case $PGHOST in
    localhost | 127.*) export PGSSLMODE=prefer ;;
    *)
      export PGSSLMODE=require
      if [ -f certificates.pem ]; then export PGSSLMODE=verify-full PGSSLROOTCERT=$PWD/certificates.pem; fi
      ;;
  esac
}

# with_field NAME VALUE: changes a field of the secret that was read, where it is there.
with_field() {
  local text="^(.*\"$1\"[[:space:]]*:[[:space:]]*\")[^\"]*(\".*)\$" number="^(.*\"$1\"[[:space:]]*:[[:space:]]*)[0-9]+(.*)\$"
  if [[ $SECRET =~ $text || $SECRET =~ $number ]]; then SECRET=${BASH_REMATCH[1]}$2${BASH_REMATCH[2]}; fi
}

# point SECRET REGION HOST PORT INSTANCE: points a secret to another database. Its value passes through a pipe,
# and so is in no list of processes.
point() {
  SECRET_READ=
  read_secret "$1" "$2" || return
  with_field host "$3"
  with_field port "$4"
  with_field dbInstanceIdentifier "$5"
  SECRET_READ=
  printf %s "$SECRET" | aws secretsmanager put-secret-value --secret-id "$1" --region "$2" \
    --secret-string file:///dev/stdin --query VersionId --output text
}

# endpoint INSTANCE REGION: where a DB instance answers, in HOST and PORT.
endpoint() {
  read -r HOST PORT < <(aws rds describe-db-instances --db-instance-identifier "$1" --region "$2" \
    --query 'DBInstances[0].Endpoint.[Address,Port]' --output text)
  [ -n "$PORT" ]
}

# address NAME: its first address. A rehearsal has a name server of its own, LIFEBOAT_DNS=HOST:PORT.
address() {
  if [[ $1 =~ ^[0-9.]+$ ]]; then
    echo "$1"
  elif [ -z "${LIFEBOAT_DNS:-}" ]; then
    getent ahostsv4 "$1" | { read -r first _ && echo "$first"; }
  else
    local label question= answer
    for label in ${1//./ }; do printf -v question '%s\\x%02x%s' "$question" ${#label} "$label"; done
    exec 9<>"/dev/udp/${LIFEBOAT_DNS%:*}/${LIFEBOAT_DNS##*:}" || return
    printf "\x12\x34\x01\0\0\x01\0\0\0\0\0\0$question\0\0\x01\0\x01" | dd bs=512 iflag=fullblock status=none >&9
    read -r -a answer < <(timeout 3 dd bs=512 count=1 status=none <&9 | od -An -v -tu1 | tr '\n' ' ')
    exec 9>&-
    # The first record follows the question: its name takes 2 bytes, its kind 4, its life 4, and its length 2.
    [ "${answer[7]:-0}" -gt 0 ] && (IFS=. && echo "${answer[*]:$((${#1} + 30)):4}")
  fi
}
