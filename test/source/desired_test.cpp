#include "controller/source/desired.h"

#include "test/support/catch.h"
#include "test/support/make.h"

using namespace chaos;
using namespace chaos::source;
using namespace chaos::test;

namespace {

using Names = std::set<std::string>;

std::string manifest_text(const std::string& name, const std::string& duration = "5m") {
    return "apiVersion: chaos.sutazai.com/v1\nkind: ChaosExperiment\nmetadata: {name: " + name +
           "}\nspec:\n  duration: " + duration +
           "\n  targets: [{service: web}]\n"
           "  scenarios: [{name: s, actions: [{type: container_kill}]}]\n";
}

// A directory whose files are written and removed by hand, and the desired set beside it.
class Bench {
public:
    Desired desired;
    TimePoint now = kT0;
    Scan scan;

    void write(const std::string& path, const std::string& text, Duration age = 1h) {
        scan.files[path] =
            std::make_shared<const File>(File{manifest::decode(text), now - age, now});
    }
    Desired::Update look(const std::set<std::string>& closed = {}) {
        return desired.update(scan, closed, now);
    }
    [[nodiscard]] bool has(const std::string& name) const {
        return desired.entries().contains(name);
    }
    [[nodiscard]] const Entry& at(const std::string& name) const {
        return desired.entries().at(name);
    }
};

}  // namespace

TEST_CASE("What is generated no more ends, also while the manifests cannot be seen") {
    Bench b;
    b.write("m.yaml", manifest_text("own"));
    const auto generate = [](const std::string& duration) {
        auto documents = manifest::decode(manifest_text("monkey-a", duration));
        return std::make_shared<const Good>(
            Good{std::move(*documents[0].experiment), documents[0].digest, "", "monkey-a.yaml", 0});
    };
    b.desired.generate({{"monkey-a", generate("5m")}});
    b.look();
    REQUIRE((b.has("own") && b.has("monkey-a")));
    b.scan.unavailable = "not mounted";
    b.desired.generate({{"monkey-a", generate("1m")}, {"monkey-b", generate("1m")}});
    CHECK(b.look().changed == Names{"monkey-a"});
    CHECK(b.at("monkey-a").good->experiment.spec.duration == 1min);
    CHECK_FALSE(b.has("monkey-b"));  // nothing begins meanwhile
    b.desired.generate({});
    CHECK(b.look().changed == Names{"monkey-a"});
    CHECK_FALSE(b.has("monkey-a"));
    CHECK(b.has("own"));
}

TEST_CASE("A valid file is an experiment at once") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    CHECK(b.look().changed == Names{"a"});
    CHECK(b.at("a").good->experiment.spec.duration == 5min);
    CHECK(b.look().changed.empty());
}

TEST_CASE("A file that was just written counts when its writer has closed it, or after a while") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"), 0s);
    SECTION("closed") { CHECK(b.look({"m/a.yaml"}).changed == Names{"a"}); }
    SECTION("quiet") {
        const auto update = b.look();
        CHECK(update.changed.empty());
        REQUIRE(update.look_again == kT0 + kQuiet);
        b.now = *update.look_again;
        CHECK(b.look().changed == Names{"a"});
    }
}

TEST_CASE("An error is reported only when the file has come to rest") {
    Bench b;
    b.write("m/a.yaml", "spec: [", 0s);
    const auto update = b.look({"m/a.yaml"});
    CHECK_FALSE(update.strays_changed);
    REQUIRE(update.look_again == kT0 + kQuiet);
    b.now = *update.look_again;
    CHECK(b.look().strays_changed);
    REQUIRE(b.desired.strays().size() == 1);
    CHECK_THAT(b.desired.strays()[0].problems[0], Catch::StartsWith("m/a.yaml:"));
}

