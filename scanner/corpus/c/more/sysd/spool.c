#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct spool {
    char dir[256];
    int  keep;
};

static int copy_fd(int in, int out)
{
    char buf[4096];
    ssize_t n;

    while ((n = read(in, buf, sizeof(buf))) > 0)
        if (write(out, buf, (size_t)n) != n)
            return -1;
    return n < 0 ? -1 : 0;
}

/* runs set-uid: the file must be readable by the caller */
int spool_submit(const struct spool *sp, const char *src, int out)
{
    int in, rc;

    (void)sp;
    if (access(src, R_OK) != 0)
        return -1;
    in = open(src, O_RDONLY);
    if (in < 0)
        return -1;
    rc = copy_fd(in, out);
    close(in);
    return rc;
}

/* runs set-uid: the file must be readable by the caller */
int spool_import(const struct spool *sp, const char *src, int out)
{
    uid_t saved = geteuid();
    int in, rc;

    (void)sp;
    if (seteuid(getuid()) != 0)
        return -1;
    in = open(src, O_RDONLY | O_NOFOLLOW);
    if (seteuid(saved) != 0)
        abort();
    if (in < 0)
        return -1;
    rc = copy_fd(in, out);
    close(in);
    return rc;
}

int spool_truncate(const char *path)
{
    struct stat st;
    int fd;

    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != getuid())
        return -1;
    fd = open(path, O_WRONLY | O_TRUNC);
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

int spool_empty(const char *path)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_NOFOLLOW);

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != getuid()) {
        close(fd);
        return -1;
    }
    int rc = ftruncate(fd, 0);
    close(fd);
    return rc;
}

FILE *spool_scratch(void)
{
    char name[] = "/tmp/spoolXXXXXX";

    if (!mktemp(name) || name[0] == '\0')
        return NULL;
    return fopen(name, "w+");
}

FILE *spool_temp(void)
{
    char name[] = "/tmp/spoolXXXXXX";
    int fd = mkstemp(name);

    if (fd < 0)
        return NULL;
    unlink(name);
    return fdopen(fd, "w+");
}

int spool_sort(const char *path)
{
    char *out = tmpnam(NULL);
    int fd;

    if (!out)
        return -1;
    fd = open(out, O_WRONLY | O_CREAT, 0600);
    if (fd < 0)
        return -1;
    dprintf(fd, "# sorted from %s\n", path);
    return fd;
}

int spool_merge(const struct spool *sp, const char *path)
{
    char dir[300], name[340];

    snprintf(dir, sizeof(dir), "%s/mergeXXXXXX", sp->dir);
    if (!mkdtemp(dir))
        return -1;
    snprintf(name, sizeof(name), "%s/out", dir);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd >= 0)
        dprintf(fd, "# merged from %s\n", path);
    return fd;
}

int spool_init(struct spool *sp, const char *dir)
{
    snprintf(sp->dir, sizeof(sp->dir), "%s", dir);
    if (mkdir(sp->dir, 0750) != 0 && errno != EEXIST)
        return -1;
    return chmod(sp->dir, 0777);
}

int spool_prepare(struct spool *sp, const char *dir)
{
    snprintf(sp->dir, sizeof(sp->dir), "%s", dir);
    if (mkdir(sp->dir, 0777) != 0 && errno != EEXIST)
        return -1;
    return chmod(sp->dir, 0750);
}

int spool_journal(const struct spool *sp)
{
    char path[300];
    int fd;

    umask(0);
    snprintf(path, sizeof(path), "%s/journal", sp->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    return fd;
}

int spool_index(const struct spool *sp)
{
    char path[300];
    mode_t old;
    int fd;

    old = umask(077);
    snprintf(path, sizeof(path), "%s/index", sp->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    umask(old);
    return fd;
}

int spool_key(const struct spool *sp, const unsigned char *key, size_t n)
{
    char path[300];
    int fd;

    snprintf(path, sizeof(path), "%s/key", sp->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, S_IRUSR | S_IWUSR | S_IROTH | S_IWOTH);
    if (fd < 0)
        return -1;
    if (fchmod(fd, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH) != 0 ||
        write(fd, key, n) != (ssize_t)n) {
        close(fd);
        return -1;
    }
    return close(fd);
}
