#include "controller/app/state.h"

#include "controller/config/monkey.h"
#include "controller/json/json.h"

namespace chaos::app {
namespace {

using json::Writer;

void put_config(Writer& out, const ConfigSource& source) {
    out.key("config").begin_object();
    out.key("path").value(std::string_view{source.path()});
    if (source.read_at()) {
        out.key("read_at").value(std::string_view{format_time(*source.read_at())});
    }
    out.key("problems").begin_array();
    for (const auto& problem : source.problems()) out.value(std::string_view{problem});
    out.end_array().end_object();
}

void put_gates(Writer& out, const char* key, const std::vector<safety::Closed>& closed) {
    out.key(key).begin_array();
    for (const auto& gate : closed) {
        out.begin_object();
        out.key("gate").value(std::string_view{gate.reason});
        out.key("why").value(std::string_view{gate.message});
        out.end_object();
    }
    out.end_array();
}

void put_figures(Writer& out, const safety::Readings& readings) {
    out.key("figures").begin_object();
    if (readings.host) {
        out.key("cpu_percent").value(readings.host->cpu_percent);
        out.key("memory_percent").value(readings.host->memory_percent);
    }
    if (readings.health) {
        out.key("healthy_services").value(static_cast<std::int64_t>(readings.health->healthy));
        out.key("services").value(static_cast<std::int64_t>(readings.health->total));
    }
    if (readings.incidents) {
        out.key("incidents").value(static_cast<std::int64_t>(readings.incidents->size()));
    }
    out.end_object();
}

void put_upcoming(Writer& out, const runtime::Controller::Upcoming& item) {
    out.begin_object();
    out.key("experiment").value(std::string_view{item.name});
    if (item.next) out.key("next_run").value(std::string_view{format_time(*item.next)});
    if (item.last != nullptr) {
        const Run& run = *item.last;
        out.key("phase").value(to_string(run.phase));
        out.key("verdict").value(to_string(run.verdict));
        out.key("reason").value(std::string_view{run.reason});
        out.key("message").value(std::string_view{run.message});
        out.key("created_at").value(std::string_view{format_time(run.created_at)});
        out.key("targets").begin_array();
        for (const auto& target : run.targets) out.value(std::string_view{target.name});
        out.end_array();
    }
    out.end_object();
}

void put_monkey(Writer& out, const Controls& controls) {
    const auto mode = controls.monkey.mode(controls.gatekeeper.config());
    out.key("monkey").begin_object();
    out.key("mode").value(mode ? config::to_string(*mode) : std::string_view{"stopped"});
    out.key("schedules").begin_array();
    for (const auto& item : controls.controller.upcoming()) {
        if (item.name.starts_with(config::kMonkeyPrefix)) put_upcoming(out, item);
    }
    out.end_array().end_object();
}

}  // namespace

std::string state_text(const Controls& controls) {
    auto& gates = controls.gatekeeper;
    const auto running = controls.controller.running().size();
    Writer out;
    out.begin_object();
    put_config(out, controls.config);
    out.key("halted").value(std::string_view{gates.halted()});
    out.key("draining").value(gates.draining());
    out.key("running").begin_array();
    for (const auto& name : controls.controller.running()) out.value(std::string_view{name});
    out.end_array();
    put_figures(out, gates.readings());
    put_gates(out, "closed", gates.closed({.safe_mode = true, .running = running}));
    put_gates(out, "closed_unless_safe", gates.closed({.safe_mode = false, .running = running}));
    put_monkey(out, controls);
    out.end_object();
    return out.text();
}

}  // namespace chaos::app
