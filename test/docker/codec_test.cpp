#include "controller/docker/codec.h"

#include <random>

#include "controller/docker/cache.h"
#include "test/support/catch.h"
#include "test/support/make.h"
#include "test/support/paths.h"
#include "test/support/temp_dir.h"

using namespace chaos;
using namespace chaos::docker;
using namespace chaos::test;

namespace {

// Replies recorded from Docker 20.10.
std::string sample(const std::string& name) {
    return read_text(source_dir() + "/test/docker/samples/" + name);
}

std::vector<std::string> sample_events() {
    std::istringstream in{sample("events.jsonl")};
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

}  // namespace

TEST_CASE("A recorded version is read") {
    const auto version = parse_version(sample("version.json"));
    REQUIRE(version);
    CHECK(version->api == "1.41");
    CHECK(version->min_api == "1.12");
}

TEST_CASE("A recorded list is read") {
    const auto list = parse_list(sample("list.json"));
    REQUIRE(list);
    REQUIRE(list->size() == 3);
    const auto& store = list->at(2);
    CHECK(store.name == "chaos-demo-store-1");
    CHECK(store.service() == "store");
    CHECK(store.image == "chaos-demo:1");
    CHECK(store.state == ContainerState::kRunning);
    CHECK(store.health == Health::kHealthy);
    CHECK(store.networks == std::vector<std::string>{"chaos-demo"});
    CHECK_FALSE(store.incarnation);
}

TEST_CASE("A recorded inspect gives the life of the container") {
    const auto c = parse_inspect(sample("inspect.json"));
    REQUIRE(c);
    CHECK(c->name == "chaos-demo-backend-1");
    REQUIRE(c->incarnation);
    CHECK(c->incarnation->pid == 16040);
    CHECK(c->incarnation->started_at == "2026-11-24T08:28:40.183421593Z");
    CHECK(c->started_at == parse_time("2026-11-24T08:28:40.183421593Z"));
    CHECK(c->health == Health::kHealthy);
    CHECK(c->health_since);
}

TEST_CASE("Recorded events are read") {
    for (const auto& line : sample_events()) {
        INFO(line);
        CHECK(parse_event(line));
    }
    const auto die = parse_event(sample_events().front());
    REQUIRE(die);
    CHECK(die->action == "die");
    CHECK(die->exit_code == 137);
    CHECK(die->name == "chaos-demo-store-1");
    CHECK(die->labels.at("com.docker.compose.service") == "store");
    CHECK_FALSE(die->labels.contains("exitCode"));
    CHECK(die->time.time_since_epoch() == 1795509011543389319ns);
}

TEST_CASE("Addresses and shared networks are read, of lists and of inspects") {
    const auto list = parse_list(sample("list.json"));
    REQUIRE(list);
    CHECK(list->at(0).addresses == std::vector<std::string>{"198.18.144.4"});
    const auto inspected = parse_inspect(sample("inspect.json"));
    REQUIRE(inspected);
    CHECK(inspected->addresses == std::vector<std::string>{"198.18.144.3"});
    CHECK(inspected->network_of.empty());
    const auto both = parse_inspect(R"({"Id":"x","Name":"/web","State":{"Status":"running"},
        "HostConfig":{"NetworkMode":"container:abc"},"NetworkSettings":{"Networks":{
        "n":{"IPAddress":"10.0.0.1","GlobalIPv6Address":"fd00::1"}}}})");
    REQUIRE(both);
    CHECK(both->addresses == std::vector<std::string>{"10.0.0.1", "fd00::1"});
    CHECK(both->network_of == "abc");
}

TEST_CASE("Of a network's events who joins and who leaves matters, and is told of the container") {
    const auto line = [](const std::string& action) {
        return R"({"Type":"network","Action":")" + action +
               R"(","Actor":{"ID":"n1","Attributes":{"container":"c1","name":"net"}},"timeNano":5})";
    };
    CHECK(parse_event(line("connect")).value().id == "c1");
    CHECK(parse_event(line("disconnect")).value().action == "disconnect");
    CHECK_FALSE(parse_event(line("destroy")));
}

