#ifndef MEDIA_IMAGE_H
#define MEDIA_IMAGE_H

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace media {

struct Image {
    uint32_t width = 0;
    uint32_t height = 0;
    uint8_t *pixels = nullptr;
};

class Reader {
public:
    explicit Reader(FILE *fp) : fp_(fp) {}
    bool u32(uint32_t &v);
    bool u8(uint8_t &v);
    bool bytes(void *dst, size_t n);

private:
    FILE *fp_;
};

class Loader {
public:
    explicit Loader(const std::string &root) : root_(root) {}
    ~Loader();
    bool loadRaw(Reader &r, Image &img);
    bool loadGray(Reader &r, Image &img);
    bool loadPalette(Reader &r);
    bool loadPalette16(Reader &r);
    bool loadComment(Reader &r);
    bool loadCaption(Reader &r);
    const char *label(Reader &r);
    std::string heading(Reader &r);
    void dropThumb(bool keep);
    void dropPreview(bool keep);

private:
    std::string root_;
    uint8_t palette_[768];
    char caption_[64];
    Image *thumb_ = nullptr;
    Image *preview_ = nullptr;
};

} // namespace media

#endif
