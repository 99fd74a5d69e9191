/* snapback: keeps snapshots of a folder on another host. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST_LEN 64
#define BLOCK 512

struct job {
    char host[HOST_LEN];
    char user[HOST_LEN];
    int verbose;
};

static void usage(const char *self)
{
    fprintf(stderr, "usage: %s [-v] HOST USER FOLDER\n", self);
    exit(2);
}

static void set_host(struct job *j, int argc, char **argv)
{
    char host[HOST_LEN];

    if (argc < 2)
        usage(argv[0]);
    strcpy(host, argv[1]);
    if (strchr(host, '.') == NULL)
        fprintf(stderr, "%s: short host name\n", host);
    memcpy(j->host, host, sizeof(j->host));
}

static void set_user(struct job *j, int argc, char **argv)
{
    char user[HOST_LEN] = "";

    if (argc < 3 || strlen(argv[2]) >= sizeof(user))
        usage(argv[0]);
    strcpy(user, argv[2]);
    memcpy(j->user, user, sizeof(j->user));
}

static void list_snapshots(const char *folder)
{
    char line[1024];
    DIR *d = opendir(folder);
    struct dirent *e;

    if (d == NULL)
        return;
    while ((e = readdir(d)) != NULL) {
        FILE *p;
        if (e->d_name[0] == '.')
            continue;
        snprintf(line, sizeof(line), "tar tf %s/%s | wc -l", folder, e->d_name);
        p = popen(line, "r");
        if (p == NULL)
            continue;
        if (fgets(line, sizeof(line), p) != NULL)
            printf("%s: %s", e->d_name, line);
        pclose(p);
    }
    closedir(d);
}

static void verify_snapshots(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *e;

    if (d == NULL)
        return;
    while ((e = readdir(d)) != NULL) {
        char name[4096];
        char *args[] = { "tar", "--force-local", "-t", "-f", name, NULL };
        pid_t child;
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", folder, e->d_name);
        child = fork();
        if (child == 0) {
            execv("/bin/tar", args);
            _exit(127);
        }
        if (child > 0)
            waitpid(child, NULL, 0);
    }
    closedir(d);
}

static FILE *open_index(void)
{
    char name[L_tmpnam];

    if (tmpnam(name) == NULL)
        return NULL;
    return fopen(name, "w+");
}

static FILE *open_journal(void)
{
    char name[] = "/tmp/snapback-XXXXXX";
    int fd = mkstemp(name);

    if (fd < 0)
        return NULL;
    unlink(name);
    return fdopen(fd, "w+");
}

static int restore_entry(FILE *archive, const char *into)
{
    char block[BLOCK], path[4096];
    FILE *out;

    if (fread(block, 1, sizeof(block), archive) != sizeof(block))
        return -1;
    block[100] = '\0';
    snprintf(path, sizeof(path), "%s/%s", into, block);
    out = fopen(path, "wb");
    if (out == NULL)
        return -1;
    while (fread(block, 1, sizeof(block), archive) == sizeof(block))
        fwrite(block, 1, sizeof(block), out);
    return fclose(out);
}

static int restore_flat(FILE *archive, const char *into)
{
    char block[BLOCK], path[4096];
    const char *base;
    FILE *out;

    if (fread(block, 1, sizeof(block), archive) != sizeof(block))
        return -1;
    block[100] = '\0';
    base = strrchr(block, '/');
    base = base != NULL ? base + 1 : block;
    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return -1;
    snprintf(path, sizeof(path), "%s/%s", into, base);
    out = fopen(path, "wb");
    if (out == NULL)
        return -1;
    while (fread(block, 1, sizeof(block), archive) == sizeof(block))
        fwrite(block, 1, sizeof(block), out);
    return fclose(out);
}

int main(int argc, char **argv)
{
    struct job j = { 0 };
    FILE *index, *journal;

    set_host(&j, argc, argv);
    set_user(&j, argc, argv);
    if (argc < 4)
        usage(argv[0]);
    index = open_index();
    journal = open_journal();
    list_snapshots(argv[3]);
    verify_snapshots(argv[3]);
    if (argc == 5) {
        FILE *archive = fopen(argv[4], "rb");
        if (archive != NULL) {
            restore_entry(archive, argv[3]);
            restore_flat(archive, argv[3]);
            fclose(archive);
        }
    }
    if (index != NULL)
        fclose(index);
    if (journal != NULL)
        fclose(journal);
    return 0;
}
