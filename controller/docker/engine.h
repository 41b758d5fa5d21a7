// The engine as the controller knows it: a cache kept by the event stream, with reconnect and
// re-list, and the client to act with.
#pragma once

#include <functional>
#include <string>

#include "controller/docker/cache.h"
#include "controller/docker/client.h"

namespace chaos::docker {

class Engine {
public:
    struct Hooks {
        std::function<void()> on_change;                   // something observed changed; look again
        std::function<void(std::string)> on_connected;     // with the engine's version
        std::function<void(std::string)> on_disconnected;  // with the reason; once per outage
    };

    Engine(Client client, Hooks hooks) : client_(std::move(client)), hooks_(std::move(hooks)) {}

    // Runs until cancelled: connect, list, follow the events; on any break connect again, after
    // 100 ms doubling to 5 s. Lists again every minute, since Docker drops events for slow readers
    // without saying so.
    [[nodiscard]] Task<> run();

    // False from the loss of the stream until the next list: what is cached is then hearsay.
    [[nodiscard]] bool synced() const { return synced_; }
    [[nodiscard]] const Cache& cache() const { return cache_; }
    [[nodiscard]] Client& client() { return client_; }

    // Makes sure the cache knows the present life of a running container. One inspect a life, none
    // for what is known already.
    [[nodiscard]] Task<> ensure_details(std::string name);

    // Asks Docker and updates the cache: the read-back after an action. Errors: kNotFound (the
    // cache forgets the container) and as Client::inspect.
    [[nodiscard]] Task<Result<Container>> refresh(std::string id);

    // Starts a container that is down, restarts one that is unhealthy, by name, and reads it back;
    // false for one that runs well, or that waits in Docker's restart backoff: it is left alone.
    // Errors: kNotFound, and as Client::start.
    [[nodiscard]] Task<Result<bool>> start(std::string name);

    // The same for an id, without the cache.
    [[nodiscard]] Task<Result<bool>> start_if_down(std::string id);

private:
    [[nodiscard]] Task<Result<>> follow();
    [[nodiscard]] Task<Result<>> relist();
    [[nodiscard]] Task<> relist_periodically();

    Client client_;
    Hooks hooks_;
    Cache cache_;
    bool synced_ = false;
};

}  // namespace chaos::docker
