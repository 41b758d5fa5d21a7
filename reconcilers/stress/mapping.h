// The memory shared with a stressor, mapped.
#pragma once

#include <optional>
#include <utility>

#include "reconcilers/stress/orders.h"

namespace chaos::stress {

class Mapping {
public:
    Mapping() = default;
    Mapping(Mapping&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
    Mapping& operator=(Mapping&& other) noexcept {
        std::swap(shared_, other.shared_);
        return *this;
    }
    ~Mapping();

    // Absent where it is none of ours, or of another version of this program.
    [[nodiscard]] static std::optional<Mapping> of(int fd);

    [[nodiscard]] explicit operator bool() const { return shared_ != nullptr; }
    [[nodiscard]] Shared* operator->() const { return shared_; }
    [[nodiscard]] Shared& operator*() const { return *shared_; }

private:
    Shared* shared_ = nullptr;
};

}  // namespace chaos::stress
