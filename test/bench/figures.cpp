#include "test/bench/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "controller/json/json.h"

namespace chaos::bench {

double percentile(std::vector<double> samples, double p) {
    if (samples.empty()) return std::nan("");
    std::ranges::sort(samples);
    const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(samples.size())));
    return samples[std::max<std::size_t>(rank, 1) - 1];
}

void print_table(const std::vector<Figure>& figures) {
    std::printf("%-46s %7s %10s %10s %10s %10s %10s  %s\n", "figure", "samples", "min", "median",
                "p90", "p99", "max", "unit");
    for (const auto& f : figures) {
        std::printf("%-46s %7zu", f.name.c_str(), f.samples.size());
        for (const double p : {0.0, 0.5, 0.9, 0.99, 1.0}) {
            std::printf(" %10.2f", percentile(f.samples, p));
        }
        std::printf("  %s\n", f.unit.c_str());
    }
}

void write_json(const std::string& path, const std::vector<Figure>& figures) {
    json::Writer out{json::Writer::Style::kPretty};
    out.begin_array();
    for (const auto& f : figures) {
        out.begin_object();
        out.key("name").value(std::string_view{f.name}).key("unit").value(std::string_view{f.unit});
        out.key("median").value(percentile(f.samples, 0.5));
        out.key("p99").value(percentile(f.samples, 0.99));
        out.key("samples").begin_array();
        for (const double sample : f.samples) out.value(sample);
        out.end_array().end_object();
    }
    out.end_array();
    std::ofstream{path} << out.text() << '\n';
}

}  // namespace chaos::bench
