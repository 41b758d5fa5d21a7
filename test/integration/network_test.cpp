// Network faults as a user meets them: manifests, containers, status files. On the machine's own
// kernel with the faults that any kernel can do; those tagged [lab] in the lab too, or only there.
#include <csignal>

#include "test/network/docker_network.h"
#include "test/support/catch.h"

using namespace chaos::test;

namespace {

std::string partition_from(const std::string& peers) {
    return "{type: network_partition, parameters: {from: {services: [" + peers + "]}}}";
}

std::string bandwidth(const std::string& rate, const std::string& more = "") {
    return "{type: network_bandwidth, parameters: {rate: " + rate + more + "}}";
}

}  // namespace

TEST_CASE("A partition cuts a container off from the named, both ways, until it is deleted",
          "[docker][network][lab]") {
    NetworkBed bed;
    const auto before = bed.dump(bed.web);
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), partition_from(bed.db)));
    bed.lab.expect_phase("p", "Running");
    CHECK_FALSE(bed.reaches(bed.web, bed.db));
    CHECK_FALSE(bed.reaches(bed.db, bed.web));
    CHECK(bed.reaches(bed.web, bed.cache));
    CHECK(bed.reaches(bed.cache, bed.db));
    CHECK(until([&] { return bed.lab.condition("p", "EffectVerified") == "True ReadBack"; }, 15s));
    CHECK(std::stoi(bed.lab.evidence("p", "dropped")) >= 2);
    CHECK(bed.lab.evidence("p", "from") == bed.address(bed.db));
    bed.lab.remove("p.yaml");
    bed.lab.expect_phase("p", "Aborted");
    CHECK(bed.reaches(bed.web, bed.db));
    CHECK(bed.dump(bed.web) == before);
}

TEST_CASE("A container that restarts, or is made anew, gets its network fault again",
          "[docker][network]") {
    NetworkBed bed;
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), bandwidth("1mbit")));
    bed.lab.expect_phase("p", "Running");
    bed.c.docker({"restart", "-t", "0", bed.web});
    CHECK(until([&] { return !bed.clean(bed.web); }));
    bed.c.docker({"rm", "-f", bed.web});
    bed.start("web");
    CHECK(until([&] { return !bed.clean(bed.web); }));
    bed.lab.remove("p.yaml");
    bed.lab.expect_phase("p", "Aborted");
    CHECK(bed.clean(bed.web));
}

TEST_CASE("Peers are followed when their addresses change", "[docker][network]") {
    NetworkBed bed;
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), partition_from(bed.db)));
    bed.lab.expect_phase("p", "Running");
    const auto old_address = bed.address(bed.db);
    bed.c.docker({"rm", "-f", bed.db});
    const auto squatter = bed.start("squatter");  // gets the address that is free now
    const auto db = bed.start("db");
    REQUIRE(bed.address(db) != old_address);
    CHECK(until([&] { return bed.lab.evidence("p", "from") == bed.address(db); }));
    CHECK_FALSE(bed.reaches(bed.web, db));
    CHECK(bed.reaches(bed.web, squatter));
}

TEST_CASE("A fault whose peers do not exist waits for them, and hits nobody", "[docker][network]") {
    NetworkBed bed;
    const auto late = bed.c.prefix() + "late";
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web),
                                       bandwidth("1mbit", ", to: {services: [" + late + "]}")));
    bed.lab.expect_phase("p", "Injecting");
    CHECK(until(
        [&] { return bed.lab.ctl({"events", "p"}).out.find("NoPeers") != std::string::npos; }));
    CHECK(bed.clean(bed.web));
    bed.start("late");
    bed.lab.expect_phase("p", "Running");
    CHECK_FALSE(bed.clean(bed.web));
}

TEST_CASE("Two experiments with different effects hold on one container, the same effect does not",
          "[docker][network]") {
    NetworkBed bed;
    bed.lab.write("a.yaml", experiment("a", by_name(bed.web), bandwidth("1mbit")));
    bed.lab.expect_phase("a", "Running");
    bed.lab.write("b.yaml", experiment("b", by_name(bed.web), partition_from(bed.db)));
    bed.lab.expect_phase("b", "Running");
    bed.lab.write("c.yaml", experiment("c", by_name(bed.web), bandwidth("2mbit")));
    bed.lab.expect_phase("c", "Rejected");
    CHECK_THAT(bed.lab.field("c", "message"),
               Catch::Contains("(network bandwidth) is held by experiment a"));
    CHECK_FALSE(bed.reaches(bed.web, bed.db));
    bed.lab.remove("a.yaml");
    bed.lab.expect_phase("a", "Aborted");
    CHECK_FALSE(bed.reaches(bed.web, bed.db));
    CHECK(bed.dump(bed.web).find("c4a0:") == std::string::npos);
    CHECK(bed.lab.phase("b") == "Running");
    bed.lab.remove("b.yaml");
    bed.lab.expect_phase("b", "Aborted");
    CHECK(bed.clean(bed.web));
}

