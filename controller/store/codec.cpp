// Runs and faults as JSON. Absent optionals are left out; times are RFC 3339 with nanoseconds kept
// as integers, since a recovery time is their difference.
#include "controller/api/names.h"
#include "controller/json/json.h"
#include "controller/store/fields_codec.h"
#include "controller/store/store.h"

namespace chaos::store {
namespace {

using json::Value;
using json::Writer;

constexpr int kPhases = 10;
constexpr int kVerdicts = 5;
constexpr int kFaultStates = 7;

void put(Writer& out, std::string_view key, const std::string& text) { out.key(key).value(text); }
void put(Writer& out, std::string_view key, TimePoint time) {
    out.key(key).value(static_cast<std::int64_t>(time.time_since_epoch().count()));
}
void put(Writer& out, std::string_view key, Duration duration) {
    out.key(key).value(static_cast<std::int64_t>(duration.count()));
}
void put(Writer& out, std::string_view key, const Incarnation& life) {
    out.key(key).begin_object();
    put(out, "container_id", life.container_id);
    put(out, "started_at", life.started_at);
    out.key("pid").value(life.pid).end_object();
}
template <class T>
void put(Writer& out, std::string_view key, const std::optional<T>& value) {
    if (value) put(out, key, *value);
}

void put(Writer& out, std::string_view key, const std::vector<std::string>& texts) {
    out.key(key).begin_array();
    for (const auto& text : texts) out.value(std::string_view{text});
    out.end_array();
}

void get(Value from, std::vector<std::string>& to) {
    for (const auto& item : from.items()) to.push_back(item.string().value_or(""));
}
void get(Value from, std::string& to) { to = from.string().value_or(""); }
void get(Value from, bool& to) { to = from.boolean().value_or(false); }
void get(Value from, int& to) { to = static_cast<int>(from.integer().value_or(0)); }
void get(Value from, TimePoint& to) { to = TimePoint{Duration{from.integer().value_or(0)}}; }
void get(Value from, Duration& to) { to = Duration{from.integer().value_or(0)}; }
void get(Value from, Incarnation& to) {
    get(from["container_id"], to.container_id);
    get(from["started_at"], to.started_at);
    get(from["pid"], to.pid);
}
template <class T>
void get(Value from, std::optional<T>& to) {
    if (from.is_null()) return;
    T value{};
    get(from, value);
    to = std::move(value);
}

template <class E>
Result<> get_enum(Value from, int count, const char* field, E& to) {
    const auto value = from.integer();
    if (!value || *value < 0 || *value >= count) {
        return fail(ErrorCode::kInvalid, std::string{"journal: field "} + field);
    }
    to = static_cast<E>(*value);
    return {};
}

void put_target(Writer& out, const RunTarget& target) {
    out.begin_object();
    put(out, "name", target.name);
    put(out, "service", target.service);
    put(out, "project", target.project);
    put(out, "via", target.via);
    put(out, "joined_at", target.joined_at);
    put(out, "container_id", target.container_id);
    put(out, "incarnation", target.incarnation);
    put(out, "state", target.state);
    put(out, "disturbed_at", target.disturbed_at);
    put(out, "disturbed", target.disturbed);
    put(out, "same_life_counts_from", target.same_life_counts_from);
    put(out, "time_to_running", target.time_to_running);
    put(out, "time_to_healthy", target.time_to_healthy);
    put(out, "restart_delay", target.restart_delay);
    out.key("vanished").value(target.vanished);
    out.key("recovered").value(target.recovered);
    out.key("timed_out").value(target.timed_out);
    out.key("rescues").value(target.rescues);
    put(out, "rescued_at", target.rescued_at);
    put(out, "rescue_not_before", target.rescue_not_before);
    put(out, "rescue_error", target.rescue_error);
    out.end_object();
}

RunTarget get_target(Value from) {
    RunTarget target;
    get(from["name"], target.name);
    get(from["service"], target.service);
    get(from["project"], target.project);
    get(from["via"], target.via);
    get(from["joined_at"], target.joined_at);
    get(from["container_id"], target.container_id);
    get(from["incarnation"], target.incarnation);
    get(from["state"], target.state);
    get(from["disturbed_at"], target.disturbed_at);
    get(from["disturbed"], target.disturbed);
    get(from["same_life_counts_from"], target.same_life_counts_from);
    get(from["time_to_running"], target.time_to_running);
    get(from["time_to_healthy"], target.time_to_healthy);
    get(from["restart_delay"], target.restart_delay);
    get(from["vanished"], target.vanished);
    get(from["recovered"], target.recovered);
    get(from["timed_out"], target.timed_out);
    get(from["rescues"], target.rescues);
    get(from["rescued_at"], target.rescued_at);
    get(from["rescue_not_before"], target.rescue_not_before);
    get(from["rescue_error"], target.rescue_error);
    return target;
}

void put_event(Writer& out, const RunEvent& event) {
    out.begin_object();
    put(out, "time", event.time);
    out.key("warning").value(event.warning);
    put(out, "reason", event.reason);
    put(out, "message", event.message);
    out.end_object();
}

RunEvent get_event(Value from) {
    RunEvent event;
    get(from["time"], event.time);
    get(from["warning"], event.warning);
    get(from["reason"], event.reason);
    get(from["message"], event.message);
    return event;
}

void put_probe(Writer& out, const ProbeState& probe) {
    out.begin_object();
    put(out, "name", probe.name);
    out.key("phases").begin_array();
    for (const auto& phase : probe.phases) {
        out.begin_object();
        out.key("successes").value(phase.successes).key("failures").value(phase.failures);
        if (phase.last) out.key("last").value(*phase.last);
        put(out, "message", phase.message);
        out.end_object();
    }
    out.end_array().end_object();
}

ProbeState get_probe(Value from) {
    ProbeState probe;
    get(from["name"], probe.name);
    const auto phases = from["phases"].items();
    for (std::size_t i = 0; i < std::min(phases.size(), probe.phases.size()); ++i) {
        auto& phase = probe.phases[i];
        phase.successes = phases[i]["successes"].integer().value_or(0);
        phase.failures = phases[i]["failures"].integer().value_or(0);
        phase.last = phases[i]["last"].boolean();
        get(phases[i]["message"], phase.message);
    }
    return probe;
}

void put_spec(Writer& out, const FaultSpec& spec) {
    out.key("type").value(type_name(spec));
    if (const auto* kill = std::get_if<ContainerKill>(&spec)) {
        out.key("signal").value(kill->signal);
        out.key("method").value(kill->method == KillMethod::kApi ? "api" : "process");
    } else if (const auto* stop = std::get_if<ContainerStop>(&spec)) {
        put(out, "grace", stop->grace);
    } else if (const auto* restart = std::get_if<ContainerRestart>(&spec)) {
        put(out, "grace", restart->grace);
    } else if (const auto* remove = std::get_if<ContainerRemove>(&spec)) {
        put(out, "grace", remove->grace);
        out.key("volumes").value(remove->volumes);
    } else if (const auto* process = std::get_if<ProcessKill>(&spec)) {
        put(out, "match", process->match);
        out.key("signal").value(process->signal);
    } else if (const auto* network = std::get_if<NetworkFault>(&spec)) {
        out.key("network").begin_object();
        put_network(out, *network);
        out.end_object();
    } else if (const auto* stress = std::get_if<StressFault>(&spec)) {
        out.key("stress").begin_object();
        put_stress(out, *stress);
        out.end_object();
    } else if (const auto* custom = std::get_if<CustomFault>(&spec)) {
        out.key("custom").begin_object();
        put(out, "inject", custom->action.inject);
        put(out, "undo", custom->action.undo);
        put(out, "timeout", custom->action.timeout);
        put(out, "parameters", custom->parameters);
        out.end_object();
    }
}

CustomFault get_custom(std::string name, Value from) {
    CustomFault fault;
    fault.name = std::move(name);
    get(from["inject"], fault.action.inject);
    get(from["undo"], fault.action.undo);
    get(from["timeout"], fault.action.timeout);
    get(from["parameters"], fault.parameters);
    return fault;
}

template <class Stopping>
Stopping get_grace(Value from) {
    Stopping spec;
    get(from["grace"], spec.grace);
    return spec;
}

Result<FaultSpec> get_spec(Value from) {
    const auto type = from["type"].string();
    if (from["custom"].is_object()) return FaultSpec{get_custom(type.value_or(""), from["custom"])};
    if (type == "container_pause") return FaultSpec{ContainerPause{}};
    if (type == "container_stop") return FaultSpec{get_grace<ContainerStop>(from)};
    if (type == "container_restart") return FaultSpec{get_grace<ContainerRestart>(from)};
    if (type == "container_remove") {
        auto remove = get_grace<ContainerRemove>(from);
        get(from["volumes"], remove.volumes);
        return FaultSpec{remove};
    }
    if (type == "process_kill") {
        ProcessKill process;
        get(from["match"], process.match);
        get(from["signal"], process.signal);
        return FaultSpec{process};
    }
    if (type == "container_kill") {
        ContainerKill kill;
        get(from["signal"], kill.signal);
        if (from["method"].string() == "api") kill.method = KillMethod::kApi;
        return FaultSpec{kill};
    }
    if (const auto action = find_value(names_of(NetworkAction{}), type.value_or(""))) {
        return FaultSpec{get_network(*action, from["network"])};
    }
    if (const auto action = find_value(names_of(StressAction{}), type.value_or(""))) {
        return FaultSpec{get_stress(*action, from["stress"])};
    }
    return fail(ErrorCode::kInvalid, "journal: fault type \"" + type.value_or("") + "\"");
}

}  // namespace

std::string encode_run(const Run& run) {
    Writer out;
    out.begin_object();
    put(out, "experiment", run.experiment);
    put(out, "digest", run.digest);
    put(out, "run_id", run.run_id);
    out.key("generation").value(run.generation);
    put(out, "seed", std::to_string(run.seed));
    out.key("phase").value(static_cast<int>(run.phase));
    out.key("verdict").value(static_cast<int>(run.verdict));
    put(out, "reason", run.reason);
    put(out, "message", run.message);
    put(out, "created_at", run.created_at);
    put(out, "origin", run.origin);
    put(out, "start_time", run.start_time);
    put(out, "deadline", run.deadline);
    put(out, "end_time", run.end_time);
    put(out, "recovering_since", run.recovering_since);
    put(out, "waiting_since", run.waiting_since);
    put(out, "deleted_at", run.deleted_at);
    put(out, "stop_reason", run.stop_reason);
    out.key("settled").value(run.settled);
    out.key("dry_run").value(run.dry_run);
    put(out, "paused_since", run.paused_since);
    put(out, "paused_total", run.paused_total);
    out.key("held").value(run.held);
    out.key("targets").begin_array();
    for (const auto& target : run.targets) put_target(out, target);
    out.end_array().key("suffered").begin_array();
    for (const auto& suffered : run.suffered) {
        out.begin_object();
        put(out, "service", suffered.service);
        out.key("depth").value(suffered.depth);
        put(out, "since", suffered.since);
        put(out, "until", suffered.until);
        out.end_object();
    }
    out.end_array();
    put(out, "ill_before", run.ill_before);
    out.key("probes").begin_array();
    for (const auto& probe : run.probes) put_probe(out, probe);
    out.end_array();
    out.key("events").begin_array();
    for (const auto& event : run.events) put_event(out, event);
    out.end_array().end_object();
    return out.text();
}

Result<Run> decode_run(std::string_view text) {
    auto document = json::Document::parse(text);
    if (!document) return wrap("journal: run", document.error());
    const auto from = document->root();
    Run run;
    get(from["experiment"], run.experiment);
    if (run.experiment.empty()) return fail(ErrorCode::kInvalid, "journal: field experiment");
    get(from["digest"], run.digest);
    get(from["run_id"], run.run_id);
    run.generation = from["generation"].integer().value_or(1);
    run.seed = std::strtoull(from["seed"].string().value_or("0").c_str(), nullptr, 10);
    if (auto ok = get_enum(from["phase"], kPhases, "phase", run.phase); !ok) {
        return std::unexpected(ok.error());
    }
    if (auto ok = get_enum(from["verdict"], kVerdicts, "verdict", run.verdict); !ok) {
        return std::unexpected(ok.error());
    }
    get(from["reason"], run.reason);
    get(from["message"], run.message);
    get(from["created_at"], run.created_at);
    get(from["origin"], run.origin);
    get(from["start_time"], run.start_time);
    get(from["deadline"], run.deadline);
    get(from["end_time"], run.end_time);
    get(from["recovering_since"], run.recovering_since);
    get(from["waiting_since"], run.waiting_since);
    get(from["deleted_at"], run.deleted_at);
    get(from["stop_reason"], run.stop_reason);
    get(from["settled"], run.settled);
    get(from["dry_run"], run.dry_run);
    get(from["paused_since"], run.paused_since);
    get(from["paused_total"], run.paused_total);
    get(from["held"], run.held);
    for (const auto& item : from["targets"].items()) run.targets.push_back(get_target(item));
    for (const auto& item : from["suffered"].items()) {
        auto& suffered = run.suffered.emplace_back();
        get(item["service"], suffered.service);
        get(item["depth"], suffered.depth);
        get(item["since"], suffered.since);
        get(item["until"], suffered.until);
    }
    get(from["ill_before"], run.ill_before);
    for (const auto& item : from["probes"].items()) run.probes.push_back(get_probe(item));
    for (const auto& item : from["events"].items()) run.events.push_back(get_event(item));
    return run;
}

std::string encode_fault(const FaultRecord& fault) {
    Writer out;
    out.begin_object();
    put(out, "id", fault.id);
    put_spec(out, fault.spec);
    put(out, "target", fault.target);
    put(out, "service", fault.service);
    put(out, "incarnation", fault.incarnation);
    out.key("state").value(static_cast<int>(fault.state));
    put(out, "recorded_at", fault.recorded_at);
    put(out, "injected_at", fault.injected_at);
    put(out, "recovered_at", fault.recovered_at);
    put(out, "ends_at", fault.ends_at);
    out.key("attempts").value(fault.attempts);
    put(out, "not_before", fault.not_before);
    out.key("undoing").value(fault.undoing);
    put(out, "last_error", fault.last_error);
    put(out, "experiment", fault.experiment);
    if (is_supervised(fault.spec)) {
        out.key("unsupported").value(fault.unsupported);
        put(out, "uid", fault.uid);
        put(out, "armed_until", fault.armed_until);
        out.key("peers").begin_object();
        put_addresses(out, fault.peers);
        out.end_object();
    }
    out.key("evidence").begin_object();
    for (const auto& [key, value] : fault.evidence) put(out, key, value);
    out.end_object().end_object();
    return out.text();
}

Result<FaultRecord> decode_fault(std::string_view text) {
    auto document = json::Document::parse(text);
    if (!document) return wrap("journal: fault", document.error());
    const auto from = document->root();
    FaultRecord fault;
    get(from["id"], fault.id);
    if (fault.id.empty()) return fail(ErrorCode::kInvalid, "journal: field id");
    auto spec = get_spec(from);
    if (!spec) return std::unexpected(spec.error());
    fault.spec = *spec;
    get(from["target"], fault.target);
    get(from["service"], fault.service);
    get(from["incarnation"], fault.incarnation);
    if (auto ok = get_enum(from["state"], kFaultStates, "state", fault.state); !ok) {
        return std::unexpected(ok.error());
    }
    get(from["recorded_at"], fault.recorded_at);
    get(from["injected_at"], fault.injected_at);
    get(from["recovered_at"], fault.recovered_at);
    get(from["ends_at"], fault.ends_at);
    get(from["attempts"], fault.attempts);
    get(from["not_before"], fault.not_before);
    get(from["undoing"], fault.undoing);
    get(from["last_error"], fault.last_error);
    get(from["unsupported"], fault.unsupported);
    get(from["experiment"], fault.experiment);
    get(from["uid"], fault.uid);
    get(from["armed_until"], fault.armed_until);
    fault.peers = get_addresses(from["peers"]);
    for (const auto& [key, value] : from["evidence"].members()) {
        fault.evidence[key] = value.string().value_or("");
    }
    return fault;
}

}  // namespace chaos::store
