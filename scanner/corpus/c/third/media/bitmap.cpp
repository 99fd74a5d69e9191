// Loads the bitmaps that visitors of the kiosk bring on a stick.
#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace kiosk {

struct Colour {
    uint8_t red = 0, green = 0, blue = 0;
};

class Bitmap {
public:
    explicit Bitmap(const std::string &file) : in_(file, std::ios::binary) {}

    void load();
    void loadMask();
    void readPalette();
    void readRamp();
    Colour stripe();
    Colour frame();
    uint32_t width() const { return width_; }

private:
    uint32_t number();
    uint8_t byte();

    std::ifstream in_;
    uint32_t width_ = 0, height_ = 0;
    std::unique_ptr<uint8_t[]> pixels_, mask_;
    Colour palette_[256];
    Colour ramp_[64];
    std::array<Colour, 16> stripes_{};
};

uint32_t Bitmap::number()
{
    unsigned char raw[4] = {};
    in_.read(reinterpret_cast<char *>(raw), sizeof raw);
    if (!in_)
        throw std::runtime_error("short file");
    return raw[0] | raw[1] << 8 | raw[2] << 16 | uint32_t(raw[3]) << 24;
}

uint8_t Bitmap::byte()
{
    int got = in_.get();
    if (got < 0)
        throw std::runtime_error("short file");
    return static_cast<uint8_t>(got);
}

void Bitmap::load()
{
    width_ = number();
    height_ = number();
    const uint32_t stride = width_ * 4;
    pixels_.reset(new uint8_t[stride * height_]);
    for (uint32_t row = 0; row < height_; ++row)
        in_.read(reinterpret_cast<char *>(pixels_.get() + size_t(row) * stride), stride);
}

void Bitmap::loadMask()
{
    width_ = number();
    height_ = number();
    if (width_ > 8192 || height_ > 8192)
        throw std::runtime_error("too large");
    const uint32_t stride = width_ * 4;
    mask_.reset(new uint8_t[stride * height_]);
    for (uint32_t row = 0; row < height_; ++row)
        in_.read(reinterpret_cast<char *>(mask_.get() + size_t(row) * stride), stride);
}

void Bitmap::readPalette()
{
    const uint32_t count = number();
    for (uint32_t i = 0; i < count; ++i) {
        palette_[i].red = byte();
        palette_[i].green = byte();
        palette_[i].blue = byte();
    }
}

void Bitmap::readRamp()
{
    const uint32_t count = std::min<uint32_t>(number(), 64);
    for (uint32_t i = 0; i < count; ++i) {
        ramp_[i].red = byte();
        ramp_[i].green = byte();
        ramp_[i].blue = byte();
    }
}

Colour Bitmap::stripe()
{
    const uint8_t at = byte();
    return stripes_[at];
}

Colour Bitmap::frame()
{
    const uint8_t at = byte();
    return stripes_.at(at);
}

} // namespace kiosk