TEST_CASE("An edit changes the fault in place, and moves its end", "[docker][network]") {
    NetworkBed bed;
    const auto tree = [&] { return bed.in(bed.web, {"tc", "qdisc", "show", "dev", "eth0"}).out; };
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), bandwidth("1mbit")));
    bed.lab.expect_phase("p", "Running");
    CHECK_THAT(tree(), Catch::Contains("rate 1Mbit"));
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), bandwidth("2mbit")));
    CHECK(until([&] { return tree().find("rate 2Mbit") != std::string::npos; }));
    CHECK(until(
        [&] { return bed.lab.ctl({"events", "p"}).out.find("in place") != std::string::npos; }));
    bed.lab.write("p.yaml",
                  experiment("p", by_name(bed.web), bandwidth("2mbit", ", duration: 4s")));
    CHECK(until([&] { return bed.clean(bed.web); }));
    bed.lab.expect_phase("p", "Completed");
    CHECK(bed.lab.field("p", "verdict") == "Pass");
}

TEST_CASE("Controller and guard killed: the kernel ends the fault, the next start sweeps",
          "[docker][network][lab][alone]") {
    NetworkBed bed;
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web),
                                       "{type: network_partition, parameters: {from: {services: [" +
                                           bed.db + "]}, duration: 4s}}"));
    bed.lab.expect_phase("p", "Running");
    for (const int guard : guards_of(bed.lab)) ::kill(guard, SIGSTOP);
    CHECK(bed.lab.stop(SIGKILL) == 128 + SIGKILL);
    for (const int guard : guards_of(bed.lab)) ::kill(guard, SIGKILL);
    CHECK_FALSE(bed.reaches(bed.web, bed.db));
    CHECK(until([&] { return bed.reaches(bed.web, bed.db); }));
    CHECK_FALSE(bed.clean(bed.web));  // the empty tree
    bed.lab.start();
    CHECK(until([&] { return bed.clean(bed.web); }));
    bed.lab.expect_phase("p", "Completed");
}

TEST_CASE("A tree that no journal knows of is swept once the kernel has ended it",
          "[docker][network][alone]") {
    NetworkBed bed;
    bed.lab.stop(SIGTERM);
    (void)bed.in(bed.web, {"tc", "qdisc", "add", "dev", "eth0", "root", "handle", "c4a0:", "htb"});
    CHECK_FALSE(bed.clean(bed.web));
    bed.lab.start();
    CHECK(until([&] { return bed.clean(bed.web); }));
    CHECK(until([&] {
        return bed.lab.http("/metrics").find("chaos_orphans_found_total 1") != std::string::npos;
    }));
}

TEST_CASE("The guard takes network faults back when the controller is killed",
          "[docker][network]") {
    NetworkBed bed;
    bed.lab.stop(SIGTERM);
    bed.lab.start({"--guard-grace", "300ms"});
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), bandwidth("1mbit")));
    bed.lab.write("q.yaml", experiment("q", by_name(bed.web), partition_from(bed.db)));
    bed.lab.expect_phase("p", "Running");
    bed.lab.expect_phase("q", "Running");
    CHECK(bed.lab.stop(SIGKILL) == 128 + SIGKILL);
    CHECK(until([&] { return bed.clean(bed.web); }));
}

TEST_CASE("SIGTERM takes network faults back; a new controller finds them after SIGKILL",
          "[docker][network]") {
    NetworkBed bed;
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), bandwidth("1mbit")));
    bed.lab.expect_phase("p", "Running");
    bed.lab.stop(SIGKILL);
    bed.lab.start();
    bed.lab.expect_phase("p", "Running");
    CHECK_FALSE(bed.clean(bed.web));
    CHECK(bed.lab.stop(SIGTERM) == 0);
    CHECK(bed.clean(bed.web));
}

