// Talking to the kernel by netlink, in the network namespace of the thread that opens the socket.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/error.h"

namespace chaos::network {

// One message, built front to back.
class Request {
public:
    Request(std::uint16_t type, std::uint16_t flags)
        : header_(mnl_nlmsg_put_header(bytes_.data())) {
        header_->nlmsg_type = type;
        header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    }

    nlmsghdr* get() { return header_; }
    template <class T>
    T* put() {
        return static_cast<T*>(mnl_nlmsg_put_extra_header(header_, sizeof(T)));
    }
    void put(std::uint16_t type, std::string_view payload) {
        mnl_attr_put(header_, type, payload.size(), payload.data());
    }
    void put_text(std::uint16_t type, const char* text) { mnl_attr_put_strz(header_, type, text); }
    // What `fill` puts stands inside an attribute of this type.
    template <class Fill>
    void put_nested(std::uint16_t type, Fill&& fill) {
        auto* nested = mnl_attr_nest_start(header_, type);
        fill();
        mnl_attr_nest_end(header_, nested);
    }
    [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), header_->nlmsg_len}; }

private:
    std::array<char, 64UL * 1024> bytes_{};
    nlmsghdr* header_;
};

class NetlinkSocket {
public:
    using OnMessage = std::function<void(const nlmsghdr*)>;

    // `name`: for errors. Errors: kUnavailable, kPermission.
    [[nodiscard]] static Result<NetlinkSocket> open(int protocol, const std::string& name);

    // Sends one request and reads until its end: an acknowledgement, an error, or the end of a
    // dump. Errors carry the kernel's own words where it has any: kInvalid (refused), kConflict
    // (something else is there), kNotFound, kPermission, kUnavailable.
    [[nodiscard]] Result<> talk(nlmsghdr* request, const std::string& doing,
                                const OnMessage& on_message);

    // Sends requests that belong together, and reads until the last one of them that asks for an
    // acknowledgement has it. Errors: of any of them.
    [[nodiscard]] Result<> talk(const std::vector<Request*>& requests, const std::string& doing);

private:
    struct Close {
        void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
    };
    explicit NetlinkSocket(mnl_socket* raw) : raw_(raw) {}

    [[nodiscard]] Result<> send(std::string_view bytes, const std::string& doing);
    // Until the message of this number is answered; answers to others of `first` to `last` are
    // errors only.
    [[nodiscard]] Result<> receive(std::uint32_t first, std::uint32_t last,
                                   const std::string& doing, const OnMessage& on_message);

    std::unique_ptr<mnl_socket, Close> raw_;
    std::uint32_t sequence_ = 0;
};

// A message's payload behind its fixed header, which has `header` bytes.
[[nodiscard]] std::string_view attributes_of(const nlmsghdr* message, std::size_t header);

// The text of an attribute, without the zero at its end.
[[nodiscard]] std::string text_of(std::string_view payload);

}  // namespace chaos::network
