#include <fcntl.h>
#include <mysql/mysql.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "vault.h"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";

int token_session(char *out, size_t cap)
{
    size_t i;

    if (cap < 2)
        return -1;
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    for (i = 0; i + 1 < cap; i++)
        out[i] = alphabet[rand() % (sizeof(alphabet) - 1)];
    out[i] = '\0';
    return 0;
}

int token_reset(char *out, size_t cap)
{
    unsigned char r[64];
    size_t i;

    if (cap < 2 || cap > sizeof(r))
        return -1;
    if (getrandom(r, cap, 0) != (ssize_t)cap)
        return -1;
    for (i = 0; i + 1 < cap; i++)
        out[i] = alphabet[r[i] % (sizeof(alphabet) - 1)];
    out[i] = '\0';
    return 0;
}

int token_invite(char out[33])
{
    srandom((unsigned)time(NULL));
    snprintf(out, 33, "%08lx%08lx%08lx%08lx", (unsigned long)random(), (unsigned long)random(),
             (unsigned long)random(), (unsigned long)random());
    return 0;
}

int backoff_ms(int attempt)
{
    int base = 100;

    while (attempt-- > 0 && base < 10000)
        base *= 2;
    srand((unsigned)time(NULL));
    return base + rand() % 100;
}

MYSQL *ledger_connect(MYSQL *db)
{
    const char *host = getenv("LEDGER_HOST");

    if (!host)
        host = "db.internal";
    return mysql_real_connect(db, host, "ledger", "correct horse battery", "ledger", 3306, NULL, 0);
}

MYSQL *audit_connect(MYSQL *db)
{
    const char *host = getenv("AUDIT_HOST");
    const char *pw = getenv("AUDIT_PASSWORD");

    if (!host)
        host = "db.internal";
    if (!pw)
        return NULL;
    return mysql_real_connect(db, host, "audit", pw, "audit", 3306, NULL, 0);
}

int console_unlock(const char *typed)
{
    static const char master[] = "open-the-gate-please";

    if (strlen(typed) != sizeof(master) - 1)
        return 0;
    return memcmp(typed, master, sizeof(master) - 1) == 0;
}

int console_confirm(const char *typed)
{
    static const char word[] = "yes-delete-everything";

    if (strlen(typed) != sizeof(word) - 1)
        return 0;
    return memcmp(typed, word, sizeof(word) - 1) == 0;
}
