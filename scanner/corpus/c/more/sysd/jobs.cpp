#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace fs = std::filesystem;

namespace jobs {

struct Config {
    fs::path root{"/var/lib/jobs"};
    std::string mailer{"/usr/sbin/sendmail"};
    bool dryRun = false;
};

struct Job {
    std::string name;
    std::string owner;
    int prio = 0;
};

class Queue {
public:
    explicit Queue(Config c) : conf_(std::move(c)) {}
    ~Queue();
    void notify(const std::string &subject);
    void notifyOwner(const Job &j);
    std::string readSpec(int argc, char **argv);
    std::string readLog(int argc, char **argv);
    void compact();
    void trim();
    void shiftFront();
    void swapFront();
    void add(std::unique_ptr<Job> j) { items_.push_back(j.release()); }

private:
    Config conf_;
    std::vector<Job *> items_;
};

void Queue::notify(const std::string &subject)
{
    std::string line;
    std::getline(std::cin, line);
    std::string cmd = "mail -s '" + subject + "' " + line;
    if (conf_.dryRun)
        std::cout << cmd << '\n';
    if (std::system(cmd.c_str()) != 0)
        throw std::runtime_error("mail");
}

void Queue::notifyOwner(const Job &j)
{
    std::string line;
    std::getline(std::cin, line);
    std::string cmd = "mail -s 'job done' root";
    if (conf_.dryRun)
        std::cout << cmd << ' ' << line << ' ' << j.owner << '\n';
    if (std::system(cmd.c_str()) != 0)
        throw std::runtime_error("mail");
}

std::string Queue::readSpec(int argc, char **argv)
{
    if (argc < 2)
        return {};
    fs::path p = conf_.root / "specs" / argv[1];
    if (p.extension() != ".job")
        throw std::runtime_error("not a job");
    std::ifstream in(p);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string Queue::readLog(int argc, char **argv)
{
    if (argc < 2)
        return {};
    fs::path p = conf_.root / "logs" / fs::path(argv[1]).filename();
    if (p.extension() != ".log")
        throw std::runtime_error("not a log");
    std::ifstream in(p);
    return {std::istreambuf_iterator<char>(in), {}};
}

void Queue::compact()
{
    for (auto it = items_.begin(); it != items_.end(); ++it) {
        if ((*it)->prio < 0) {
            delete *it;
            items_.erase(it);
        }
    }
}

void Queue::trim()
{
    for (auto it = items_.begin(); it != items_.end();) {
        if ((*it)->prio < 0) {
            delete *it;
            it = items_.erase(it);
        } else {
            ++it;
        }
    }
}

void Queue::shiftFront()
{
    if (items_.empty())
        return;
    Job *j = items_.front();
    if (j->name.empty())
        delete j;
    items_.erase(items_.begin());
    if (items_.empty())
        std::cout << "drained\n";
    delete j;
}

void Queue::swapFront()
{
    if (items_.empty())
        return;
    Job *j = items_.front();
    items_.erase(items_.begin());
    if (j->name.empty()) {
        delete j;
        j = new Job{"idle", "root", 0};
    }
    if (items_.empty())
        std::cout << "drained\n";
    delete j;
}

Queue::~Queue()
{
    for (Job *j : items_)
        delete j;
}

void stamp(const char *path)
{
    char *bin = std::getenv("STAMP_BIN");
    char cmd[64];
    if (!bin)
        return;
    std::strcpy(cmd, bin);
    std::cout << cmd << ' ' << path << '\n';
}

void stampAll(const std::vector<std::string> &paths)
{
    char cmd[64];
    std::strcpy(cmd, "/usr/bin/stamp");
    for (const auto &p : paths)
        std::cout << cmd << ' ' << p << '\n';
}

} // namespace jobs

int main(int argc, char **argv)
{
    jobs::Queue q{jobs::Config{}};
    q.add(std::make_unique<jobs::Job>(jobs::Job{"nightly", "root", 1}));
    std::cout << q.readSpec(argc, argv) << q.readLog(argc, argv);
    q.notify("started");
    q.compact();
    q.trim();
    jobs::stamp("/tmp/x");
    return 0;
}
