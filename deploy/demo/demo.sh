#!/usr/bin/env bash
# The three everyday gestures on a small application: put a manifest in, read the status, delete the
# manifest. Uses the Docker engine that answers, or a private one, and leaves nothing behind.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
readonly here root
readonly engine_script=$root/test/support/private-dockerd.sh

work=''
controller_pid=''
private_engine=''

if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
readonly bold dim plain

step() { printf '\n%s▶ %s%s\n' "$bold" "$*" "$plain"; }
show() { sed "s/^/    $dim/; s/\$/$plain/"; }
run_shown() {
    printf '  %s$ %s%s\n' "$bold" "${*//$root\//}" "$plain"
    "$@" 2>&1 | sed 's/^/    /'
}

fail() {
    printf 'demo: %s\n' "$*" >&2
    [[ ! -s $work/controller.log ]] || { printf 'the controller said:\n' >&2; tail -20 "$work/controller.log" >&2; }
    exit 1
}

clean_up() {
    local code=$?
    trap - EXIT INT TERM
    if [[ -n $controller_pid ]] && kill -TERM "$controller_pid" 2>/dev/null; then
        wait "$controller_pid" 2>/dev/null || true
    fi
    if [[ -n $work ]]; then
        "$here/demo-app.sh" down --image >/dev/null 2>&1 || true
        [[ -z $private_engine ]] || "$engine_script" stop "$private_engine" || true
        rm -rf -- "$work"
    fi
    exit "$code"
}

engine_answers() {
    local socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
    socket=${socket#unix://}
    [[ -S $socket ]] && curl -fsS -m 2 -o /dev/null --unix-socket "$socket" http://docker/_ping 2>/dev/null
}

use_engine() {
    if engine_answers; then
        export DOCKER_HOST=${DOCKER_HOST:-unix:///var/run/docker.sock}
        printf 'using the Docker engine on %s\n' "$DOCKER_HOST"
        return
    fi
    ((EUID == 0)) || fail 'no Docker engine answers, and starting a private one needs root: sudo make demo'
    step 'No Docker engine answers: starting a private one'
    private_engine=$work/d
    # A network namespace of its own works beside any firewall of the host.
    "$engine_script" start "$private_engine" --own-network
    export DOCKER_HOST=unix://$private_engine/docker.sock
}

events_of() {
    awk '/^  events:/ { on = 1; next } /^  [a-z]/ { on = 0 }
         on && $1 == "reason:" { reason = $2 }
         on && $1 == "message:" { sub(/^ *message: /, ""); gsub(/^"|"$/, ""); print reason ": " $0 }' "$1"
}

# until_status NAME PATTERN SECONDS: shows events of the run as they come, until the status file has
# a line that matches.
until_status() {
    local file=manifests/$1.status.yaml lines end=$((SECONDS + $3)) count came=''
    while :; do
        if [[ -r $file ]]; then
            # First the question, then the events: all that led to it are then shown.
            ! grep -qE "$2" "$file" || came=1
            lines=$(events_of "$file")
            count=$(grep -c . <<<"$lines" || true)
            if ((count > ${shown[$1]:-0})); then
                tail -n "+$((${shown[$1]:-0} + 1))" <<<"$lines" | sed 's/^/    · /'
                shown[$1]=$count
            fi
            [[ -z $came ]] || return 0
        fi
        ((SECONDS < end)) || fail "no status \"$2\" of $1 within $3 s"
        sleep 0.1
    done
}

declare -A shown=()
trap clean_up EXIT
trap 'exit 130' INT TERM
work=$(mktemp -d /tmp/chaos-demo.XXXXXX)
cd "$work"
mkdir manifests
PATH=$root/build/bin:$PATH
export CHAOS_CONTROL=$work/state/control.sock

use_engine
step 'An application of three services: frontend → backend → store'
"$here/demo-app.sh" up
"$here/demo-app.sh" wait
docker ps --filter label=com.docker.compose.project=chaos-demo --format '{{.Names}}	{{.Status}}' | show

step 'A configuration: what no experiment may touch, and when none may run'
# A demo must not wait for a busy host; its application is its own.
cat >chaos-config.yaml <<'EOF'
safety:
  protected_services: [frontend]
  min_healthy_services: 0.5
  max_cpu_usage: 100
EOF
show <chaos-config.yaml

step 'The controller, on a directory that holds nothing yet'
chaos-controller --config chaos-config.yaml --manifests manifests --state-dir state --listen 127.0.0.1:0 2>controller.log &
controller_pid=$!
printf '  %s$ chaos-controller --config chaos-config.yaml --manifests manifests%s\n' "$bold" "$plain"

step 'Who would be hit? Nothing is touched by asking'
run_shown chaosctl plan "$root/manifests/basic-container-chaos.yaml"

step 'First gesture: put manifests in'
printf '  %s$ cp *.yaml manifests/%s\n' "$bold" "$plain"
cp "$root"/manifests/{basic-container-chaos,custom-experiment,pause}.yaml manifests/
until_status basic-container-chaos '^  phase: (Completed|Failed)' 90

step 'Second gesture: read the status'
run_shown chaosctl get
printf '\n  %s$ cat manifests/basic-container-chaos.status.yaml%s\n' "$bold" "$plain"
show <"manifests/basic-container-chaos.status.yaml"

step 'Refused: a protected service'
sed 's/^  name: .*/  name: on-frontend/; s/service: store/service: frontend/' "$root/manifests/pause.yaml" |
    sed 's|^  annotations: {}|  annotations:|; s|# chaos.sutazai.com/run-id: .*|chaos.sutazai.com/run-id: "demo"|' >manifests/on-frontend.yaml
until_status on-frontend '^  phase: Rejected' 30

step 'A pause, started by giving it a run-id'
sed -i 's|^  annotations: {}|  annotations:|; s|# chaos.sutazai.com/run-id: .*|chaos.sutazai.com/run-id: "demo"|' manifests/pause.yaml
until_status pause '^  phase: Running' 30
docker ps --filter name=chaos-demo-store-1 --format '{{.Names}}	{{.Status}}' | show

step 'Emergency stop: everything is undone, and nothing runs until you say so'
run_shown chaosctl emergency-stop
until_status pause '^  phase: Aborted' 30
run_shown chaosctl status
docker ps --filter name=chaos-demo-store-1 --format '{{.Names}}	{{.Status}}' | show
run_shown chaosctl resume
sed -i 's|run-id: "demo"|run-id: "demo-2"|' manifests/pause.yaml
until_status pause '^  phase: Running' 30

step 'Third gesture: delete the manifest to abort'
printf '  %s$ rm manifests/pause.yaml%s\n' "$bold" "$plain"
rm manifests/pause.yaml
until_status pause '^  phase: Aborted' 30
docker ps --filter name=chaos-demo-store-1 --format '{{.Names}}	{{.Status}}' | show
run_shown chaosctl get

step 'Stopping; nothing is left behind'
