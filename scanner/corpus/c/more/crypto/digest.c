#include <openssl/des.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vault.h"

static void to_hex(const unsigned char *in, size_t n, char *out)
{
    static const char d[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = d[in[i] >> 4];
        out[2 * i + 1] = d[in[i] & 15];
    }
    out[2 * n] = '\0';
}

int secret_digest(const char *secret, const unsigned char *salt, size_t slen, char out[65])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (!ctx)
        return -1;
    if (EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) != 1 ||
        EVP_DigestUpdate(ctx, salt, slen) != 1 ||
        EVP_DigestUpdate(ctx, secret, strlen(secret)) != 1 ||
        EVP_DigestFinal_ex(ctx, md, &n) != 1) {
        EVP_MD_CTX_free(ctx);
        return -1;
    }
    EVP_MD_CTX_free(ctx);
    to_hex(md, n, out);
    return 0;
}

int license_digest(const unsigned char *doc, size_t len, char out[65])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (!ctx)
        return -1;
    if (EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(ctx, doc, len) != 1 ||
        EVP_DigestFinal_ex(ctx, md, &n) != 1) {
        EVP_MD_CTX_free(ctx);
        return -1;
    }
    EVP_MD_CTX_free(ctx);
    to_hex(md, n, out);
    return 0;
}

int pin_matches(const char *pin, const char *stored)
{
    unsigned char md[MD5_DIGEST_LENGTH];
    char hex[2 * MD5_DIGEST_LENGTH + 1];
    MD5_CTX c;

    MD5_Init(&c);
    MD5_Update(&c, pin, strlen(pin));
    MD5_Final(md, &c);
    to_hex(md, sizeof(md), hex);
    return strcmp(hex, stored) == 0;
}

int pin_derive(const char *pin, const unsigned char *salt, int slen, unsigned char key[32])
{
    if (slen < 16)
        return -1;
    if (PKCS5_PBKDF2_HMAC(pin, (int)strlen(pin), salt, slen, 600000, EVP_sha256(), 32, key) != 1)
        return -1;
    return 0;
}

int seal_block(const unsigned char key[8], const unsigned char in[8], unsigned char out[8])
{
    DES_key_schedule ks;
    DES_cblock k;

    memcpy(k, key, sizeof(k));
    DES_set_odd_parity(&k);
    if (DES_set_key_checked(&k, &ks) != 0)
        return -1;
    DES_ecb_encrypt((const_DES_cblock *)in, (DES_cblock *)out, &ks, DES_ENCRYPT);
    return 0;
}

static const EVP_CIPHER *pick(const struct vault_conf *conf)
{
    switch (conf->suite) {
    case VAULT_FAST:
        return EVP_chacha20_poly1305();
    case VAULT_BLOCK:
        return EVP_aes_128_gcm();
    default:
        return EVP_aes_256_gcm();
    }
}

int vault_write(const struct vault_conf *conf, const unsigned char *in, int len, unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, m = 0;

    if (!ctx)
        return -1;
    if (EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, conf->key, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, out, &n, in, len) != 1 ||
        EVP_EncryptFinal_ex(ctx, out + n, &m) != 1)
        n = m = -1;
    EVP_CIPHER_CTX_free(ctx);
    return n < 0 ? -1 : n + m;
}

int vault_seal(const struct vault_conf *conf, const unsigned char *in, int len,
               unsigned char *out, unsigned char iv[12], unsigned char tag[16])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, m = 0, ok;

    if (!ctx)
        return -1;
    ok = RAND_bytes(iv, 12) == 1 &&
         EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, conf->key, iv) == 1 &&
         EVP_EncryptUpdate(ctx, out, &n, in, len) == 1 &&
         EVP_EncryptFinal_ex(ctx, out + n, &m) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? n + m : -1;
}

int vault_stream(const unsigned char *key, const unsigned char *in, int len, unsigned char *out)
{
    struct vault_conf conf = { .suite = VAULT_FAST, .key = key };
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;

    if (!ctx)
        return -1;
    if (EVP_EncryptInit_ex(ctx, EVP_rc4(), NULL, conf.key, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, out, &n, in, len) != 1)
        n = -1;
    EVP_CIPHER_CTX_free(ctx);
    return n;
}

int vault_tag(const struct vault_conf *conf, const char *name, unsigned char out[32])
{
    const EVP_MD *md = EVP_get_digestbyname("SHA256");
    unsigned char buf[EVP_MAX_MD_SIZE];
    unsigned int n = 0;

    if (!md || EVP_MD_size(md) != 32)
        return -1;
    if (EVP_Digest(name, strlen(name), buf, &n, md, NULL) != 1)
        return -1;
    memcpy(out, buf, 32);
    (void)conf;
    return 0;
}

int vault_check(const struct vault_conf *conf)
{
    return pick(conf) != NULL && conf->key != NULL;
}