TEST_CASE("Containers that share a network namespace are hit once, until the last one is not meant",
          "[docker][network]") {
    NetworkBed bed;
    const auto second = bed.c.start("second", {.network = "container:" + bed.web});
    const auto targets = "{selector: {names: [" + bed.web + ", " + second + "]}, mode: all}";
    bed.lab.write("p.yaml", experiment("p", targets, bandwidth("1mbit"),
                                       "  safety: {max_affected_services: 2}\n"));
    bed.lab.expect_phase("p", "Running");
    CHECK(bed.lab.targets("p").size() == 2);
    const auto classes = bed.in(bed.web, {"tc", "class", "show", "dev", "eth0"}).out;
    CHECK_THAT(classes, Catch::Contains("c4a0:1 ") && !Catch::Contains("c4a0:2 "));
    bed.lab.write("p.yaml", experiment("p", by_name(second), bandwidth("1mbit")));
    CHECK(until([&] { return bed.lab.field("p", "observed_generation") == "2"; }));
    CHECK_FALSE(bed.clean(bed.web));
    bed.lab.remove("p.yaml");
    bed.lab.expect_phase("p", "Aborted");
    CHECK(bed.clean(bed.web));
}

TEST_CASE("A target that the OOM killer ends again and again gets its fault each time",
          "[docker][network]") {
    NetworkBed bed;
    const auto hungry =
        bed.c.start("hungry", {.network = bed.network.name(),
                               .options = {"--memory", "20m", "--memory-swap", "20m"},
                               .command = {"/bin/sh", "-c", "sleep 1; busybox tail /dev/zero"}});
    bed.lab.write("p.yaml", experiment("p", by_name(hungry), bandwidth("1mbit")));
    CHECK(until([&] { return bed.c.restarts(hungry) >= 2; }));
    CHECK(until([&] {
        const auto events = bed.lab.ctl({"events", "p"}).out;
        return events.find("again, which started at") != std::string::npos;
    }));
    bed.lab.remove("p.yaml");
    bed.lab.expect_phase("p", "Aborted");
    CHECK(bed.lab.status("p").find("targets")->items.at(0).find("faults")->items.size() == 1);
}

TEST_CASE("A target that dies for good takes its network fault along", "[docker][network]") {
    NetworkBed bed;
    const auto mortal = bed.c.start("mortal", {.restart = "no", .network = bed.network.name()});
    bed.lab.write("p.yaml", experiment("p", by_name(mortal), bandwidth("1mbit", ", duration: 4s"),
                                       "  recovery_timeout: 1s\n"));
    bed.lab.expect_phase("p", "Running");
    bed.c.docker({"kill", mortal});
    bed.lab.expect_phase("p", "Completed");
    const auto verdict = bed.lab.field("p", "verdict");
    CHECK(verdict == "Fail");  // it went down during the fault, and not by it
    const auto clean = bed.lab.ctl({"verify-clean"});
    CHECK_THAT(clean.out, !Catch::Contains(mortal));
}

TEST_CASE("A namespace that outlives the target's life is cleaned all the same",
          "[docker][network]") {
    NetworkBed bed;
    const auto second = bed.c.start("second", {.network = "container:" + bed.web});
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), bandwidth("1mbit")));
    bed.lab.expect_phase("p", "Running");
    bed.c.docker({"stop", "-t", "0", bed.web});
    CHECK_FALSE(bed.clean(second));
    bed.lab.remove("p.yaml");
    CHECK(until([&] { return bed.clean(second); }));
}

TEST_CASE("A shared namespace that a restart of its owner has left behind is cleaned, too",
          "[docker][network]") {
    NetworkBed bed;
    const auto second = bed.c.start("second", {.network = "container:" + bed.web});
    bed.lab.write("p.yaml",
                  experiment("p", by_name(bed.web), bandwidth("1mbit", ", direction: both")));
    bed.lab.expect_phase("p", "Running");
    CHECK_FALSE(bed.clean(second));
    bed.c.docker({"restart", "-t", "0", bed.web});
    CHECK(until([&] { return !bed.clean(bed.web); }));
    CHECK(until([&] { return bed.clean(second); }));
    bed.lab.remove("p.yaml");
    bed.lab.expect_phase("p", "Aborted");
    CHECK(bed.clean(bed.web));
}