TEST_CASE("An invalid edit keeps the last good spec") {
    const auto broken = GENERATE(values<std::string>({
        "not: [yaml",
        "just a text",
        manifest_text("a", "soon"),
        "",
    }));
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    (void)b.look();
    b.write("m/a.yaml", broken);
    b.now += 10min;
    CHECK(b.look().changed == Names{"a"});
    CHECK(b.at("a").good->experiment.spec.duration == 5min);
    CHECK_FALSE(b.at("a").problems.empty());
    CHECK(b.desired.strays().empty());
    b.write("m/a.yaml", manifest_text("a", "7m"));
    CHECK(b.look().changed == Names{"a"});
    CHECK(b.at("a").problems.empty());
    CHECK(b.at("a").good->experiment.spec.duration == 7min);
}

TEST_CASE("A broken document hides none of its siblings and removes none") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a") + "---\n" + manifest_text("b"));
    (void)b.look();
    b.write("m/a.yaml", manifest_text("a", "9m") + "---\nbroken: [\n");
    b.now += 10s;
    (void)b.look();
    b.now += 10s;
    (void)b.look();
    CHECK(b.at("a").good->experiment.spec.duration == 9min);
    CHECK(b.at("a").problems.empty());
    REQUIRE(b.has("b"));
    CHECK_FALSE(b.at("b").problems.empty());
}

TEST_CASE("A deletion needs a second look") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    (void)b.look();
    b.scan.files.clear();
    const auto update = b.look();
    CHECK(b.has("a"));
    REQUIRE(update.look_again == kT0 + kSecondLook);
    SECTION("it came back") {
        b.write("m/a.yaml", manifest_text("a"));
        b.now += kSecondLook;
        (void)b.look();
        CHECK(b.has("a"));
        CHECK_FALSE(b.at("a").missing_since);
    }
    SECTION("it is gone") {
        b.now += kSecondLook;
        CHECK(b.look().changed == Names{"a"});
        CHECK_FALSE(b.has("a"));
    }
    SECTION("git is at work, but not for ever") {
        b.scan.git_locked = true;
        b.now += 1s;
        CHECK(b.look().look_again);
        CHECK(b.has("a"));
        b.now += 5s;
        (void)b.look();
        CHECK_FALSE(b.has("a"));
    }
}

TEST_CASE("A root that cannot be read deletes nothing") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    (void)b.look();
    b.scan.files.clear();
    b.scan.unavailable = "m: No such file or directory";
    b.now += 1h;
    CHECK(b.look().changed.empty());
    CHECK(b.has("a"));
    CHECK_FALSE(b.desired.unavailable().empty());
}

TEST_CASE("A renamed file with the same name inside is the same experiment") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    (void)b.look();
    b.scan.files.clear();
    b.write("m/b.yaml", manifest_text("a"));
    (void)b.look();
    CHECK(b.at("a").path == "m/b.yaml");
    b.now += 1s;
    (void)b.look();
    CHECK(b.has("a"));
}

TEST_CASE("The owner keeps a name, and the other is told both paths") {
    Bench b;
    b.write("m/z.yaml", manifest_text("a"));
    (void)b.look();
    b.write("m/a.yaml", manifest_text("a", "9m"));
    (void)b.look();
    CHECK(b.at("a").path == "m/z.yaml");
    CHECK(b.at("a").good->experiment.spec.duration == 5min);
    REQUIRE(b.desired.strays().size() == 1);
    CHECK_THAT(b.desired.strays()[0].problems[0],
               Catch::Contains("m/a.yaml") && Catch::Contains("m/z.yaml"));
}

TEST_CASE("The owner keeps a name while its file is still being written") {
    Bench b;
    b.write("m/z.yaml", manifest_text("a"), 0s);
    (void)b.look({"m/z.yaml"});
    b.write("m/a.yaml", manifest_text("a", "9m"), 0s);
    (void)b.look({"m/a.yaml"});
    CHECK(b.at("a").path == "m/z.yaml");
    CHECK(b.at("a").good->experiment.spec.duration == 5min);
    CHECK(b.desired.strays().size() == 1);
}

