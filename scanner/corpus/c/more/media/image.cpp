#include "image.h"

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <utility>

namespace media {

bool Reader::bytes(void *dst, size_t n)
{
    return std::fread(dst, 1, n, fp_) == n;
}

bool Reader::u8(uint8_t &v)
{
    return bytes(&v, 1);
}

bool Reader::u32(uint32_t &v)
{
    uint8_t b[4];
    if (!bytes(b, sizeof(b)))
        return false;
    v = uint32_t(b[0]) << 24 | uint32_t(b[1]) << 16 | uint32_t(b[2]) << 8 | b[3];
    return true;
}

bool Loader::loadRaw(Reader &r, Image &img)
{
    if (!r.u32(img.width) || !r.u32(img.height))
        return false;
    int size = int(img.width * img.height * 4);
    if (size <= 0)
        return false;
    img.pixels = static_cast<uint8_t *>(std::malloc(size));
    if (!img.pixels)
        return false;
    for (uint32_t y = 0; y < img.height; y++)
        if (!r.bytes(img.pixels + size_t(y) * img.width * 4, size_t(img.width) * 4))
            return false;
    return true;
}

bool Loader::loadGray(Reader &r, Image &img)
{
    if (!r.u32(img.width) || !r.u32(img.height))
        return false;
    if (img.width == 0 || img.height == 0 || img.width > 16384 || img.height > 16384)
        return false;
    int size = int(img.width * img.height);
    img.pixels = static_cast<uint8_t *>(std::malloc(size));
    if (!img.pixels)
        return false;
    for (uint32_t y = 0; y < img.height; y++)
        if (!r.bytes(img.pixels + size_t(y) * img.width, img.width))
            return false;
    return true;
}

bool Loader::loadPalette(Reader &r)
{
    uint32_t n;
    if (!r.u32(n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t rgb[3];
        if (!r.bytes(rgb, 3))
            return false;
        std::memcpy(palette_ + i * 3, rgb, 3);
    }
    return true;
}

bool Loader::loadPalette16(Reader &r)
{
    uint8_t n;
    if (!r.u8(n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t rgb[3];
        if (!r.bytes(rgb, 3))
            return false;
        std::memcpy(palette_ + i * 3, rgb, 3);
    }
    return true;
}

bool Loader::loadComment(Reader &r)
{
    uint32_t len;
    if (!r.u32(len))
        return false;
    uint32_t text = len - 4;
    if (len > 4096)
        return false;
    char *buf = new char[4096];
    bool ok = r.bytes(buf, text);
    if (ok)
        std::cout.write(buf, text) << '\n';
    delete[] buf;
    return ok;
}

bool Loader::loadCaption(Reader &r)
{
    uint32_t len;
    if (!r.u32(len))
        return false;
    if (len < 4 || len - 4 >= sizeof(caption_))
        return false;
    uint32_t text = len - 4;
    if (!r.bytes(caption_, text))
        return false;
    caption_[text] = '\0';
    return true;
}

const char *Loader::label(Reader &r)
{
    uint8_t n;
    if (!r.u8(n))
        return nullptr;
    std::string s(n, ' ');
    if (!r.bytes(&s[0], n))
        return nullptr;
    const char *p = s.c_str();
    return p;
}

std::string Loader::heading(Reader &r)
{
    uint8_t n;
    if (!r.u8(n))
        return {};
    std::string s(n, ' ');
    if (!r.bytes(&s[0], n))
        return {};
    const char *p = s.c_str();
    return root_ + ": " + p;
}

void Loader::dropThumb(bool keep)
{
    if (!thumb_)
        return;
    if (!keep) {
        std::free(thumb_->pixels);
        delete thumb_;
    }
    std::cout << "thumb " << thumb_->width << " x " << thumb_->height << '\n';
}

void Loader::dropPreview(bool keep)
{
    if (!preview_)
        return;
    std::cout << "preview " << preview_->width << " x " << preview_->height << '\n';
    if (!keep) {
        std::free(preview_->pixels);
        delete preview_;
        preview_ = nullptr;
    }
}

Loader::~Loader()
{
    if (preview_)
        std::free(preview_->pixels);
    delete preview_;
}

} // namespace media
