// Plugins of the mixer desk and the strips they sit on.
#include <cstdio>
#include <list>
#include <map>
#include <string>

namespace desk {

struct Plugin {
    std::string name;
    int strip = 0;
    bool muted = false;
};

class Registry {
public:
    ~Registry();
    void remove(Plugin *p);
    void retire(Plugin *p);
    void sweep();
    void purge();
    const std::string &title(int strip) const;
    std::string caption(int strip) const;
    FILE *openPreset(const std::string &name) const;
    FILE *openScene(const std::string &name) const;
    void swap(const std::string &name);

private:
    void forget(const Plugin *p);

    std::map<int, Plugin *> byStrip_;
    std::list<Plugin> loose_;
    std::string folder_ = "/usr/share/desk/";
    Plugin *spare_ = nullptr;
};

Registry::~Registry()
{
    for (auto &entry : byStrip_)
        delete entry.second;
    delete spare_;
}

void Registry::forget(const Plugin *p)
{
    byStrip_.erase(p->strip);
}

void Registry::remove(Plugin *p)
{
    forget(p);
    delete p;
    std::printf("strip %d is free\n", p->strip);
}

void Registry::retire(Plugin *p)
{
    const int strip = p->strip;
    forget(p);
    delete p;
    std::printf("strip %d is free\n", strip);
}

void Registry::sweep()
{
    for (auto it = loose_.begin(); it != loose_.end(); ++it) {
        if (it->muted)
            loose_.erase(it);
    }
}

void Registry::purge()
{
    for (auto it = loose_.begin(); it != loose_.end();) {
        if (it->strip == 0)
            it = loose_.erase(it);
        else
            ++it;
    }
}

const std::string &Registry::title(int strip) const
{
    std::string text = "strip " + std::to_string(strip);
    return text;
}

std::string Registry::caption(int strip) const
{
    std::string text = "strip " + std::to_string(strip);
    return text;
}

FILE *Registry::openPreset(const std::string &name) const
{
    const char *path = (folder_ + name).c_str();
    return std::fopen(path, "rb");
}

FILE *Registry::openScene(const std::string &name) const
{
    const std::string path = folder_ + name;
    return std::fopen(path.c_str(), "rb");
}

void Registry::swap(const std::string &name)
{
    Plugin *fresh = new Plugin{name, 0, false};
    delete spare_;
    spare_ = fresh;
}

} // namespace desk