TEST_CASE("A fault that an edit has renamed is neither doubled nor forgotten",
          "[docker][network]") {
    NetworkBed bed;
    auto text = experiment("p", by_name(bed.web), bandwidth("1mbit"));
    bed.lab.write("p.yaml", text);
    bed.lab.expect_phase("p", "Running");
    text.replace(text.find("{name: s,"), 9, "{name: renamed,");
    bed.lab.write("p.yaml", text);
    CHECK(until([&] { return bed.lab.field("p", "observed_generation") == "2"; }));
    (void)bed.in(bed.web, {"ping", "-c", "1", "-W", "1", bed.address(bed.db)});
    CHECK(until([&] { return bed.lab.condition("p", "EffectVerified") == "True ReadBack"; }, 15s));
    CHECK_THAT(bed.in(bed.web, {"tc", "class", "show", "dev", "eth0"}).out,
               !Catch::Contains("c4a0:2 "));
    bed.lab.remove("p.yaml");
    bed.lab.expect_phase("p", "Aborted");
    CHECK(bed.clean(bed.web));
}

TEST_CASE("A takeover of faults on several containers, aborted at once, leaves nothing",
          "[docker][network]") {
    NetworkBed bed;
    const auto targets =
        "{selector: {names: [" + bed.web + ", " + bed.db + ", " + bed.cache + "]}, mode: all}";
    bed.lab.write(
        "p.yaml",
        experiment("p", targets, "{type: network_loss, parameters: {percent: 50, direction: both}}",
                   "  safety: {max_affected_services: 3}\n"));
    bed.lab.expect_phase("p", "Running");
    bed.lab.stop(SIGKILL);
    SECTION("the manifest goes before the new controller comes") { bed.lab.remove("p.yaml"); }
    bed.lab.start();
    if (bed.lab.phase("p") != "Aborted") bed.lab.remove("p.yaml");
    bed.lab.expect_phase("p", "Aborted");
    for (const auto& name : {bed.web, bed.db, bed.cache}) CHECK(bed.clean(name));
    const auto log = bed.lab.log();
    CHECK_THAT(log, !Catch::Contains("kind is unknown"));
}

TEST_CASE("What cannot be hit safely is refused, and said why", "[docker][network]") {
    NetworkBed bed;
    const auto refused = [&](const std::string& target, const std::string& action,
                             const std::string& why) {
        bed.lab.write("r.yaml", experiment("r", by_name(target), action));
        bed.lab.expect_phase("r", "Failed");
        CHECK_THAT(bed.lab.field("r", "message"), Catch::Contains(why));
    };
    SECTION("the host's network") {
        // In the tests the engine has a network namespace of its own, which is its containers'
        // host.
        refused(bed.c.start("host", {.network = "host"}), bandwidth("1mbit"),
                "host's network namespace");
    }
    SECTION("no network") {
        refused(bed.c.start("alone"), bandwidth("1mbit"), "no network interface but lo");
    }
    SECTION("an interface that is not there") {
        refused(bed.web, bandwidth("1mbit", ", interfaces: [eth7]"),
                "there is no interface eth7, only lo, eth0");
    }
    SECTION("a root that somebody else has put there") {
        (void)bed.in(bed.web, {"tc", "qdisc", "add", "dev", "eth0", "root", "handle", "7:", "htb"});
        const auto before = bed.dump(bed.web);
        refused(bed.web, bandwidth("1mbit"), "not this project's, htb 7:");
        CHECK(bed.dump(bed.web) == before);
    }
}

TEST_CASE("An interface that joins while the fault lasts gets it, too", "[docker][network]") {
    const DockerNetwork other;
    NetworkBed bed;
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), bandwidth("1mbit")));
    bed.lab.expect_phase("p", "Running");
    bed.c.docker({"network", "connect", other.name(), bed.web});
    CHECK(until([&] {
        return bed.in(bed.web, {"tc", "qdisc", "show", "dev", "eth1"}).out.find("c4a0:") !=
               std::string::npos;
    }));
    bed.lab.remove("p.yaml");
    bed.lab.expect_phase("p", "Aborted");
    CHECK(bed.clean(bed.web));
    bed.c.docker({"network", "disconnect", other.name(), bed.web});
}

TEST_CASE("Hostnames are resolved; what cannot be is waited for", "[docker][network]") {
    NetworkBed bed;
    const auto cut = [&](const std::string& host) {
        return "{type: network, parameters: {partition: {from: {cidrs: [0.0.0.0/0]}}, "
               "to: {hostnames: [\"" +
               host + "\"]}}}";
    };
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), cut(bed.address(bed.db))));
    bed.lab.expect_phase("p", "Running");
    CHECK_FALSE(bed.reaches(bed.web, bed.db));
    CHECK(bed.reaches(bed.web, bed.cache));
    bed.lab.write("q.yaml", experiment("q", by_name(bed.cache), cut("nobody.invalid")));
    bed.lab.expect_phase("q", "Injecting");
    CHECK(until([&] {
        return bed.lab.ctl({"events", "q"}).out.find("none of nobody.invalid has an address") !=
               std::string::npos;
    }));
    CHECK(bed.clean(bed.cache));
}

