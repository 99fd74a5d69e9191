// Worker that turns the requests of the print room's socket into documents.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace jobs {

class Worker {
public:
    explicit Worker(int sock) : sock_(sock) {}

    int convert();
    int measure();
    int merge();
    int collate();
    bool keep();
    bool archive();
    size_t waiting() const { return later_.size(); }

private:
    std::string receive();

    int sock_;
    std::vector<std::function<int()>> later_;
};

std::string Worker::receive()
{
    char raw[1024];
    const ssize_t n = recv(sock_, raw, sizeof raw, 0);
    return n > 0 ? std::string(raw, static_cast<size_t>(n)) : std::string();
}

int Worker::convert()
{
    const std::string page = receive();
    auto task = [page]() {
        const std::string line = "ps2pdf /srv/print/" + page;
        return std::system(line.c_str());
    };
    later_.push_back(task);
    return task();
}

int Worker::measure()
{
    const std::string page = receive();
    const bool plain = !page.empty() && std::all_of(page.begin(), page.end(), [](unsigned char c) {
        return c < 128 && std::isalnum(c);
    });
    if (!plain)
        return -1;
    auto task = [page]() {
        const std::string line = "pdfinfo /srv/print/" + page;
        return std::system(line.c_str());
    };
    later_.push_back(task);
    return task();
}

int Worker::merge()
{
    std::vector<std::string> words{"pdfunite"};
    for (int i = 0; i < 3; ++i)
        words.push_back(receive());
    words.push_back("/srv/print/out.pdf");
    std::string line;
    for (const auto &word : words)
        line += word + " ";
    FILE *p = popen(line.c_str(), "r");
    return p != nullptr ? pclose(p) : -1;
}

int Worker::collate()
{
    std::vector<std::string> words{"/usr/bin/pdfunite"};
    for (int i = 0; i < 3; ++i)
        words.push_back("/srv/print/" + std::to_string(std::atoi(receive().c_str())) + ".pdf");
    words.push_back("/srv/print/out.pdf");
    std::vector<char *> args;
    for (auto &word : words)
        args.push_back(word.data());
    args.push_back(nullptr);
    const pid_t child = fork();
    if (child == 0) {
        execv(args[0], args.data());
        _exit(127);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

bool Worker::keep()
{
    const std::string name = receive();
    const std::string &label = name;
    const std::string path = "/srv/print/kept/" + label;
    std::ofstream out(path, std::ios::binary);
    out << receive();
    return out.good();
}

bool Worker::archive()
{
    const std::string name = receive();
    const std::string &label = name;
    const std::string path = "/srv/print/archive/" + std::to_string(std::hash<std::string>{}(label));
    std::ofstream out(path, std::ios::binary);
    out << receive();
    return out.good();
}

} // namespace jobs
