// The scanner and the watcher on a real directory with real inotify.
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <functional>

#include "controller/source/directory_source.h"
#include "test/support/catch.h"
#include "test/support/make.h"
#include "test/support/temp_dir.h"

using namespace chaos;
using namespace chaos::source;
using namespace chaos::test;
namespace fs = std::filesystem;

namespace {

std::string manifest_text(const std::string& name) {
    return "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\nmetadata: {name: " + name +
           "}\nspec:\n  duration: 5m\n  targets: [{service: web}]\n"
           "  scenarios: [{name: s, actions: [{type: container_kill}]}]\n";
}

std::vector<std::string> keys(const Scan& scan) {
    std::vector<std::string> names;
    for (const auto& [path, file] : scan.files) names.push_back(fs::path{path}.filename());
    return names;
}

std::string problem_of(const Scan& scan, const std::string& path) {
    const auto& documents = scan.files.at(path)->documents;
    return documents.empty() || documents[0].problems.empty() ? "none"
                                                              : documents[0].problems[0].message;
}

// A source running on its own loop, driven until a condition holds.
class Running {
public:
    explicit Running(std::string root)
        : source(std::move(root), {.on_update = [](const Desired::Update&) {},
                                   .on_warning = [](const std::string&) {}}),
          tasks(io.get_executor(), [](std::string_view what) { FAIL(std::string{what}); }) {
        tasks.spawn(source.run());
    }
    ~Running() {
        tasks.cancel();
        io.run_for(1s);
    }

    bool until(const std::function<bool()>& condition, Duration deadline = 5s) {
        const auto end = std::chrono::steady_clock::now() + deadline;
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= end) return false;
            io.run_one_for(20ms);
        }
        return true;
    }
    bool until_has(const std::string& name) {
        return until([&] { return source.desired().entries().contains(name); });
    }
    bool until_gone(const std::string& name) {
        return until([&] { return !source.desired().entries().contains(name); });
    }

    boost::asio::io_context io;
    DirectorySource source;
    TaskGroup tasks;
};

}  // namespace

TEST_CASE("Only manifests are looked at") {
    CHECK(is_manifest_name("a.yaml"));
    CHECK(is_manifest_name("a.yml"));
    for (const auto* name : {".a.yaml", "a.status.yaml", "a.yaml~", "a.yaml.swp", "a.json", ".yaml",
                             "a.yaml.bak", "4913", "#a.yaml#"}) {
        CHECK_FALSE(is_manifest_name(name));
    }
}

TEST_CASE("A scan finds manifests in the whole tree, hidden directories excepted") {
    TempDir dir;
    dir.write("a.yaml", manifest_text("a"));
    dir.write("deep/er/b.yml", manifest_text("b"));
    dir.write(".git/c.yaml", manifest_text("c"));
    dir.write("a.status.yaml", "x: 1");
    Scanner scanner{dir.path()};
    const auto scan = scanner.scan(kT0);
    CHECK(keys(scan) == std::vector<std::string>{"a.yaml", "b.yml"});
    CHECK(scan.directories.size() == 3);
    CHECK(scan.unavailable.empty());
}

TEST_CASE("What is not a readable regular file below the root is a problem of its own") {
    TempDir dir;
    TempDir elsewhere;
    elsewhere.write("secret.yaml", manifest_text("secret"));
    ::mkfifo((dir / "fifo.yaml").c_str(), 0600);
    fs::create_symlink(elsewhere / "secret.yaml", dir / "out.yaml");
    fs::create_symlink(dir / "nowhere", dir / "dangling.yaml");
    fs::create_symlink("/dev/zero", dir / "device.yaml");
    dir.write("big.yaml", std::string(2 * 1024 * 1024, '#'));
    dir.write("good.yaml", manifest_text("good"));
    Scanner scanner{dir.path()};
    const auto scan = scanner.scan(kT0);
    CHECK(problem_of(scan, dir / "fifo.yaml") == "is not a regular file");
    CHECK_THAT(problem_of(scan, dir / "out.yaml"),
               Catch::Contains("leads out of the manifests directory"));
    CHECK_THAT(problem_of(scan, dir / "dangling.yaml"), Catch::Contains("cannot be resolved"));
    CHECK_THAT(problem_of(scan, dir / "device.yaml"), Catch::Contains("leads out"));
    CHECK_THAT(problem_of(scan, dir / "big.yaml"), Catch::Contains("larger than 1 MiB"));
    CHECK(problem_of(scan, dir / "good.yaml") == "none");
}

TEST_CASE("A missing root is unavailable, not empty") {
    Scanner scanner{"/nonexistent/manifests"};
    CHECK_THAT(scanner.scan(kT0).unavailable, Catch::Contains("No such file"));
}