TEST_CASE("Somebody who removes a fault by hand finds it back, and the status says so",
          "[docker][network]") {
    NetworkBed bed;
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web), bandwidth("1mbit")));
    bed.lab.expect_phase("p", "Running");
    (void)bed.in(bed.web, {"tc", "qdisc", "del", "dev", "eth0", "root"});
    CHECK(until(
        [&] {
            return !bed.clean(bed.web) &&
                   bed.lab.ctl({"events", "p"}).out.find("FaultPutBack") != std::string::npos;
        },
        15s));
}

TEST_CASE("verify-clean and doctor look into the kernel", "[docker][network][alone]") {
    NetworkBed bed;
    const auto clean = bed.lab.ctl({"verify-clean"});
    INFO(clean.out);
    CHECK(clean.exit_code == 0);
    (void)bed.in(bed.web, {"tc", "qdisc", "add", "dev", "eth0", "root", "handle", "c4a0:", "htb"});
    const auto left = bed.lab.ctl({"verify-clean"});
    CHECK(left.exit_code == 1);
    CHECK_THAT(left.out, Catch::Contains("qdisc htb c4a0: on eth0 is in the network namespace of "
                                         "container " +
                                         bed.web));
    CHECK_THAT(left.out, Catch::Contains("tc qdisc del dev eth0 root"));
    CHECK_THAT(bed.lab.ctl({"doctor"}).out, Catch::Contains("nf_tables") && Catch::Contains("ifb"));
}

TEST_CASE("A kernel without netem says so, and loses packets by nftables", "[docker][network]") {
    NetworkBed bed;
    if (bed.lab.ctl({"doctor"}).out.find("modprobe sch_netem") == std::string::npos) return;
    bed.lab.write("l.yaml", experiment("l", by_name(bed.web),
                                       "{type: network_latency, parameters: {latency: 100ms}}"));
    bed.lab.expect_phase("l", "Failed");
    CHECK(bed.lab.field("l", "reason") == "Unsupported");
    CHECK_THAT(bed.lab.field("l", "message"), Catch::Contains("modprobe sch_netem"));
    CHECK(bed.clean(bed.web));
    bed.lab.write("p.yaml", experiment("p", by_name(bed.web),
                                       "{type: network_loss, parameters: {percent: 100}}"));
    bed.lab.expect_phase("p", "Running");
    CHECK_FALSE(bed.reaches(bed.web, bed.db));
    CHECK(bed.lab.evidence("p", "by") == "nftables");
}

TEST_CASE("Latency is changed in place in a container, and measured in the status",
          "[.][docker][lab][netem]") {
    NetworkBed bed;
    const auto average = [&] {
        const auto out = bed.in(bed.web, {"ping", "-n", "-q", "-c", "10", "-i", "0.05", "-W", "2",
                                          bed.address(bed.db)})
                             .out;
        const auto at = out.find(" = ");
        return at == std::string::npos ? 0 : std::stod(out.substr(out.find('/', at) + 1));
    };
    const auto latency = [&](const std::string& time) {
        return experiment("l", by_name(bed.web),
                          "{type: network_latency, parameters: {latency: " + time + "}}");
    };
    bed.lab.write("l.yaml", latency("100ms"));
    bed.lab.expect_phase("l", "Running");
    CHECK(measured([&] { return average() > 98; }));
    bed.lab.write("l.yaml", latency("250ms"));
    CHECK(until([&] {
        return bed.in(bed.web, {"tc", "qdisc", "show"}).out.find("delay 250ms") !=
               std::string::npos;
    }));
    CHECK(measured([&] { return average() > 248; }));
    CHECK(until([&] { return bed.lab.condition("l", "EffectVerified") == "True ReadBack"; }, 15s));
    CHECK(bed.lab.evidence("l", "by") == "netem");
    bed.lab.remove("l.yaml");
    bed.lab.expect_phase("l", "Aborted");
    CHECK(bed.clean(bed.web));
    CHECK(measured([&] { return average() < 90; }));
}
