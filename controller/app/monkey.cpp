#include "controller/app/monkey.h"

#include "controller/config/monkey.h"
#include "controller/manifest/decode.h"
#include "controller/telemetry/log.h"

namespace chaos::app {
namespace {

constexpr const char* kAskedNote = "monkey-asked";  // a mode, or kStopped
constexpr std::string_view kStopped = "stopped";

}  // namespace

Result<std::string> Monkey::start(const Config& config, MonkeyMode mode) {
    if (config.monkey.mode == MonkeyMode::kDisabled) {
        return fail(ErrorCode::kConflict,
                    "the configuration says chaos_monkey.mode: disabled; change it there first");
    }
    if (config.monkey.schedules.empty()) {
        return fail(ErrorCode::kConflict,
                    "the configuration has no chaos_monkey.schedules: there is nothing to do");
    }
    controller_.note(kAskedNote, std::string{config::to_string(mode)});
    return "the chaos monkey is in mode " + std::string{config::to_string(mode)};
}

Result<std::string> Monkey::stop() {
    controller_.note(kAskedNote, std::string{kStopped});
    return std::string{"the chaos monkey is stopped; its running experiments are undone"};
}

std::optional<MonkeyMode> Monkey::mode(const Config& config) const {
    if (config.monkey.mode == MonkeyMode::kDisabled) return config.monkey.mode;
    const auto asked = controller_.noted(kAskedNote);
    if (asked == kStopped) return std::nullopt;
    return asked.empty() ? config.monkey.mode : config::parse_mode(asked);
}

source::Desired::Generated Monkey::experiments(const Config& config,
                                               const std::string& directory) const {
    source::Desired::Generated generated;
    const auto in_force = mode(config);
    if (!in_force) return generated;
    for (const auto& schedule : config.monkey.schedules) {
        if (!config::takes_place(schedule, *in_force)) continue;
        const auto text = config::manifest_of(schedule, *in_force);
        auto documents = manifest::decode(text, config.custom_actions);
        if (documents.size() != 1 || !documents[0].experiment) {
            // What safe mode forbids, as an intensity: it rests in this mode.
            log::warning("a schedule of the chaos monkey does not take place in this mode",
                         {{"schedule", schedule.name},
                          {"mode", config::to_string(*in_force)},
                          {"why", documents.empty() || documents[0].problems.empty()
                                      ? ""
                                      : documents[0].problems[0].message}});
            continue;
        }
        auto& document = documents[0];
        const auto name = document.name;
        generated[name] = std::make_shared<const source::Good>(
            source::Good{std::move(*document.experiment), document.digest, text,
                         directory + "/" + name + ".yaml", 0});
    }
    return generated;
}

}  // namespace chaos::app
