#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE 16384

struct page {
    char   data[PAGE];
    size_t used;
};

struct blob {
    char  *data;
    size_t used;
    size_t cap;
};

struct event {
    time_t when;
    char   tags[128];
};

static pthread_mutex_t print_lock = PTHREAD_MUTEX_INITIALIZER;

static void emit(const char *when, const char *text)
{
    pthread_mutex_lock(&print_lock);
    printf("%s %s\n", when, text);
    pthread_mutex_unlock(&print_lock);
}

static size_t on_page(char *ptr, size_t size, size_t n, void *arg)
{
    struct page *pg = arg;
    size_t len = size * n;

    memcpy(pg->data + pg->used, ptr, len);
    pg->used += len;
    return len;
}

static size_t on_blob(char *ptr, size_t size, size_t n, void *arg)
{
    struct blob *b = arg;
    size_t len = size * n;

    if (len > b->cap - b->used) {
        size_t cap = b->used + len + PAGE;
        char *p = realloc(b->data, cap);
        if (!p)
            return 0;
        b->data = p;
        b->cap = cap;
    }
    memcpy(b->data + b->used, ptr, len);
    b->used += len;
    return len;
}

static size_t on_part(char *ptr, size_t size, size_t n, void *arg)
{
    struct page *pg = arg;
    size_t len = size * n, room = sizeof(pg->data) - pg->used;

    memcpy(pg->data + pg->used, ptr, len < room ? len : room);
    pg->used += len < room ? len : room;
    return len;
}

int audit_pull(const char *url, struct page *pg, struct blob *b)
{
    CURL *h = curl_easy_init();
    CURLcode rc;

    if (!h)
        return -1;
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, pg ? on_page : on_blob);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, pg ? (void *)pg : (void *)b);
    rc = curl_easy_perform(h);
    if (rc == CURLE_OK && pg) {
        pg->used = 0;
        curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_part);
        rc = curl_easy_perform(h);
    }
    curl_easy_cleanup(h);
    return rc == CURLE_OK ? 0 : -1;
}

static void *worker_tags(void *arg)
{
    struct event *ev = arg;
    char when[32];
    struct tm tm;

    localtime_r(&ev->when, &tm);
    strftime(when, sizeof(when), "%F %T", &tm);
    for (char *t = strtok(ev->tags, ","); t; t = strtok(NULL, ","))
        emit(when, t);
    return NULL;
}

static void *worker_names(void *arg)
{
    struct event *ev = arg;
    char when[32], *save = NULL;
    struct tm tm;

    localtime_r(&ev->when, &tm);
    strftime(when, sizeof(when), "%F %T", &tm);
    for (char *t = strtok_r(ev->tags, ",", &save); t; t = strtok_r(NULL, ",", &save))
        emit(when, t);
    return NULL;
}

int audit_run(struct event *evs, size_t n)
{
    pthread_t th[16];
    size_t i, started = 0;

    for (i = 0; i < n && i < 16; i++) {
        void *(*fn)(void *) = i % 2 ? worker_tags : worker_names;
        if (pthread_create(&th[i], NULL, fn, &evs[i]) != 0)
            break;
        started++;
    }
    for (i = 0; i < started; i++)
        pthread_join(th[i], NULL);
    return started == n ? 0 : -1;
}
