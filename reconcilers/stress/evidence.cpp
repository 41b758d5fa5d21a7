#include "reconcilers/stress/evidence.h"

#include <array>
#include <cstdio>
#include <cstring>

#include "reconcilers/stress/control_files.h"

namespace chaos::stress {
namespace {

using Map = std::map<std::string, std::string>;

// A share of the processor can be told only over some time.
constexpr Duration kShortest = std::chrono::milliseconds{500};

std::string one_digit(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::uint64_t since(const std::optional<std::uint64_t>& from,
                    const std::optional<std::uint64_t>& to) {
    const auto start = from.value_or(0);
    return to && *to > start ? *to - start : 0;
}

double part(double of, double whole) { return whole > 0 ? of / whole : 0; }

bool is_nearly(std::uint64_t value, std::uint64_t goal) { return value >= goal - goal / 10; }

class Teller {
public:
    Teller(const Orders& orders, const Look& first, const Look& before, const Look& now)
        : orders_(orders), first_(first), before_(before), now_(now) {}

    Map tell(const StressFault& fault) {
        bool seen = true;
        if (fault.cpu) seen = tell_cpu() && seen;
        if (fault.memory) seen = tell_memory() && seen;
        if (fault.io) seen = tell_io() && seen;
        if (fault.fill) seen = tell_fill() && seen;
        if (fault.pids) seen = tell_pids() && seen;
        if (now_.held.lacks_threads) {
            evidence_["stressor_note"] = "the container's limit of processes leaves it too few";
            seen = false;
        }
        if (seen) evidence_["effect"] = "seen";
        return std::move(evidence_);
    }

private:
    void add(const char* key, std::uint64_t value) { evidence_[key] = std::to_string(value); }
    void add(const char* key, const std::optional<double>& percent) {
        if (percent) evidence_[key] = one_digit(*percent);
    }
    void add_error(const char* key, const std::string& why) {
        if (!why.empty()) evidence_[key] = why;
    }

    bool tell_cpu() {
        add("cpu_workers", now_.held.cpu_workers);
        add("cpu_pressure_percent", now_.usage.cpu_pressure);
        const auto took = std::chrono::duration<double>(now_.at - before_.at).count();
        if (now_.at - before_.at < kShortest || !now_.usage.cpu_ns) return false;
        const auto used = static_cast<double>(since(before_.usage.cpu_ns, now_.usage.cpu_ns)) / 1e9;
        const double allowed = took * cpus_allowed(now_.limits, now_.cpus);
        const double share = part(used, allowed);
        evidence_["cpu_percent"] = one_digit(share * 100);
        if (now_.limits.cpus) {
            const auto periods = since(before_.usage.periods, now_.usage.periods);
            const auto throttled = since(before_.usage.throttled, now_.usage.throttled);
            evidence_["cpu_throttled_percent"] =
                one_digit(100 * part(static_cast<double>(throttled), static_cast<double>(periods)));
        }
        const auto own = static_cast<double>(since(before_.held.cpu_ns, now_.held.cpu_ns)) / 1e9;
        return own <= used * 1.1 && part(own, allowed) > orders_.cpu_load / 2;
    }

    bool tell_memory() {
        const auto used = now_.usage.memory.value_or(0);
        add("memory_bytes", used);
        add("memory_of_stressor_bytes", now_.held.memory);
        if (now_.limits.memory) {
            add("memory_limit_bytes", *now_.limits.memory);
            evidence_["memory_percent"] = one_digit(
                100 * part(static_cast<double>(used), static_cast<double>(*now_.limits.memory)));
        }
        add("memory_pressure_percent", now_.usage.memory_pressure);
        if (now_.usage.oom_kills) {
            add("oom_kills", since(first_.usage.oom_kills, now_.usage.oom_kills));
        }
        add_error("memory_note", now_.held.memory_error);
        // Nothing is to be held where the container uses that much itself.
        return now_.held.memory_error.empty() && used >= now_.held.memory &&
               is_nearly(now_.held.memory, now_.held.memory_goal) && used > 0;
    }

    bool tell_io() {
        // Only some hierarchies count; the stressor does always.
        const bool told = now_.usage.written && *now_.usage.written > 0;
        const auto written =
            told ? since(first_.usage.written, now_.usage.written) : now_.held.io_written;
        add("bytes_written", written);
        add("bytes_read", told ? since(first_.usage.read, now_.usage.read) : now_.held.io_read);
        evidence_["bytes_counted_by"] = told ? "control group" : "stressor";
        add("io_pressure_percent", now_.usage.io_pressure);
        add_error("io_note", now_.held.io_error);
        return now_.held.io_written > 0 && now_.held.io_error.empty();
    }

    bool tell_fill() {
        add("filled_bytes", now_.held.fill);
        if (now_.space) {
            add("file_system_free_bytes", now_.space->free);
            evidence_["file_system_free_percent"] =
                one_digit(100 * part(static_cast<double>(now_.space->free),
                                     static_cast<double>(now_.space->total)));
        }
        add_error("disk_fill_note", now_.held.fill_error);
        return now_.held.fill > 0 && now_.held.fill >= orders_.fill_bytes &&
               now_.held.fill_error.empty();
    }

    bool tell_pids() {
        add("processes", now_.usage.pids.value_or(0));
        if (now_.limits.pids) add("processes_limit", *now_.limits.pids);
        add("processes_of_stressor", now_.held.pids);
        add_error("pid_note", now_.held.pids_error);
        return is_nearly(now_.held.pids, now_.held.pids_goal) && now_.held.pids_error.empty() &&
               now_.usage.pids.value_or(0) >= now_.held.pids;
    }

    const Orders& orders_;
    const Look& first_;
    const Look& before_;
    const Look& now_;
    Map evidence_;
};

std::string why(std::uint64_t error, bool held_back, const char* what) {
    if (held_back) return std::string{"held back: the host needs the rest of its "} + what;
    return error == 0 ? std::string{} : std::strerror(static_cast<int>(error));
}

}  // namespace

Held held_by(const Report& report) {
    Held held{.cpu_ns = report.cpu_ns,
              .cpu_workers = report.cpu_workers,
              .memory = report.memory_bytes,
              .memory_goal = report.memory_goal,
              .io_read = report.io_read,
              .io_written = report.io_written,
              .fill = report.fill_bytes,
              .pids = report.pids,
              .pids_goal = report.pids_goal,
              .lacks_threads = report.lacks_threads != 0};
    held.memory_error = why(report.memory_error, report.memory_held_back != 0, "memory");
    held.io_error = why(report.io_error, report.disk_held_back != 0, "disk space");
    held.fill_error = why(report.fill_error, report.disk_held_back != 0, "disk space");
    held.pids_error = why(report.pids_error, report.pids_held_back != 0, "process numbers");
    return held;
}

void add_earlier(Look& first, const std::map<std::string, std::string>& evidence) {
    const auto move_back = [&](std::optional<std::uint64_t>& count, const char* key) {
        const auto it = evidence.find(key);
        const auto earlier = it == evidence.end() ? std::nullopt : number_in(it->second);
        if (count && earlier) *count -= std::min(*count, *earlier);
    };
    move_back(first.usage.oom_kills, "oom_kills");
    move_back(first.usage.written, "bytes_written");
    move_back(first.usage.read, "bytes_read");
}

std::map<std::string, std::string> evidence_of(const StressFault& fault, const Orders& orders,
                                               const Look& first, const Look& before,
                                               const Look& now) {
    return Teller{orders, first, before, now}.tell(fault);
}

}  // namespace chaos::stress