TEST_CASE("A root that is replaced by an empty directory is unavailable, not emptied") {
    TempDir dir;
    dir.write("root/a.yaml", manifest_text("a"));
    Scanner scanner{dir / "root"};
    CHECK(scanner.scan(kT0).unavailable.empty());
    fs::rename(dir / "root", dir / "away");
    fs::create_directory(dir / "root");
    CHECK_THAT(scanner.scan(kT0).unavailable, Catch::Contains("replaced by an empty directory"));
    dir.write("root/b.yaml", manifest_text("b"));
    CHECK(scanner.scan(kT0).unavailable.empty());
    fs::remove(dir / "root/b.yaml");
    CHECK(scanner.scan(kT0).unavailable.empty());
}

TEST_CASE("A swap to a tree without manifests is a deletion") {
    TempDir dir;
    dir.write("one/a.yaml", manifest_text("a"));
    fs::create_directory(dir / "two");
    fs::create_directory_symlink("one", dir / "root");
    Scanner scanner{dir / "root"};
    CHECK(scanner.scan(kT0).files.size() == 1);
    fs::remove(dir / "root");
    fs::create_directory_symlink("two", dir / "root");
    const auto scan = scanner.scan(kT0);
    CHECK(scan.unavailable.empty());
    CHECK(scan.files.empty());
}

TEST_CASE("A held index lock of the repository around it is seen") {
    TempDir dir;
    dir.write("repo/.git/HEAD", "x");
    dir.write("repo/manifests/a.yaml", manifest_text("a"));
    Scanner scanner{dir / "repo/manifests"};
    CHECK_FALSE(scanner.scan(kT0).git_locked);
    dir.write("repo/.git/index.lock", "");
    CHECK(scanner.scan(kT0).git_locked);
}

TEST_CASE("Files are seen as they come, change and go") {
    TempDir dir;
    Running running{dir.path()};
    REQUIRE(running.until([&] { return running.source.ready(); }));
    dir.write("a.yaml", manifest_text("a"));
    CHECK(running.until_has("a"));
    SECTION("deleted") {
        fs::remove(dir / "a.yaml");
        CHECK(running.until_gone("a"));
    }
    SECTION("renamed") {
        fs::rename(dir / "a.yaml", dir / "b.yaml");
        CHECK(running.until(
            [&] { return running.source.desired().entries().at("a").path == dir / "b.yaml"; }));
    }
    SECTION("moved into place from a hidden name, as editors and git do") {
        dir.write(".b.tmp", manifest_text("b"));
        fs::rename(dir / ".b.tmp", dir / "b.yaml");
        CHECK(running.until_has("b"));
    }
    SECTION("in a directory made later") {
        dir.write("new/one/b.yaml", manifest_text("b"));
        CHECK(running.until_has("b"));
    }
}

TEST_CASE("A swap of the whole tree behind a symbolic link is followed") {
    TempDir dir;
    dir.write("rev1/a.yaml", manifest_text("a"));
    dir.write("rev2/b.yaml", manifest_text("b"));
    fs::create_symlink("rev1", dir / "current");
    Running running{dir / "current"};
    REQUIRE(running.until_has("a"));
    fs::create_symlink("rev2", dir / "next");
    fs::rename(dir / "next", dir / "current");
    CHECK(running.until_has("b"));
    CHECK(running.until_gone("a"));
}

TEST_CASE("Kubernetes' ..data swap is followed") {
    TempDir dir;
    dir.write("m/..1/a.yaml", manifest_text("a"));
    dir.write("m/..2/a.yaml", manifest_text("b"));
    fs::create_symlink("..1", dir / "m/..data");
    fs::create_symlink("..data/a.yaml", dir / "m/a.yaml");
    Running running{dir / "m"};
    REQUIRE(running.until_has("a"));
    fs::create_symlink("..2", dir / "m/..data_tmp");
    fs::rename(dir / "m/..data_tmp", dir / "m/..data");
    CHECK(running.until_has("b"));
}

TEST_CASE("A root that comes later, and one that is replaced, are found") {
    TempDir dir;
    Running running{dir / "m"};
    REQUIRE(running.until([&] { return !running.source.desired().unavailable().empty(); }));
    dir.write("m/a.yaml", manifest_text("a"));
    CHECK(running.until_has("a"));
    fs::rename(dir / "m", dir / "old");
    CHECK(running.until([&] { return !running.source.desired().unavailable().empty(); }));
    CHECK(running.source.desired().entries().contains("a"));
    dir.write("m/b.yaml", manifest_text("b"));
    CHECK(running.until_has("b"));
}

TEST_CASE("Nothing is lost when inotify's queue overflows") {
    TempDir dir;
    Running running{dir.path()};
    REQUIRE(running.until([&] { return running.source.ready(); }));
    std::ifstream limit{"/proc/sys/fs/inotify/max_queued_events"};
    int events = 0;
    limit >> events;
    REQUIRE(events > 0);
    // Nobody reads meanwhile; each round is at least two events that cannot be merged into one.
    for (int i = 0; i <= events / 2; ++i) {
        dir.write("noise", "");
        fs::remove(dir / "noise");
    }
    dir.write("late.yaml", manifest_text("late"));
    const auto start = std::chrono::steady_clock::now();
    CHECK(running.until_has("late"));
    // Not found by the rescan, which comes every 10 s.
    CHECK(std::chrono::steady_clock::now() - start < 8s);
}
