#define _GNU_SOURCE
#include "accounts.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    uint32_t pid;
    uint64_t bytes;
    int graphics;
    char uuid[96];
} Entry;

/* What the folder's files said at `read_at`; read anew when older than the pause. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Entry entries[MAX_HOLDERS];
static int entry_count;
static double read_at;
static char read_from[1024];
static const double pause_seconds = 0.02;

static int is_alive(uint32_t pid)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    char *state = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return state && state[1] && state[2] != 'Z' && state[2] != 'X';
}

static void read_account(const char *folder, const char *name)
{
    char path[1400], line[256], uuid[96], word[16];
    int first = entry_count, stays = 0;
    uint32_t pid = (uint32_t)strtoul(name, NULL, 10);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    while (entry_count < MAX_HOLDERS && fgets(line, sizeof line, file)) {
        Entry *e = &entries[entry_count];
        *word = 0;
        unsigned long long bytes;
        if (sscanf(line, "%95s %llu %15s", uuid, &bytes, word) >= 2) {
            *e = (Entry){.pid = pid, .bytes = bytes, .graphics = !strcmp(word, "graphics")};
            strcpy(e->uuid, uuid);
            entry_count++;
        } else if (!strcmp(uuid, "stays")) {
            stays = 1;
        }
    }
    fclose(file);
    if (!stays && !is_alive(pid))
        entry_count = first;
}

static void read_folder(const char *folder)
{
    struct timespec clock;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    double now = (double)clock.tv_sec + (double)clock.tv_nsec * 1e-9;
    if (now - read_at < pause_seconds && !strcmp(folder, read_from))
        return;
    read_at = now;
    strcpy(read_from, folder);
    entry_count = 0;
    DIR *all = *folder ? opendir(folder) : NULL;
    for (struct dirent *one; all && (one = readdir(all));)
        if (isdigit((unsigned char)one->d_name[0]) && !one->d_name[strspn(one->d_name, "0123456789")])
            read_account(folder, one->d_name);
    if (all)
        closedir(all);
}

static uint32_t pid_of(const Process *process)
{
    if (process->pid)
        return process->pid;
    unsigned pid = 0;
    FILE *file = fopen(process->pidfile, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%u", &pid) != 1 || (!process->stays && !is_alive(pid)))
        pid = 0;
    fclose(file);
    return pid;
}

static int add(Holder out[], int count, Holder holder)
{
    for (int i = 0; i < count; i++)
        if (out[i].pid == holder.pid && out[i].graphics == holder.graphics && out[i].instance == holder.instance &&
            out[i].compute == holder.compute && out[i].bytes != UNKNOWN_BYTES && holder.bytes != UNKNOWN_BYTES) {
            out[i].bytes += holder.bytes;
            return count;
        }
    if (count < MAX_HOLDERS)
        out[count++] = holder;
    return count;
}

static int mig_named(const Gpu *gpu, const char *uuid)
{
    for (int i = 0; i < gpu->mig_count; i++)
        if (!strcmp(gpu->migs[i].uuid, uuid))
            return i;
    return -1;
}

static Holder holder_in(const Gpu *gpu, int mig, uint32_t pid, uint64_t bytes, int graphics)
{
    Holder h = {.pid = pid, .instance = NO_INSTANCE, .compute = NO_INSTANCE, .bytes = bytes, .graphics = graphics, .busy = -1};
    if (mig >= 0 && mig < gpu->mig_count) {
        h.instance = gpu->migs[mig].instance;
        h.compute = gpu->migs[mig].compute;
    }
    return h;
}

int accounts_list(const Scenario *scenario, const Gpu *gpu, int mig, double now, Holder out[MAX_HOLDERS])
{
    int count = 0;
    for (int i = 0; i < gpu->process_count; i++) {
        const Process *p = &gpu->processes[i];
        uint32_t pid = (mig < 0 || p->mig == mig) && span_covers(&p->span, now) ? pid_of(p) : 0;
        if (!pid)
            continue;
        double bytes = curve_at(scenario, &p->bytes, now);
        Holder h = holder_in(gpu, p->mig, pid, bytes > 0 ? (uint64_t)bytes : 0, p->graphics);
        if (p->bytes.shape == UNKNOWN)
            h.bytes = UNKNOWN_BYTES;
        if (p->busy.shape != ABSENT)
            h.busy = curve_at(scenario, &p->busy, now);
        count = add(out, count, h);
    }
    pthread_mutex_lock(&lock);
    read_folder(scenario->folder);
    for (int i = 0; i < entry_count; i++) {
        const Entry *e = &entries[i];
        int inside = mig_named(gpu, e->uuid);
        if (mig < 0 ? inside >= 0 || !strcmp(e->uuid, gpu->uuid) : inside == mig)
            count = add(out, count, holder_in(gpu, inside, e->pid, e->bytes, e->graphics));
    }
    pthread_mutex_unlock(&lock);
    return count;
}
