#include "reconcilers/container/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include "test/support/catch.h"
#include "test/support/make.h"

using namespace chaos;
using namespace chaos::container;
using namespace chaos::test;

TEST_CASE("A process is placed by its control group, on both versions and with both drivers") {
    const auto id = long_id("web");
    const auto [text, expected] = GENERATE_COPY(table<std::string, bool>({
        {"12:pids:/docker/" + id + "\n1:name=systemd:/docker/" + id + "\n", true},
        {"0::/system.slice/docker-" + id + ".scope\n", true},
        {"0::/custom.slice/" + id + "/init\n", true},
        {"0::/user.slice\n", false},
        {"", false},
        {"0::/docker/" + long_id("other") + "\n", false},
    }));
    INFO(text);
    CHECK(in_container(text, id) == expected);
    CHECK_FALSE(in_container(text, "abc"));
    CHECK_FALSE(in_container(text, ""));
}

TEST_CASE("A process that is not of the container is not signalled") {
    const auto child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const auto sent = signal_process(child, long_id("web"), SIGKILL);
    CHECK_FALSE(sent);
    CHECK(sent.error().code == ErrorCode::kNotFound);
    CHECK(::kill(child, 0) == 0);
    int status = 0;
    CHECK(::waitpid(child, &status, WNOHANG) == 0);
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
}

TEST_CASE("A process that is gone is not found") {
    const auto child = ::fork();
    if (child == 0) ::_exit(0);
    int status = 0;
    ::waitpid(child, &status, 0);
    const auto sent = signal_process(child, long_id("web"), SIGKILL);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == ErrorCode::kNotFound);
}

TEST_CASE("A life is over when its first process has ended, although it is not reaped yet") {
    const auto child = ::fork();
    if (child == 0) ::_exit(0);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
    CHECK(is_life_over(child, long_id("web")));
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(is_life_over(child, long_id("web")));
}
