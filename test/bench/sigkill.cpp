// The controller is killed at random moments of a run and started again: nothing may outlive its
// deadline, and no one-shot may be lost or fire twice.
#include <csignal>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "test/bench/figures.h"
#include "test/integration/harness.h"

namespace chaos::bench {
namespace {

using namespace chaos::test;

struct Tally {
    std::mutex mutex;
    int rounds = 0;
    int lost = 0;
    int doubled = 0;
    int overdue = 0;
    std::vector<double> overrun_ms;
};

// One round: a kill and a pause of 1 s begin, and somewhere in their first 1.2 s the controller is
// killed; it is started again at once, as a service manager would.
void round_of(Lab& lab, const Containers& c, const std::string& victim, const std::string& frozen,
              int round, std::mt19937& random, Tally& tally) {
    const auto suffix = "-" + std::to_string(round);
    const int restarts = c.restarts(victim);
    lab.write("k.yaml", experiment("k" + suffix, by_name(victim), "{type: container_kill}"));
    lab.write("p.yaml", experiment("p" + suffix, by_name(frozen),
                                   "{type: container_pause, parameters: {duration: 1s}}"));
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 1'200'000});
    lab.stop(SIGKILL);
    lab.start({"--log-level", "info"}, false);
    lab.expect_phase("k" + suffix, "Completed", 60s);
    lab.expect_phase("p" + suffix, "Completed", 60s);
    const int kills = c.restarts(victim) - restarts;
    const auto status = lab.status("p" + suffix);
    const auto& fault = status.find("targets")->items.at(0).find("faults")->items.at(0);
    const auto begin = parse_time(status.text_at("start_time"));
    const auto end = parse_time(fault.text_at("recovered_at"));
    const std::scoped_lock lock{tally.mutex};
    ++tally.rounds;
    tally.lost += kills == 0 ? 1 : 0;
    tally.doubled += kills > 1 ? kills - 1 : 0;
    if (!begin || !end) throw std::runtime_error("no times in the status");
    const auto overrun = std::chrono::duration<double, std::milli>(*end - *begin - 1s).count();
    tally.overrun_ms.push_back(overrun);
    // What the restart of the process and of its connection may take, and no more.
    if (overrun > 1000 || c.paused(frozen)) ++tally.overdue;
}

}  // namespace

std::vector<Figure> sigkills(int samples) {
    constexpr int kLanes = 4;
    constexpr int kVictims = 10;  // take turns: Docker's backoff grows for those killed too often
    Tally tally;
    std::string failure;
    std::vector<std::thread> lanes;
    for (int lane = 0; lane < kLanes; ++lane) {
        lanes.emplace_back([&, lane] {
            try {
                std::mt19937 random{static_cast<unsigned>(lane)};
                Containers c;
                std::vector<std::string> victims;
                for (int i = 0; i < kVictims; ++i)
                    victims.push_back(c.start("v" + std::to_string(i)));
                const auto frozen = c.start("frozen");
                Lab lab{c};
                lab.start({"--log-level", "info"});
                for (int i = 0; i < samples / kLanes; ++i) {
                    round_of(lab, c, victims[static_cast<std::size_t>(i % kVictims)], frozen, i,
                             random, tally);
                }
            } catch (const std::exception& error) {
                const std::scoped_lock lock{tally.mutex};
                failure = error.what();
            }
        });
    }
    for (auto& lane : lanes) lane.join();
    if (!failure.empty()) throw std::runtime_error(failure);
    const auto single = [](double value) { return std::vector<double>{value}; };
    return {{"SIGKILL: rounds", "", single(tally.rounds)},
            {"SIGKILL: one-shots lost", "", single(tally.lost)},
            {"SIGKILL: one-shots doubled", "", single(tally.doubled)},
            {"SIGKILL: faults more than 1 s past their end", "", single(tally.overdue)},
            {"SIGKILL: end of the pause past its time", "ms", tally.overrun_ms}};
}

}  // namespace chaos::bench
