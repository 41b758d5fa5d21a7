// Stands between the controller and a real engine: passes everything on, both ways, but for the
// replies to some requests, which the engine carries out and of which only garbage comes back, or
// which come late.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

namespace chaos::test {

class GarblingProxy {
public:
    // Listens on `path`; `engine` is the engine's socket; a request whose first line holds `what`
    // gets `garbage` for its reply or, where that is null, its reply after `delay`.
    GarblingProxy(std::string path, std::string engine, std::string what,
                  std::optional<std::string> garbage, std::chrono::milliseconds delay = {});
    GarblingProxy(const GarblingProxy&) = delete;
    GarblingProxy& operator=(const GarblingProxy&) = delete;
    ~GarblingProxy();

    [[nodiscard]] int garbled() const { return garbled_; }
    // Requests of that kind that the engine has been sent.
    [[nodiscard]] int passed() const { return passed_; }
    [[nodiscard]] std::string host() const { return "unix://" + path_; }

private:
    void serve(int client);

    std::string path_;
    std::string engine_;
    std::string what_;
    std::optional<std::string> garbage_;
    std::chrono::milliseconds delay_;
    std::atomic<int> garbled_ = 0;
    std::atomic<int> passed_ = 0;
    std::atomic<bool> ending_ = false;
    int listener_ = -1;
    std::thread thread_;
};

}  // namespace chaos::test
