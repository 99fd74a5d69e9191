#ifndef CRYPTO_VAULT_H
#define CRYPTO_VAULT_H

#include <stddef.h>

enum vault_suite { VAULT_DEFAULT, VAULT_FAST, VAULT_BLOCK };

struct vault_conf {
    enum vault_suite     suite;
    const unsigned char *key;
};

int token_session(char *out, size_t cap);
int token_reset(char *out, size_t cap);
int token_invite(char out[33]);
int backoff_ms(int attempt);

#endif
