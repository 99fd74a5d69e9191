#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct remote {
    const char *host;
    const char *ca_file;
};

static int watch_chain(int ok, X509_STORE_CTX *store)
{
    char name[256];
    X509 *cert = X509_STORE_CTX_get_current_cert(store);

    if (cert) {
        X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof(name));
        fprintf(stderr, "peer: %s (%d)\n", name, ok);
    }
    return 1;
}

static int trace_chain(int ok, X509_STORE_CTX *store)
{
    char name[256];
    X509 *cert = X509_STORE_CTX_get_current_cert(store);

    if (cert) {
        X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof(name));
        fprintf(stderr, "peer: %s (%d)\n", name, ok);
    }
    return ok;
}

SSL_CTX *ctx_for_sync(const struct remote *r)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        return NULL;
    if (SSL_CTX_load_verify_locations(ctx, r->ca_file, NULL) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(ctx), r->host, 0);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, watch_chain);
    return ctx;
}

SSL_CTX *ctx_for_push(const struct remote *r)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx)
        return NULL;
    if (SSL_CTX_load_verify_locations(ctx, r->ca_file, NULL) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(ctx), r->host, 0);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, trace_chain);
    return ctx;
}

SSL *dial_backup(const struct remote *r, int fd)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    if (!ctx)
        return NULL;
    SSL_CTX_set_default_verify_paths(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (!ssl)
        return NULL;
    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, r->host);
    if (SSL_connect(ssl) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

SSL *dial_primary(const struct remote *r, int fd)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    if (!ctx)
        return NULL;
    SSL_CTX_set_default_verify_paths(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (!ssl)
        return NULL;
    SSL_set_fd(ssl, fd);
    SSL_set_tlsext_host_name(ssl, r->host);
    if (SSL_set1_host(ssl, r->host) != 1 || SSL_connect(ssl) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

static size_t discard(char *p, size_t s, size_t n, void *arg)
{
    (void)p;
    (void)arg;
    return s * n;
}

int fetch_index(CURL *h, const struct remote *r)
{
    char url[256];

    snprintf(url, sizeof(url), "https://%s/index.json", r->host);
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
    return curl_easy_perform(h) == CURLE_OK ? 0 : -1;
}

int fetch_catalog(CURL *h, const struct remote *r)
{
    char url[256];
    long check = 0L;

    snprintf(url, sizeof(url), "https://%s/catalog.json", r->host);
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(h, CURLOPT_VERBOSE, check);
    check = 1L;
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, check);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
    return curl_easy_perform(h) == CURLE_OK ? 0 : -1;
}

int post_login(CURL *h, const char *user, const char *pw)
{
    char form[256];

    snprintf(form, sizeof(form), "user=%s&password=%s", user, pw);
    curl_easy_setopt(h, CURLOPT_URL, "http://accounts.example.org/login");
    curl_easy_setopt(h, CURLOPT_POSTFIELDS, form);
    return curl_easy_perform(h) == CURLE_OK ? 0 : -1;
}

int post_refresh(CURL *h, const char *user, const char *pw)
{
    char form[256];

    snprintf(form, sizeof(form), "user=%s&password=%s", user, pw);
    curl_easy_setopt(h, CURLOPT_URL, "https://accounts.example.org/refresh");
    curl_easy_setopt(h, CURLOPT_POSTFIELDS, form);
    return curl_easy_perform(h) == CURLE_OK ? 0 : -1;
}
