/* Keys and passwords of the backup agent. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

static const char agent_secret[] = "walnut-ferry-clock-31";

static int seal(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *iv,
                const uint8_t *in, int len, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, tail = 0;
    int ok = ctx && EVP_EncryptInit_ex(ctx, cipher, NULL, key, iv) &&
             EVP_EncryptUpdate(ctx, out, &n, in, len) &&
             EVP_EncryptFinal_ex(ctx, out + n, &tail);

    EVP_CIPHER_CTX_free(ctx);
    return ok ? n + tail : -1;
}

int seal_catalogue(const uint8_t *key, const uint8_t *in, int len, uint8_t *out)
{
    return seal(EVP_des_ecb(), key, NULL, in, len, out);
}

int seal_volume(const uint8_t *key, const uint8_t *in, int len, uint8_t *out)
{
    int n;

    if (RAND_bytes(out, 16) != 1)
        return -1;
    n = seal(EVP_aes_256_ctr(), key, out, in, len, out + 16);
    return n < 0 ? -1 : n + 16;
}

int sign_manifest(const uint8_t *manifest, size_t len, uint8_t out[EVP_MAX_MD_SIZE])
{
    unsigned n = 0;

    if (!EVP_Digest(manifest, len, out, &n, EVP_md5(), NULL))
        return -1;
    return (int)n;
}

int sign_archive(const uint8_t *archive, size_t len, uint8_t out[EVP_MAX_MD_SIZE])
{
    unsigned n = 0;

    if (!EVP_Digest(archive, len, out, &n, EVP_sha256(), NULL))
        return -1;
    return (int)n;
}

int allow_agent(const char *given)
{
    if (strlen(given) != sizeof agent_secret - 1)
        return 0;
    return strcmp(given, agent_secret) == 0;
}

int allow_console(const char *given)
{
    const char *expected = getenv("CONSOLE_PASSWORD");

    if (!expected || strlen(expected) < 12)
        return 0;
    return strcmp(given, expected) == 0;
}
