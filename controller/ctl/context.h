// What every verb of chaosctl is given, and how it answers.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "controller/api/config.h"
#include "controller/manifest/node.h"

namespace chaos::ctl {

enum class Output { kTable, kWide, kJson, kYaml, kName };

struct Context {
    std::string manifests;   // directory
    std::string status_dir;  // empty: beside each manifest
    std::string docker_host;
    std::string control_socket;  // of the controller
    std::string state_dir;
    std::string config_path;  // of chaos-config.yaml; empty: none was named
    Config config;            // what it says; all defaults where none was named
    bool colour = false;      // on a terminal, unless NO_COLOR is set
    Output output = Output::kTable;
    std::ostream& out;
    std::ostream& err;
};

// Exit codes of chaosctl, as scripts see them.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;  // it was understood and did not succeed: invalid, not found
inline constexpr int kUsage = 2;   // the command line is wrong

// Says on `err` what went wrong, and returns the code.
int failed(const Context& context, const std::string& why, int code = kFailed);

// For -o json and yaml: prints the tree and answers true; false for the outputs that people read.
bool print_tree(const Context& context, const manifest::Node& tree);

// Replaces what a verb prints with "chaosexperiment/NAME" for -o name.
void print_outcome(const Context& context, const std::string& name, const std::string& outcome);

// A table with aligned columns, two spaces apart, no trailing blanks.
class Table {
public:
    explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    // With `colour` the words of phases and verdicts are green, red or yellow.
    void print(std::ostream& out, bool colour = false) const;

private:
    std::vector<std::vector<std::string>> rows_;
};

// Breaks text at blanks, each line indented.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t indent,
                                  std::size_t width = 80);

}  // namespace chaos::ctl
