/* Connections and seals of the metering gateway. */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sealed {
    unsigned char iv[16];
    unsigned char tag[16];
    unsigned char *data;
    int len;
};

static void log_peer(X509_STORE_CTX *store, const char *what)
{
    fprintf(stderr, "%s at depth %d: %s\n", what, X509_STORE_CTX_get_error_depth(store),
            X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
}

SSL_CTX *open_reporting(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    return ctx;
}

SSL_CTX *open_billing(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    if (SSL_CTX_set_default_verify_paths(ctx) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

static int on_meter_cert(int ok, X509_STORE_CTX *store)
{
    if (!ok)
        log_peer(store, "meter");
    return 1;
}

static int on_head_cert(int ok, X509_STORE_CTX *store)
{
    if (!ok)
        log_peer(store, "head end");
    return ok;
}

SSL *dial_billing(SSL_CTX *ctx, const char *host)
{
    SSL *ssl = SSL_new(ctx);

    if (ssl == NULL)
        return NULL;
    SSL_set_tlsext_host_name(ssl, host);
    if (SSL_set1_host(ssl, host) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

void use_meters(SSL_CTX *ctx)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_meter_cert);
}

void use_head(SSL_CTX *ctx)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_head_cert);
}

int seal_reading(const unsigned char key[16], const unsigned char *in, int len, struct sealed *out)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0, rest = 0, ok;

    out->data = malloc((size_t)len + 16);
    ok = c != NULL && out->data != NULL && RAND_bytes(out->iv, sizeof(out->iv)) == 1 &&
         EVP_EncryptInit_ex(c, EVP_rc4(), NULL, key, out->iv) == 1 &&
         EVP_EncryptUpdate(c, out->data, &n, in, len) == 1 &&
         EVP_EncryptFinal_ex(c, out->data + n, &rest) == 1;
    out->len = n + rest;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

int seal_tariff(const unsigned char key[32], const unsigned char *in, int len, struct sealed *out)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0, rest = 0, ok;

    out->data = malloc((size_t)len + 16);
    ok = c != NULL && out->data != NULL && RAND_bytes(out->iv, sizeof(out->iv)) == 1 &&
         EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, out->iv) == 1 &&
         EVP_EncryptUpdate(c, out->data, &n, in, len) == 1 &&
         EVP_EncryptFinal_ex(c, out->data + n, &rest) == 1 &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, out->tag) == 1;
    out->len = n + rest;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

void pairing_code(char out[17])
{
    int i;

    srand((unsigned)time(NULL));
    for (i = 0; i < 16; i++)
        out[i] = "0123456789abcdef"[rand() % 16];
    out[16] = '\0';
}

int session_code(char out[17])
{
    unsigned char raw[8];
    int i;

    if (RAND_bytes(raw, sizeof(raw)) != 1)
        return -1;
    for (i = 0; i < 8; i++)
        snprintf(out + 2 * i, 3, "%02x", raw[i]);
    return 0;
}

void sealed_free(struct sealed *s)
{
    free(s->data);
    memset(s, 0, sizeof(*s));
}
