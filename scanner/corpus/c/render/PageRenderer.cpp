// Renders uploaded documents for the intranet viewer (FastCGI worker).
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace viewer {

using Params = std::map<std::string, std::string>;

struct Request {
    Params query;
    std::string header(const std::string &name) const
    {
        const char *v = std::getenv(("HTTP_" + name).c_str());
        return v ? v : "";
    }
};

class PageRenderer {
public:
    explicit PageRenderer(fs::path root) : root_(std::move(root)) {}

    int convert(const Request &req) const;
    int convertTo(const Request &req) const;
    std::string pageCount(const Request &req) const;
    std::string toolVersion(const Request &req) const;
    std::string load(const Request &req) const;
    std::string loadChecked(const Request &req) const;
    void saveNote(const Request &req) const;
    void saveStats(const Request &req) const;

private:
    static std::string capture(const std::string &command);
    static std::string slurp(const fs::path &p);

    fs::path root_;
};

std::string PageRenderer::capture(const std::string &command)
{
    std::array<char, 256> buf{};
    std::string out;
    std::unique_ptr<FILE, int (*)(FILE *)> pipe(popen(command.c_str(), "r"), pclose);
    if (!pipe)
        throw std::runtime_error("popen");
    while (fgets(buf.data(), static_cast<int>(buf.size()), pipe.get()))
        out += buf.data();
    return out;
}

std::string PageRenderer::slurp(const fs::path &p)
{
    std::ifstream in(p, std::ios::binary);
    std::ostringstream os;
    os << in.rdbuf();
    return os.str();
}

int PageRenderer::convert(const Request &req) const
{
    const std::string format = req.query.at("format");
    const std::string line = "pdftoppm -" + format + " /srv/viewer/current.pdf /srv/viewer/out";
    return std::system(line.c_str());
}

int PageRenderer::convertTo(const Request &req) const
{
    const std::string format = req.query.at("format");
    if (format != "png" && format != "jpeg")
        return -1;
    const std::string line = "pdftoppm -" + format + " /srv/viewer/current.pdf /srv/viewer/out";
    return std::system(line.c_str());
}

std::string PageRenderer::pageCount(const Request &req) const
{
    const std::string name = req.header("X_DOCUMENT");
    std::ostringstream cmd;
    cmd << "pdfinfo '" << root_.string() << "/" << name << "' | grep Pages";
    return capture(cmd.str());
}

std::string PageRenderer::toolVersion(const Request &req) const
{
    const std::string agent = req.header("USER_AGENT");
    std::string out = capture("pdftoppm -v 2>&1 | head -1");
    if (agent.find("Mobile") != std::string::npos)
        out = out.substr(0, 12);
    return out;
}

std::string PageRenderer::load(const Request &req) const
{
    const fs::path p = root_ / req.query.at("name");
    return slurp(p);
}

std::string PageRenderer::loadChecked(const Request &req) const
{
    const fs::path base = fs::canonical(root_);
    const fs::path p = fs::weakly_canonical(base / req.query.at("name"));
    auto [end, it] = std::mismatch(base.begin(), base.end(), p.begin(), p.end());
    if (end != base.end())
        throw std::runtime_error("not found");
    return slurp(p);
}

void PageRenderer::saveNote(const Request &req) const
{
    std::vector<std::string> parts{"notes"};
    for (const char *key : {"folder", "title"})
        parts.push_back(req.query.at(key));
    std::string path = root_.string();
    for (const auto &part : parts)
        path += "/" + part;
    std::ofstream(path) << req.query.at("text");
}

void PageRenderer::saveStats(const Request &req) const
{
    std::vector<std::string> parts{"notes", "stats"};
    std::string path = root_.string();
    for (const auto &part : parts)
        path += "/" + part;
    std::ofstream(path + ".txt", std::ios::app) << req.query.size() << '\n';
}

}  // namespace viewer