TEST_CASE("A container in Docker's restart backoff is not running") {
    const auto c = parse_inspect(R"({"Id":"x","Name":"/web","State":{"Status":"running",
        "Running":true,"Restarting":true,"Pid":0,"StartedAt":"2026-11-24T08:00:00Z"}})");
    REQUIRE(c);
    CHECK_FALSE(c->running());
    CHECK_FALSE(c->incarnation);
}

TEST_CASE("A linked container keeps its own name") {
    const auto list =
        parse_list(R"([{"Id":"x","Names":["/other/alias","/web"],"State":"running"}])");
    REQUIRE(list);
    CHECK(list->at(0).name == "web");
}

TEST_CASE("The newest API version that both know is spoken") {
    const auto [api, min_api, expected] = GENERATE(table<std::string, std::string, std::string>({
        {"1.41", "1.12", "1.41"},
        {"1.24", "1.12", "1.24"},
        {"1.99", "1.24", "1.51"},
        {"1.23", "1.12", "error"},
        {"1.99", "1.60", "error"},
        {"2.0", "1.40", "1.51"},
        {"", "1.12", "error"},
        {"1", "1.12", "error"},
        {"x.y", "1.12", "error"},
    }));
    INFO(api);
    CHECK(choose_api({"v", api, min_api}).value_or("error") == expected);
}

TEST_CASE("Replies that make no sense are errors, not crashes") {
    const auto text = GENERATE(values<std::string>(
        {"", "null", "[]", "{}", "[1,2]", "{\"Id\":5}", "{\"State\":[]}", "not json",
         "{\"message\":", "[{\"Id\":\"a\"}]", "{\"Action\":\"start\"}", "{\"ApiVersion\":1.41}"}));
    INFO(text);
    (void)parse_version(text);
    (void)parse_list(text);
    CHECK_FALSE(parse_inspect(text));
    CHECK_FALSE(parse_event(text));
    CHECK_FALSE(parse_event(std::string(100000, '[')));
    CHECK(error_message(R"({"message":"no such container"})") == "no such container");
    CHECK(error_message(text).size() <= 200);
}

TEST_CASE("Parsers survive any damage to a reply") {
    std::mt19937 random{7};
    const std::vector<std::string> whole{sample("list.json"), sample("inspect.json"),
                                         sample_events().front()};
    for (int round = 0; round < 2000; ++round) {
        auto text = whole[random() % whole.size()];
        for (int i = 0; i < 3; ++i) text[random() % text.size()] = static_cast<char>(random());
        text.resize(text.size() - random() % text.size() / 4);
        (void)parse_list(text);
        (void)parse_inspect(text);
        (void)parse_event(text);
    }
    SUCCEED();
}

namespace {

Event event(const std::string& action, const std::string& name, TimePoint time) {
    Event e;
    const auto colon = action.find(": ");
    e.action = action.substr(0, colon);
    if (colon != std::string::npos) e.detail = action.substr(colon + 2);
    e.id = long_id(name);
    e.name = name;
    e.time = time;
    return e;
}

Cache cache_of(std::vector<Container> containers) {
    Cache cache;
    cache.replace(std::move(containers), kT0);
    return cache;
}

}  // namespace

TEST_CASE("The cache follows a crash and the restart that follows") {
    auto web = container("web");
    web.health = Health::kHealthy;
    auto cache = cache_of({web});
    auto die = event("die", "web", kT0 + 1s);
    die.exit_code = 137;
    CHECK(cache.apply(die));
    CHECK(cache.find_name("web")->state == ContainerState::kExited);
    CHECK(cache.find_name("web")->exit_code == 137);
    CHECK_FALSE(cache.find_name("web")->incarnation);
    CHECK(cache.apply(event("start", "web", kT0 + 2s)));
    const auto* c = cache.find_name("web");
    CHECK(c->state == ContainerState::kRunning);
    CHECK(c->started_at == kT0 + 2s);
    CHECK(c->health == Health::kStarting);
    CHECK(cache.apply(event("health_status: healthy", "web", kT0 + 3s)));
    CHECK(cache.find_name("web")->health == Health::kHealthy);
    CHECK(cache.find_name("web")->health_since == kT0 + 3s);
}

TEST_CASE("A container without a health check has none after a restart either") {
    auto cache = cache_of({container("web")});
    cache.apply(event("start", "web", kT0 + 1s));
    CHECK(cache.find_name("web")->health == Health::kNone);
}

