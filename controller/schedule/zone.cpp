#include "controller/schedule/zone.h"

#include <stdexcept>

namespace chaos::schedule {

const date::time_zone* find_zone(std::string_view name) {
    try {
        return date::locate_zone(name);
    } catch (const std::runtime_error&) {
        return nullptr;
    }
}

}  // namespace chaos::schedule
