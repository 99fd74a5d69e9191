// Decoder of the camera stream: frames arrive over TCP and are handed to the viewer.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace camera {

struct FrameHeader {
    std::uint32_t width;
    std::uint32_t height;
    std::uint16_t nameLength;
    std::uint16_t flags;
};

struct Frame {
    char name[48];
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::unique_ptr<std::uint8_t[]> pixels;
};

class FrameDecoder {
public:
    explicit FrameDecoder(int fd) : fd_(fd) {}

    bool readName(Frame &f);
    bool readTitle(Frame &f);
    bool readPixels(Frame &f);
    bool readImage(Frame &f);
    void overlay(Frame &f);
    void caption(Frame &f);
    int describe(char *out, std::size_t cap);
    int summarise(char *out, std::size_t cap);

private:
    bool receive(void *p, std::size_t n)
    {
        return ::recv(fd_, p, n, MSG_WAITALL) == static_cast<ssize_t>(n);
    }

    bool header(FrameHeader &h)
    {
        if (!receive(&h, sizeof h))
            return false;
        h.width = ntohl(h.width);
        h.height = ntohl(h.height);
        h.nameLength = ntohs(h.nameLength);
        h.flags = ntohs(h.flags);
        return true;
    }

    int fd_;
};

bool FrameDecoder::readName(Frame &f)
{
    FrameHeader h;
    if (!header(h))
        return false;
    std::memset(f.name, 0, sizeof f.name);
    return receive(f.name, h.nameLength);
}

bool FrameDecoder::readTitle(Frame &f)
{
    FrameHeader h;
    if (!header(h) || h.nameLength >= sizeof f.name)
        return false;
    std::memset(f.name, 0, sizeof f.name);
    return receive(f.name, h.nameLength);
}

bool FrameDecoder::readPixels(Frame &f)
{
    FrameHeader h;
    if (!header(h))
        return false;
    std::uint32_t bytes = h.width * h.height * 4;
    f.pixels.reset(new std::uint8_t[bytes]);
    const std::size_t stride = static_cast<std::size_t>(h.width) * 4;
    for (std::uint32_t y = 0; y < h.height; ++y)
        if (!receive(f.pixels.get() + y * stride, stride))
            return false;
    f.width = h.width;
    f.height = h.height;
    return true;
}

bool FrameDecoder::readImage(Frame &f)
{
    FrameHeader h;
    if (!header(h))
        return false;
    if (h.width == 0 || h.height == 0 || h.width > 8192 || h.height > 8192)
        return false;
    std::uint32_t bytes = h.width * h.height * 4;
    f.pixels.reset(new std::uint8_t[bytes]);
    const std::size_t stride = static_cast<std::size_t>(h.width) * 4;
    for (std::uint32_t y = 0; y < h.height; ++y)
        if (!receive(f.pixels.get() + y * stride, stride))
            return false;
    f.width = h.width;
    f.height = h.height;
    return true;
}

void FrameDecoder::overlay(Frame &f)
{
    char line[64];
    auto put = [&line](const std::string &s) { std::strcpy(line, s.c_str()); };
    std::string text(255, '\0');
    if (!receive(text.data(), text.size()))
        return;
    put(text);
    std::printf("%ux%u %s\n", f.width, f.height, line);
}

void FrameDecoder::caption(Frame &f)
{
    char line[64];
    auto put = [&line](const std::string &s) { std::snprintf(line, sizeof line, "%s", s.c_str()); };
    std::string text(255, '\0');
    if (!receive(text.data(), text.size()))
        return;
    put(text);
    std::printf("%ux%u %s\n", f.width, f.height, line);
}

int FrameDecoder::describe(char *out, std::size_t cap)
{
    std::vector<char> text(128);
    if (!receive(text.data(), text.size() - 1))
        return -1;
    return std::snprintf(out, cap, text.data());
}

int FrameDecoder::summarise(char *out, std::size_t cap)
{
    constexpr bool templated = false;
    std::vector<char> text(128);
    if (!receive(text.data(), text.size() - 1))
        return -1;
    if (templated)
        return std::snprintf(out, cap, text.data());
    return std::snprintf(out, cap, "%s", text.data());
}

}  // namespace camera