TEST_CASE("Addresses go with the life, and are asked for anew after a move to another network") {
    auto web = container("web");
    web.addresses = {"10.0.0.1"};
    auto cache = cache_of({web});
    CHECK(cache.apply(event("connect", "web", kT0 + 1s)));
    CHECK_FALSE(cache.find_name("web")->incarnation);
    CHECK_FALSE(cache.apply(event("connect", "stranger", kT0 + 1s)));
    CHECK(cache.find_name("stranger") == nullptr);
    CHECK(cache.apply(event("die", "web", kT0 + 2s)));
    CHECK(cache.find_name("web")->addresses.empty());
    CHECK_FALSE(cache.apply(event("disconnect", "web", kT0 + 3s)));
}

TEST_CASE("After a pause the old health means nothing until the next probe") {
    auto web = container("web");
    web.health = Health::kHealthy;
    auto cache = cache_of({web});
    cache.apply(event("pause", "web", kT0 + 1s));
    CHECK(cache.find_name("web")->state == ContainerState::kPaused);
    cache.apply(event("unpause", "web", kT0 + 2s));
    CHECK(cache.find_name("web")->health == Health::kStarting);
}

TEST_CASE("Events older than what was asked for are history") {
    auto cache = cache_of({container("web")});
    auto paused = container("web");
    paused.state = ContainerState::kPaused;
    cache.update(paused, kT0 + 5s);
    CHECK_FALSE(cache.apply(event("unpause", "web", kT0 + 4s)));
    CHECK(cache.find_name("web")->state == ContainerState::kPaused);
    CHECK(cache.apply(event("unpause", "web", kT0 + 6s)));
}

TEST_CASE("Events after a clock was set back are no history") {
    auto cache = cache_of({container("web")});
    CHECK(cache.apply(event("die", "web", kT0 - 1h)));
    CHECK(cache.find_name("web")->state == ContainerState::kExited);
}

TEST_CASE("Unknown containers appear, renamed ones move, destroyed ones go") {
    auto cache = cache_of({});
    CHECK(cache.apply(event("create", "tmp", kT0 + 1s)));
    auto rename = event("rename", "web", kT0 + 2s);
    rename.id = long_id("tmp");
    cache.apply(rename);
    CHECK(cache.find_name("web") != nullptr);
    CHECK(cache.find_name("tmp") == nullptr);
    auto destroy = event("destroy", "web", kT0 + 3s);
    destroy.id = long_id("tmp");
    cache.apply(destroy);
    CHECK(cache.containers().empty());
}

TEST_CASE("A list replaces what is known, and what inspect told must be asked anew") {
    auto cache = cache_of({container("a"), container("b")});
    auto listed = container("a");
    listed.incarnation.reset();
    cache.replace({listed}, kT0 + 1min);
    CHECK(cache.containers().size() == 1);
    CHECK_FALSE(cache.find_name("a")->incarnation);
}

TEST_CASE("An answer that an event has overtaken changes nothing") {
    auto cache = cache_of({container("web")});
    cache.apply(event("die", "web", kT0 + 2s));
    cache.update(container("web"), kT0 + 1s);
    CHECK(cache.find_name("web")->state == ContainerState::kExited);
    cache.replace({container("web")}, kT0 + 1s);
    CHECK(cache.find_name("web")->state == ContainerState::kExited);
    cache.apply(event("destroy", "web", kT0 + 3s));
    cache.apply(event("create", "new", kT0 + 3s));
    cache.update(container("web"), kT0 + 2s);
    cache.replace({container("web")}, kT0 + 2s);
    CHECK(cache.find_name("web") == nullptr);
    CHECK(cache.find_name("new") != nullptr);
    cache.replace({container("web")}, kT0 + 4s);
    CHECK(cache.find_name("web")->state == ContainerState::kRunning);
    CHECK(cache.find_name("new") == nullptr);
}

TEST_CASE("Recorded events leave the cache where Docker was") {
    auto cache = cache_of(*parse_list(sample("list.json")));
    for (const auto& line : sample_events()) cache.apply(*parse_event(line));
    // The recording ends with the removal of the frontend; the others ran on.
    CHECK(cache.find_name("chaos-demo-frontend-1") == nullptr);
    REQUIRE(cache.containers().size() == 2);
    for (const auto& c : cache.containers()) CHECK(c.state == ContainerState::kRunning);
}
