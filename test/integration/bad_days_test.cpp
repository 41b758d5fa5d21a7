// Disks that are full, sockets that hang, floods of files: the controller stays alive and says why.
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "controller/api/time.h"
#include "test/integration/garbling_proxy.h"
#include "test/integration/harness.h"
#include "test/support/catch.h"

using namespace chaos::test;

namespace {

// A small file system of its own, full when the test says so.
class SmallDisk {
public:
    explicit SmallDisk(const std::string& path) : path_(path) {
        std::filesystem::create_directories(path);
        const auto mounted =
            run_program({"mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", path});
        if (mounted.exit_code != 0) throw std::runtime_error(mounted.out);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() { run_program({"umount", "-l", path_}); }

    void fill() const {
        run_program({"dd", "if=/dev/zero", "of=" + path_ + "/ballast", "bs=4k", "count=1000"});
    }
    void make_room() const { std::filesystem::remove(path_ + "/ballast"); }

private:
    std::string path_;
};

// Something that listens on a unix socket and answers every connection in one way.
class FakeEngine {
public:
    FakeEngine(const std::string& path, const std::string& answer) {
        pid_ = spawn_program({"socat", "UNIX-LISTEN:" + path + ",fork", "SYSTEM:" + answer});
        if (!until([&] { return std::filesystem::exists(path); }))
            throw std::runtime_error("socat");
    }
    FakeEngine(const FakeEngine&) = delete;
    FakeEngine& operator=(const FakeEngine&) = delete;
    ~FakeEngine() { end_program(pid_); }

private:
    int pid_ = -1;
};

}  // namespace

TEST_CASE("Nothing is injected that the journal cannot record, and it is when there is room again",
          "[docker]") {
    Containers c;
    const auto web = c.start("web");
    Lab lab{c};
    const SmallDisk disk{lab.dir() / "state"};
    lab.start();
    disk.fill();
    lab.write("k.yaml", experiment("k", by_name(web), "{type: container_kill}"));
    CHECK(until([&] {
        return lab.log().find("the state store does not take records") != std::string::npos;
    }));
    CHECK(c.restarts(web) == 0);
    CHECK_THAT(lab.http("/healthz"), Catch::StartsWith("HTTP/1.1 200"));
    disk.make_room();
    lab.expect_phase("k", "Completed", 30s);
    CHECK(c.restarts(web) == 1);
    CHECK(lab.stop(SIGTERM) == 0);
}

TEST_CASE("A run that ends while nothing can be stored ends once, and is stored later",
          "[docker]") {
    Containers c;
    Lab lab{c};
    const SmallDisk disk{lab.dir() / "state"};
    lab.start();
    disk.fill();
    const auto ends = [&] {
        std::size_t n = 0;
        const auto log = lab.log();
        for (auto at = log.find("run ended"); at != std::string::npos;
             at = log.find("run ended", at + 1)) {
            ++n;
        }
        return n;
    };
    lab.write("k.yaml", experiment("k", by_name("nobody"), "{type: container_kill}"));
    lab.expect_phase("k", "Failed");
    CHECK(until([&] { return lab.log().find("database or disk is full") != std::string::npos; }));
    disk.make_room();
    CHECK(until([&] { return lab.log().find("state stored again") != std::string::npos; }));
    lab.stop(SIGKILL);
    lab.start();
    lab.expect_phase("k", "Failed");
    CHECK(ends() == 1);
}

TEST_CASE("A status that cannot be written delays no undo", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    Lab lab{c};
    lab.dir().write("blocked", "a file where a directory is meant");
    lab.start({"--status-dir", lab.dir() / "blocked"});
    lab.write("p.yaml", experiment("p", by_name(web), "{type: container_pause}"));
    CHECK(until([&] { return c.paused(web); }));
    CHECK(until([&] { return lab.log().find("status file not written") != std::string::npos; }));
    lab.remove("p.yaml");
    CHECK(until([&] { return !c.paused(web); }));
    CHECK(lab.stop(SIGTERM) == 0);
}

TEST_CASE("A status that cannot be written keeps no other waiting", "[docker]") {
    Containers c;
    Lab lab{c};
    lab.dir().write("manifests/a.status.yaml/in-the-way", "a directory where the status file goes");
    lab.write("a.yaml", experiment("a", by_name("nobody"), "{type: container_kill}"));
    lab.start();
    REQUIRE(until([&] { return lab.log().find("status file not written") != std::string::npos; }));
    lab.write("z.yaml", experiment("z", by_name("nobody"), "{type: container_kill}"));
    lab.expect_phase("z", "Failed", 3s);
    CHECK(lab.stop(SIGTERM) == 0);
}

TEST_CASE("Engines that hang, talk nonsense or hang up are waited out", "[docker]") {
    const std::string answer =
        GENERATE("sleep 1000", "echo nonsense", "printf 'HTTP/1.1 200 OK\\r\\n'",
                 "printf 'HTTP/1.1 200 OK\\r\\nContent-Length\\\\: 2\\r\\n\\r\\n{}'");
    TempDir dir;
    const FakeEngine engine{dir / "docker.sock", answer};
    Lab lab{"unix://" + (dir / "docker.sock")};
    lab.start({}, false);
    lab.write("k.yaml", experiment("k", by_name("x"), "{type: container_kill}"));
    lab.expect_phase("k", "Pending");
    lab.write("bad.yaml", "[");
    CHECK(until([&] { return lab.phase("bad") == "Rejected"; }));
    CHECK_THAT(lab.http("/readyz"), Catch::StartsWith("HTTP/1.1 503"));
    CHECK(lab.stop(SIGTERM) == 0);
}

TEST_CASE("A pause that took effect although its reply was garbage is undone all the same",
          "[docker]") {
    const std::string garbage = GENERATE("", "HTTP/1.1 2", "nonsense\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{");
    Containers c;
    const auto web = c.start("web");
    TempDir dir;
    const GarblingProxy proxy{dir / "docker.sock", c.host().substr(7), "/pause", garbage};
    Lab lab{proxy.host()};
    lab.start();
    lab.write("p.yaml", experiment("p", by_name(web), "{type: container_pause}"));
    CHECK(until([&] { return proxy.garbled() > 0 && c.paused(web); }));
    lab.remove("p.yaml");
    lab.expect_phase("p", "Aborted");
    CHECK_FALSE(c.paused(web));
    CHECK(lab.stop(SIGTERM) == 0);
}

TEST_CASE("An engine that answers slowly delays, and loses nothing", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    TempDir dir;
    const GarblingProxy proxy{dir / "docker.sock", c.host().substr(7), "pause HTTP", std::nullopt,
                              700ms};
    Lab lab{proxy.host()};
    lab.start();
    lab.write("p.yaml",
              experiment("p", by_name(web), "{type: container_pause, parameters: {duration: 1s}}"));
    lab.expect_phase("p", "Completed");
    CHECK(lab.field("p", "verdict") == "Pass");
    CHECK(proxy.garbled() == 2);  // one pause, one unpause
    CHECK_FALSE(c.paused(web));
}

TEST_CASE("A kill by the API whose reply was lost is not repeated", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    TempDir dir;
    const GarblingProxy proxy{dir / "docker.sock", c.host().substr(7), "/kill", "HTTP/1.1 2"};
    Lab lab{proxy.host()};
    lab.start();
    lab.write("k.yaml",
              experiment("k", by_name(web), "{type: container_kill, parameters: {method: api}}",
                         "  recovery_timeout: 1s\n"));
    lab.expect_phase("k", "Completed");
    CHECK(proxy.garbled() == 1);
    CHECK(c.inspect(web, "{{.State.Running}}") == "true");
}

TEST_CASE("What may not be read deletes nothing, and a socket that may not be used is waited for",
          "[docker]") {
    Containers c;
    const auto web = c.start("web");
    TempDir dir;
    const GarblingProxy proxy{dir / "docker.sock", c.host().substr(7), "nothing", ""};
    REQUIRE(::chmod((dir / "docker.sock").c_str(), 0) == 0);
    Lab lab{proxy.host()};
    // Root without the rights to pass over permissions.
    lab.wrapper = {"setpriv", "--inh-caps=-dac_override,-dac_read_search",
                   "--bounding-set=-dac_override,-dac_read_search"};
    std::filesystem::create_directory(lab.manifests() + "/team");
    lab.write("team/p.yaml", experiment("p", by_name(web), "{type: container_pause}"));
    lab.write("secret.yaml", "a: b\n");
    REQUIRE(::chmod((lab.manifests() + "/secret.yaml").c_str(), 0) == 0);
    lab.start({"--status-dir", lab.dir() / "status"}, false);
    const auto logged = [&](const std::string& text) {
        return until([&] { return lab.log().find(text) != std::string::npos; });
    };
    CHECK(logged("docker.sock: Permission denied"));
    CHECK(logged("secret.yaml: cannot be read: Permission denied"));
    REQUIRE(::chmod((dir / "docker.sock").c_str(), 0700) == 0);
    REQUIRE(until([&] { return c.paused(web); }));
    REQUIRE(::chmod((lab.manifests() + "/team").c_str(), 0) == 0);
    lab.write("touch.yaml", "");
    CHECK(logged("team: cannot be read: Permission denied"));
    CHECK(c.paused(web));
    REQUIRE(::chmod((lab.manifests() + "/team").c_str(), 0700) == 0);
    lab.remove("team/p.yaml");
    CHECK(until([&] { return !c.paused(web); }));
    CHECK(lab.stop(SIGTERM) == 0);
}

TEST_CASE("Manifests whose file system is unmounted delete nothing", "[docker]") {
    Containers c;
    const auto web = c.start("web");
    Lab lab{c};
    {
        const SmallDisk disk{lab.manifests()};
        lab.start({"--status-dir", lab.dir() / "status"});
        lab.write("p.yaml", experiment("p", by_name(web), "{type: container_pause}"));
        REQUIRE(until([&] { return c.paused(web); }));
    }
    CHECK(until([&] {
        return read_text(lab.dir() / "status/p.status.yaml").find("replaced by an empty") !=
               std::string::npos;
    }));
    CHECK(c.paused(web));
    CHECK(lab.stop(SIGTERM) == 0);
    CHECK_FALSE(c.paused(web));
}

TEST_CASE("A clock stepped by an hour, either way, ends nothing early or late", "[docker]") {
    const std::string step = GENERATE("+1h", "-1h");
    Containers c;
    const auto web = c.start("web");
    Lab lab{c};
    lab.dir().write("faketime", "+0");
    // Steps the wall clock of the controller alone; clocks that cannot be stepped go on.
    const auto library = run_program({"sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"}).out;
    lab.wrapper = {"env",
                   "LD_PRELOAD=" + library.substr(0, library.find('\n')),
                   "FAKETIME_TIMESTAMP_FILE=" + (lab.dir() / "faketime"),
                   "FAKETIME_NO_CACHE=1",
                   "FAKETIME_DONT_FAKE_MONOTONIC=1",
                   "ASAN_OPTIONS=verify_asan_link_order=0"};
    lab.start();
    lab.write("p.yaml",
              experiment("p", by_name(web), "{type: container_pause, parameters: {duration: 4s}}"));
    REQUIRE(until([&] { return c.paused(web); }));
    const auto begin = std::chrono::steady_clock::now();
    lab.dir().write("faketime", step);
    REQUIRE(until([&] { return !c.paused(web); }));
    const auto lasted = std::chrono::steady_clock::now() - begin;
    CHECK(lasted > 3s);
    CHECK(lasted < 6s);
    lab.expect_phase("p", "Completed");
    // And the directory is still watched.
    lab.write("q.yaml", experiment("q", by_name(web), "{type: container_pause}"));
    lab.expect_phase("q", "Running");
    lab.remove("q.yaml");
    lab.expect_phase("q", "Aborted");
    CHECK_FALSE(c.paused(web));
}

TEST_CASE("Thousands of manifests arrive by one git checkout, and leave by another", "[docker]") {
    constexpr int kManifests = 10'000;
    Containers c;
    const auto web = c.start("web");
    Lab lab{c};
    const auto git = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"git", "-C", lab.manifests(), "-c", "user.name=t",
                                             "-c", "user.email=t@example.org", "-c", "gc.auto=0"});
        const auto result = run_program(arguments);
        if (result.exit_code != 0) throw std::runtime_error(result.out);
    };
    git({"init", "-q", "-b", "empty"});
    lab.write("p.yaml", experiment("p", by_name(web), "{type: container_pause}"));
    git({"add", "p.yaml"});
    git({"commit", "-q", "-m", "one"});
    git({"checkout", "-q", "-b", "full"});
    for (int i = 0; i < kManifests; ++i) {
        lab.dir().write("manifests/m" + std::to_string(i) + ".yaml",
                        experiment("m" + std::to_string(i), by_name("nobody"),
                                   "{type: container_kill}", "  schedule: manual\n"));
    }
    git({"add", "."});
    git({"commit", "-q", "-m", "many"});
    git({"checkout", "-q", "empty"});
    lab.start({"--status-dir", lab.dir() / "status"});
    std::filesystem::create_directory(lab.dir() / "status");
    REQUIRE(until([&] { return c.paused(web); }));
    const auto statuses = [&] {
        const auto files = std::filesystem::directory_iterator{lab.dir() / "status"};
        return std::distance(begin(files), end(files));
    };
    git({"checkout", "-q", "full"});
    CHECK(until([&] { return statuses() == kManifests + 1; }, 100s));
    CHECK(c.paused(web));
    git({"checkout", "-q", "empty"});
    CHECK(until([&] { return statuses() == 1; }, 100s));
    CHECK(c.paused(web));
    lab.remove("p.yaml");
    CHECK(until([&] { return !c.paused(web); }));
    CHECK(lab.stop(SIGTERM) == 0);
}

TEST_CASE("A controller that is told to stop while it still starts ends in order", "[docker]") {
    Containers c;
    Lab lab{c};
    for (int i = 0; i < 20; ++i) {
        lab.start({}, false);
        CHECK(lab.stop(SIGTERM) == 0);
    }
}
