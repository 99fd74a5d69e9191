/* Reads the chunks of RIFF sound files. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FMT_BYTES 40
#define CUE_LIMIT (1u << 16)

struct sound {
    uint8_t *fmt;
    uint8_t *cue;
    uint32_t cue_bytes;
    int16_t *samples;
    float *peaks;
    char artist[64];
};

static const char *const codec_names[] = { "none", "pcm", "adpcm", "float" };
static const char *const seat_names[] = { "left", "right", "centre", "low", "rear" };

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static int chunk_head(FILE *f, uint8_t head[8])
{
    return fread(head, 1, 8, f) == 8;
}

int riff_fmt(FILE *f, struct sound *s)
{
    uint8_t head[8];
    uint32_t size;

    if (!chunk_head(f, head))
        return -1;
    size = le32(head + 4);
    s->fmt = malloc(FMT_BYTES);
    if (s->fmt == NULL)
        return -1;
    if (fread(s->fmt, 1, size, f) != size)
        return -1;
    return 0;
}

int riff_cue(FILE *f, struct sound *s)
{
    uint8_t head[8];
    uint32_t size;

    if (!chunk_head(f, head))
        return -1;
    size = le32(head + 4);
    if (size == 0 || size > CUE_LIMIT)
        return -1;
    s->cue = malloc(size);
    if (s->cue == NULL)
        return -1;
    if (fread(s->cue, 1, size, f) != size)
        return -1;
    s->cue_bytes = size;
    return 0;
}

void riff_title(FILE *f)
{
    uint8_t head[8];
    char text[64] = "";
    uint32_t size;

    if (!chunk_head(f, head))
        return;
    size = le32(head + 4);
    if (size > 0 && fread(text, 1, size, f) == size)
        printf("title: %.63s\n", text);
}

void riff_artist(FILE *f)
{
    uint8_t head[8];
    char text[64] = "";
    uint32_t size, take;

    if (!chunk_head(f, head))
        return;
    size = le32(head + 4);
    take = size < sizeof(text) - 1 ? size : (uint32_t)sizeof(text) - 1;
    if (take > 0 && fread(text, 1, take, f) == take)
        printf("artist: %s\n", text);
    fseek(f, (long)(size - take), SEEK_CUR);
}

int riff_samples(FILE *f, struct sound *s)
{
    uint8_t head[8];
    uint32_t channels, frames, i;

    if (!chunk_head(f, head))
        return -1;
    channels = le32(head);
    frames = le32(head + 4);
    s->samples = malloc(channels * frames * 2u);
    if (s->samples == NULL)
        return -1;
    for (i = 0; i < frames; i++) {
        if (fread(s->samples + (size_t)i * channels, 2, channels, f) != channels)
            return -1;
    }
    return 0;
}

int riff_peaks(FILE *f, struct sound *s)
{
    uint8_t head[8];
    size_t channels, frames, i;

    if (!chunk_head(f, head))
        return -1;
    channels = le32(head);
    frames = le32(head + 4);
    if (channels == 0 || frames == 0 || frames > SIZE_MAX / channels / sizeof(float))
        return -1;
    s->peaks = malloc(channels * frames * sizeof(float));
    if (s->peaks == NULL)
        return -1;
    for (i = 0; i < frames; i++) {
        if (fread(s->peaks + i * channels, sizeof(float), channels, f) != channels)
            return -1;
    }
    return 0;
}

void riff_codec(FILE *f)
{
    uint8_t head[8];

    if (!chunk_head(f, head))
        return;
    printf("codec: %s\n", codec_names[head[4]]);
}

void riff_seat(FILE *f)
{
    uint8_t head[8];

    if (!chunk_head(f, head))
        return;
    if (head[4] < sizeof(seat_names) / sizeof(seat_names[0]))
        printf("seat: %s\n", seat_names[head[4]]);
}

void riff_free(struct sound *s)
{
    free(s->fmt);
    free(s->cue);
    free(s->samples);
    free(s->peaks);
    memset(s, 0, sizeof(*s));
}
