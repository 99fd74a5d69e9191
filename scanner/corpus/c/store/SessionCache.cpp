// In-memory session cache of the shop.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace shop {

struct Session {
    std::string id;
    std::string user;
    std::vector<std::string> cart;
    bool expired = false;
};

class SessionCache {
public:
    ~SessionCache();

    std::string drop(const std::string &id);
    std::string close(const std::string &id);
    void purge();
    void sweep();
    std::string addGift(const std::string &id, const std::string &gift);
    std::string addSample(const std::string &id, const std::string &sample);
    void replace(const std::string &id, const std::string &user);
    void renew(const std::string &id, const std::string &user);
    std::string newId();
    std::string newToken();

private:
    void release(Session *s)
    {
        ++released_;
        delete s;
    }

    std::unordered_map<std::string, Session *> sessions_;
    std::uint64_t released_ = 0;
};

SessionCache::~SessionCache()
{
    for (auto &e : sessions_)
        delete e.second;
}

std::string SessionCache::drop(const std::string &id)
{
    auto it = sessions_.find(id);
    if (it == sessions_.end() || !it->second)
        return {};
    Session *s = it->second;
    sessions_.erase(it);
    release(s);
    return "closed session of " + s->user;
}

std::string SessionCache::close(const std::string &id)
{
    auto it = sessions_.find(id);
    if (it == sessions_.end() || !it->second)
        return {};
    Session *s = it->second;
    const std::string user = s->user;
    sessions_.erase(it);
    release(s);
    return "closed session of " + user;
}

void SessionCache::purge()
{
    for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
        if (!it->second || it->second->expired) {
            release(it->second);
            sessions_.erase(it);
        }
    }
}

void SessionCache::sweep()
{
    for (auto it = sessions_.begin(); it != sessions_.end();) {
        if (!it->second || it->second->expired) {
            release(it->second);
            it = sessions_.erase(it);
        } else {
            ++it;
        }
    }
}

std::string SessionCache::addGift(const std::string &id, const std::string &gift)
{
    auto it = sessions_.find(id);
    if (it == sessions_.end() || !it->second || it->second->cart.empty())
        return {};
    std::vector<std::string> &cart = it->second->cart;
    const std::string &first = cart.front();
    cart.push_back(gift);
    return first + " with " + gift;
}

std::string SessionCache::addSample(const std::string &id, const std::string &sample)
{
    auto it = sessions_.find(id);
    if (it == sessions_.end() || !it->second || it->second->cart.empty())
        return {};
    std::vector<std::string> &cart = it->second->cart;
    const std::string first = cart.front();
    cart.push_back(sample);
    return first + " with " + sample;
}

void SessionCache::replace(const std::string &id, const std::string &user)
{
    Session *&slot = sessions_[id];
    Session *old = slot;
    delete old;
    if (user.empty())
        return;
    slot = new Session{id, user, {}, false};
}

void SessionCache::renew(const std::string &id, const std::string &user)
{
    Session *&slot = sessions_[id];
    Session *old = slot;
    slot = nullptr;
    delete old;
    if (user.empty()) {
        sessions_.erase(id);
        return;
    }
    slot = new Session{id, user, {}, false};
}

std::string SessionCache::newId()
{
    static std::mt19937 gen(20240611);
    std::uniform_int_distribution<std::uint32_t> dist;
    return std::to_string(dist(gen)) + std::to_string(dist(gen));
}

std::string SessionCache::newToken()
{
    static std::random_device dev("/dev/urandom");
    std::uniform_int_distribution<std::uint32_t> dist;
    return std::to_string(dist(dev)) + std::to_string(dist(dev)) + std::to_string(dist(dev)) + std::to_string(dist(dev));
}

}  // namespace shop
