// A document against its schema: every problem at once, each with its place.
#pragma once

#include <vector>

#include "controller/api/custom.h"
#include "controller/manifest/diagnostic.h"
#include "controller/manifest/schema.h"

namespace chaos::manifest {

// Types, enums, bounds, formats, required and unknown fields, all the way down; the parameters of
// actions by check_action alone.
void validate(const Node& node, const Schema& schema, const std::string& path,
              std::vector<Diagnostic>& problems);

// Adds what is absent and has a default, below objects that are present or have a default
// themselves.
void fill_defaults(Node& node, const Schema& schema);

// The type and parameters of one action (a map): unknown types, parameters of other types, missing
// ones. Returns false where the parameters must not be read.
bool check_action(const Node& action, const std::string& path, const CustomActions& custom,
                  std::vector<Diagnostic>& problems);

// Fills the parameters of one valid action: what `intensity` sets first, then the schema's
// defaults, each only where the type has that parameter.
void fill_parameters(Node& action);

}  // namespace chaos::manifest
