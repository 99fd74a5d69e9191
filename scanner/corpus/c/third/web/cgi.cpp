// Pages of a museum's collection, run by the web server as a CGI program.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

namespace fs = std::filesystem;

namespace museum {

constexpr bool kKeepThumbs = false;
const fs::path kRoot = "/srv/museum/objects";

const std::map<std::string, std::string> kTools = {
    {"jpeg", "/usr/bin/jpegoptim"},
    {"png", "/usr/bin/optipng"},
};

static std::string query()
{
    const char *raw = std::getenv("QUERY_STRING");
    return raw != nullptr ? raw : "";
}

static std::string field(const std::string &name)
{
    std::istringstream parts(query());
    std::string part;
    while (std::getline(parts, part, '&')) {
        const auto eq = part.find('=');
        if (eq != std::string::npos && part.substr(0, eq) == name)
            return part.substr(eq + 1);
    }
    return {};
}

static void show(const fs::path &file)
{
    std::ifstream in(file);
    std::cout << "Content-Type: text/plain\r\n\r\n" << in.rdbuf();
}

int scale()
{
    const std::string size = field("size");
    const std::string line = "convert /srv/museum/front.jpg -resize " + size + " /tmp/museum/front.jpg";
    return std::system(line.c_str());
}

int optimise()
{
    const auto tool = kTools.find(field("kind"));
    if (tool == kTools.end())
        return -1;
    const std::string line = tool->second + " /srv/museum/front";
    return std::system(line.c_str());
}

int thumbs()
{
    std::string line = "/usr/bin/museum-thumbs --all";
    if (kKeepThumbs)
        line += " --keep " + field("keep");
    return std::system(line.c_str());
}

int rotate()
{
    std::string angle = field("angle");
    std::cerr << "rotate asked, " << angle.size() << " bytes\n";
    angle = "90";
    const std::string line = "/usr/bin/museum-rotate " + angle;
    return std::system(line.c_str());
}

void object()
{
    const std::string name = field("object");
    show(kRoot / name);
}

void drawing()
{
    const fs::path file = fs::weakly_canonical(kRoot / field("drawing"));
    const fs::path inside = file.lexically_relative(kRoot);
    if (inside.empty() || *inside.begin() == "..")
        return;
    show(file);
}

void greet()
{
    std::printf("Content-Type: text/plain\r\n\r\n");
    const std::string text = "Visitor from " + field("town") + "\n";
    std::printf(text.c_str());
}

void farewell()
{
    std::printf("Content-Type: text/plain\r\n\r\n");
    const std::string text = "Goodbye to " + field("town") + "\n";
    std::printf("%s", text.c_str());
}

} // namespace museum

int main()
{
    museum::greet();
    museum::scale();
    museum::optimise();
    museum::thumbs();
    museum::rotate();
    museum::object();
    museum::drawing();
    museum::farewell();
    return 0;
}
