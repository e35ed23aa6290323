#!/usr/bin/env bash
# dockerd.sh start|stop: a Docker daemon of the cluster's own, where the machine has none that runs.
source "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
pidfile=$cache/dockerd.pid

start() {
  local log=$cache/dockerd.log
  ! docker version >/dev/null 2>&1 || exit 0
  [[ $EUID -eq 0 ]] || fail 'no Docker daemon answers, and only root can start one' 'start it, or set DOCKER_HOST'
  # The default runtime: see there.
  jq -n --arg runtime "$here/runc-current-caps" \
    '{runtimes: {"runc-current-caps": {path: $runtime}}, "default-runtime": "runc-current-caps"}' >"$cache/daemon.json"
  # In a session of its own and with none of this script's files: it outlives the script.
  setsid dockerd --config-file "$cache/daemon.json" --data-root "$cache/docker" --exec-root "$cache/docker-exec" \
    --pidfile "$pidfile" --host "unix://$cache/docker.sock" >"$log" 2>&1 </dev/null &
  for ((i = 0; i < 120; i++)); do
    ! docker version >/dev/null 2>&1 || exit 0
    sleep 0.5
  done
  tail -n 5 "$log" >&2
  fail 'dockerd does not answer' "its log is $log"
}

stop() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null) || exit 0
  kill "$pid" 2>/dev/null || exit 0
  while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
}

case ${1:-} in
  start | stop) "$1" ;;
  *) fail 'usage: dockerd.sh start|stop' ;;
esac