TEST_CASE("A file that was moved while it was fresh is no deletion") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"), 0s);
    (void)b.look({"m/a.yaml"});
    b.scan.files.clear();
    b.write("m/sub/a.yaml", manifest_text("a"), 0s);
    (void)b.look();
    b.now += 60ms;
    (void)b.look();
    CHECK(b.has("a"));
    b.now += kQuiet;
    (void)b.look();
    CHECK(b.at("a").path == "m/sub/a.yaml");
}

TEST_CASE("Of two newcomers with one name neither is preferred") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    b.write("m/b.yaml", manifest_text("a"));
    (void)b.look();
    CHECK_FALSE(b.has("a"));
    CHECK(b.desired.strays().size() == 2);
}

TEST_CASE("A name changed in place ends one experiment and begins another") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    (void)b.look();
    b.write("m/a.yaml", manifest_text("b"));
    CHECK(b.look().changed.contains("b"));
    b.now += kSecondLook;
    CHECK(b.look().changed == Names{"a"});
    CHECK_FALSE(b.has("a"));
}

TEST_CASE("An experiment known from before is missed if its file is gone") {
    Bench b;
    auto document = manifest::decode(manifest_text("old")).at(0);
    b.desired.seed("old", std::make_shared<const Good>(Good{*document.experiment, document.digest,
                                                            document.text, "m/old.yaml", 0}));
    (void)b.look();
    CHECK(b.has("old"));
    b.now += kSecondLook;
    CHECK(b.look().changed == Names{"old"});
}

TEST_CASE("A file that was emptied is an invalid edit, not a deletion") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    (void)b.look();
    b.write("m/a.yaml", "# nothing\n");
    b.now += 1min;
    (void)b.look();
    REQUIRE(b.has("a"));
    CHECK(b.at("a").good != nullptr);
    CHECK_THAT(b.at("a").problems.at(0),
               Catch::Contains("m/a.yaml:1:1") && Catch::Contains("empty"));
}

TEST_CASE("A directory that cannot be read deletes nothing in it") {
    Bench b;
    b.write("m/sub/a.yaml", manifest_text("a"));
    b.write("m/b.yaml", manifest_text("b"));
    (void)b.look();
    b.scan.files.erase("m/sub/a.yaml");
    b.scan.unreadable["m/sub"] = "Permission denied";
    b.now += 1min;
    (void)b.look();
    b.now += 1min;
    CHECK(b.look().changed.empty());
    CHECK_THAT(b.at("a").problems.at(0), Catch::Contains("m/sub: cannot be read: Permission"));
    CHECK(b.at("b").problems.empty());
    b.scan.unreadable.clear();
    b.write("m/sub/a.yaml", manifest_text("a"));
    (void)b.look();
    CHECK(b.at("a").problems.empty());
    CHECK(b.desired.strays().empty());
}

TEST_CASE("An owner whose file is broken does not lose its name to another") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    (void)b.look();
    b.write("m/a.yaml", "]] not yaml");
    b.write("m/b.yaml", manifest_text("a", "1m"));
    (void)b.look();
    CHECK(b.at("a").path == "m/a.yaml");
    CHECK(b.at("a").good->experiment.spec.duration == 5min);
    REQUIRE(b.desired.strays().size() == 1);
    CHECK_THAT(b.desired.strays()[0].problems[0], Catch::Contains("duplicate name \"a\""));
    b.scan.files.erase("m/a.yaml");
    (void)b.look();
    CHECK(b.at("a").path == "m/b.yaml");
}

TEST_CASE("What has counted once goes on to, also a duplicate") {
    Bench b;
    b.write("m/a.yaml", manifest_text("a"));
    (void)b.look();
    b.write("m/copy.yaml", manifest_text("a"), 0s);
    (void)b.look({"m/copy.yaml"});
    REQUIRE(b.desired.strays().size() == 1);
    b.write("m/other.yaml", manifest_text("other"), 0s);
    const auto update = b.look({"m/other.yaml"});  // nobody has closed the copy this time
    CHECK(b.desired.strays().size() == 1);
    CHECK_FALSE(update.strays_changed);
}
