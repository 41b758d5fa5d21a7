// The type itself or its const: what a visitor of fields takes.
#pragma once

#include <type_traits>

namespace chaos {

template <class T, class Plain>
concept IsA = std::is_same_v<std::remove_const_t<T>, Plain>;

}  // namespace chaos
