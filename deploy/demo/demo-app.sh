#!/usr/bin/env bash
# The demo's application: three services that ask one another, frontend → backend →
# store, as Compose would have created them. DOCKER_HOST selects the engine.
#
#   demo-app.sh up              builds the image, starts the containers
#   demo-app.sh wait            waits until all of them are healthy
#   demo-app.sh down [--image]  removes containers and network (and the image)
set -euo pipefail

readonly project=chaos-demo
readonly image=chaos-demo:1
readonly wait_deadline_s=30
readonly services=(store backend frontend) # in the order of their dependencies
declare -rA asks=([store]='' [backend]=store [frontend]=backend)

fail() {
    printf 'demo-app: %s\n' "$*" >&2
    exit 1
}

usage() {
    printf 'usage: demo-app.sh up|wait|down [--image]\n' >&2
    exit 2
}

container_of() {
    printf '%s-%s-1' "$project" "$1"
}

# A static busybox stands alone; the ordinary one needs its libraries beside it.
install_busybox() {
    local root=$1 busybox applet library
    busybox=$(command -v busybox) || fail 'busybox is missing'
    cp -L "$busybox" "$root/bin/busybox"
    while read -r applet; do
        [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
    done < <("$busybox" --list)
    { ldd "$busybox" 2>/dev/null || true; } | { grep -oE '/[^ ]+' || true; } | while read -r library; do
        mkdir -p "$root${library%/*}"
        cp -L "$library" "$root$library"
    done
}

# The role is the command's argument, so that one image serves all three.
write_app() {
    local root=$1
    # The shell is process 1 and not httpd: the kernel ignores a signal process 1 has
    # no handler for, so that httpd would have to be killed after the grace period.
    cat >"$root/bin/serve" <<'SH'
#!/bin/sh
export ROLE="$1" DOWNSTREAM="$2"
trap 'exit 143' TERM INT
httpd -f -p 8080 -h /www &
wait
exit 1
SH
    # timeout and not wget's own -T, which crashes in Debian's busybox before 1.36.1-5.
    cat >"$root/www/cgi-bin/answer" <<'SH'
#!/bin/sh
if [ -z "$DOWNSTREAM" ]; then
    # Appending one byte is atomic, so that requests at the same time all count.
    printf . >>/tmp/requests
    text="ok $(wc -c </tmp/requests)"
elif ! text="$(timeout 1 wget -q -O - "http://$DOWNSTREAM:8080/cgi-bin/answer" 2>/dev/null)"; then
    printf 'Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\n%s: no answer from %s\n' "$ROLE" "$DOWNSTREAM"
    exit
fi
printf 'Content-Type: text/plain\r\n\r\n%s: %s\n' "$ROLE" "$text"
SH
    cat >"$root/www/cgi-bin/health" <<'SH'
#!/bin/sh
if [ -n "$DOWNSTREAM" ] && ! timeout 1 wget -q -O /dev/null "http://$DOWNSTREAM:8080/cgi-bin/health" 2>/dev/null; then
    printf 'Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\n%s is not healthy\n' "$DOWNSTREAM"
    exit
fi
printf 'Content-Type: text/plain\r\n\r\nok\n'
SH
    chmod 755 "$root/bin/serve" "$root"/www/cgi-bin/*
}

# Built on the spot: the demo must work where no registry can be reached.
build_image() (
    root=$(mktemp -d)
    trap 'rm -rf -- "$root"' EXIT
    mkdir -p "$root"/{bin,etc,proc,sys,dev,www/cgi-bin}
    mkdir -m 1777 "$root/tmp"
    chmod 755 "$root"
    printf 'root:x:0:0:root:/:/bin/sh\n' >"$root/etc/passwd"
    install_busybox "$root"
    write_app "$root"
    tar -C "$root" --owner=0 --group=0 --numeric-owner -c . |
        docker import --change 'ENTRYPOINT ["/bin/serve"]' --change 'EXPOSE 8080' \
            --change 'ENV PATH=/bin' - "$image" >/dev/null
)

create_network() {
    ! docker network inspect "$project" >/dev/null 2>&1 || return 0
    docker network create --label "com.docker.compose.project=$project" \
        --label com.docker.compose.network=default "$project" >/dev/null
}

start_service() {
    local service=$1 downstream=${asks[$1]} output
    # A name this network does not know, as that of a stopped container, would be asked
    # of the host's name servers; with the container's own loopback nothing leaves.
    # The client's warnings about loopback and forwarding are about what is meant here.
    output=$(docker run -d --name "$(container_of "$service")" --hostname "$service" \
        --network "$project" --network-alias "$service" --dns 127.0.0.1 \
        --label "com.docker.compose.project=$project" \
        --label "com.docker.compose.service=$service" \
        --label com.docker.compose.container-number=1 \
        --label com.docker.compose.oneoff=False \
        --label "com.docker.compose.depends_on=${downstream:+$downstream:service_started:false}" \
        --restart always \
        --health-cmd 'wget -q -O /dev/null http://127.0.0.1:8080/cgi-bin/health' \
        --health-interval 1s --health-timeout 2s --health-retries 2 --health-start-period 0s \
        "$image" "$service" "$downstream" 2>&1) || fail "$output"
}

up() {
    local service
    remove_containers
    build_image
    create_network
    for service in "${services[@]}"; do
        start_service "$service"
    done
}

states() {
    local service names=()
    for service in "${services[@]}"; do
        names+=("$(container_of "$service")")
    done
    docker inspect --format '{{.Name}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}' "${names[@]}"
}

wait_healthy() {
    local end=$((SECONDS + wait_deadline_s)) seen
    until seen=$(states 2>&1) && (($(grep -c ' running healthy$' <<<"$seen") == ${#services[@]})); do
        ((SECONDS < end)) || fail "not healthy after $wait_deadline_s s:"$'\n'"$seen"
        sleep 0.2
    done
}

remove_containers() {
    local service names=()
    for service in "${services[@]}"; do
        names+=("$(container_of "$service")")
    done
    # A paused one too: rm -f thaws it. What is not there is no error here.
    docker rm -f "${names[@]}" >/dev/null 2>&1 || true
}

down() {
    remove_containers
    ! docker network inspect "$project" >/dev/null 2>&1 || docker network rm "$project" >/dev/null
    [[ ${1-} != --image ]] || docker image rm -f "$image" >/dev/null 2>&1 || true
}

command -v docker >/dev/null || fail 'docker is missing'
case $#:${1-}:${2-} in
1:up:) up ;;
1:wait:) wait_healthy ;;
1:down: | 2:down:--image) down "${2-}" ;;
*) usage ;;
esac
