/* Reads a scenario's lines, again whenever the file has changed; a half-written or wrong file changes nothing. */
#define _GNU_SOURCE
#include "scenario.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define AS_NAME(name) #name,
static const char *const quantity_names[] = {QUANTITIES(AS_NAME)};
static const char *const shape_names[] = {"absent", "constant", "sine", "saw", "square", "noise", "points", "unknown"};
static const char *const window_names[] = {"fault", "latency", "throttle"};

static int name_among(const char *const names[], int count, const char *name)
{
    for (int i = 0; name && i < count; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

static int read_number(char **rest, double *out)
{
    char *word = strsep(rest, " "), *end;
    if (!word || !*word)
        return 0;
    *out = strtod(word, &end);
    return !*end;
}

static int read_integer(char **rest, int *out)
{
    double number;
    if (!read_number(rest, &number) || fabs(number) > 2e9)
        return 0;
    *out = (int)number;
    return 1;
}

static int read_text(char **rest, char *out, size_t size)
{
    if (!*rest || !**rest || strlen(*rest) >= size)
        return 0;
    strcpy(out, *rest);
    return 1;
}

static int read_word(char **rest, char *out, size_t size)
{
    char *word = strsep(rest, " ");
    return read_text(&word, out, size);
}

static int read_span(char **rest, Span *s)
{
    return read_number(rest, &s->from) && read_number(rest, &s->until) && read_number(rest, &s->every);
}

static int read_curve(Scenario *s, char **rest, Curve *c)
{
    int shape = name_among(shape_names, UNKNOWN + 1, strsep(rest, " "));
    if (shape <= ABSENT)
        return 0;
    c->shape = (Shape)shape;
    if (shape == UNKNOWN)
        return 1;
    if (shape == CONSTANT)
        return read_number(rest, &c->low);
    if (shape != POINTS)
        return read_number(rest, &c->low) && read_number(rest, &c->high) && read_number(rest, &c->period) &&
               read_number(rest, &c->extra) && c->period > 0;
    if (!read_number(rest, &c->period) || !read_integer(rest, &c->count) || c->count < 1 ||
        s->point_count > MAX_POINTS - 2 * c->count || c->count > MAX_POINTS / 2)
        return 0;
    c->first = s->point_count;
    for (int i = 0; i < 2 * c->count; i++)
        if (!read_number(rest, &s->points[s->point_count++]))
            return 0;
    return 1;
}

static int read_window(char **rest, Windows *windows)
{
    if (windows->count == MAX_WINDOWS)
        return 0;
    Window *w = &windows->at[windows->count++];
    int kind = name_among(window_names, THROTTLE + 1, strsep(rest, " "));
    w->kind = (WindowKind)kind;
    return kind >= 0 && read_span(rest, &w->span) && read_number(rest, &w->value) &&
           read_text(rest, w->call, sizeof w->call);
}

static int read_process(Scenario *s, Gpu *gpu, char **rest)
{
    double pid;
    if (gpu->process_count == MAX_PROCESSES || !read_number(rest, &pid) || pid < 0 || pid > UINT32_MAX)
        return 0;
    Process *p = &gpu->processes[gpu->process_count++];
    p->pid = (uint32_t)pid;
    return read_integer(rest, &p->graphics) && read_integer(rest, &p->stays) && read_integer(rest, &p->mig) &&
           read_span(rest, &p->span) && read_curve(s, rest, &p->bytes);
}

static int read_mig(Gpu *gpu, char **rest)
{
    int instance, compute;
    if (gpu->mig_count == MAX_MIG)
        return 0;
    Mig *m = &gpu->migs[gpu->mig_count++];
    if (!read_integer(rest, &instance) || !read_integer(rest, &compute) || !read_number(rest, &m->total) ||
        !read_integer(rest, &m->slices) || !read_word(rest, m->uuid, sizeof m->uuid))
        return 0;
    m->instance = (uint32_t)instance;
    m->compute = (uint32_t)compute;
    return read_text(rest, m->name, sizeof m->name);
}

static int read_gpu_line(Scenario *s, Gpu *gpu, const char *key, char **rest)
{
    Process *last = gpu->process_count ? &gpu->processes[gpu->process_count - 1] : NULL;
    if (!strcmp(key, "value")) {
        int quantity = name_among(quantity_names, QUANTITY_COUNT, strsep(rest, " "));
        return quantity >= 0 && read_curve(s, rest, &gpu->values[quantity]);
    }
    if (!strcmp(key, "window"))
        return read_window(rest, &gpu->windows);
    if (!strcmp(key, "process"))
        return read_process(s, gpu, rest);
    if (!strcmp(key, "pidfile"))
        return last && read_text(rest, last->pidfile, sizeof last->pidfile);
    if (!strcmp(key, "label"))
        return last && read_text(rest, last->label, sizeof last->label);
    if (!strcmp(key, "busy"))
        return last && read_curve(s, rest, &last->busy);
    if (!strcmp(key, "mig"))
        return read_mig(gpu, rest);
    if (!strcmp(key, "name"))
        return read_text(rest, gpu->name, sizeof gpu->name);
    if (!strcmp(key, "uuid"))
        return read_text(rest, gpu->uuid, sizeof gpu->uuid);
    if (!strcmp(key, "bus"))
        return read_text(rest, gpu->bus, sizeof gpu->bus);
    if (!strcmp(key, "serial"))
        return read_text(rest, gpu->serial, sizeof gpu->serial);
    if (!strcmp(key, "capability"))
        return read_integer(rest, &gpu->major) && read_integer(rest, &gpu->minor);
    return 0;
}

static int read_line(Scenario *s, char *line)
{
    char *rest = line, *key = strsep(&rest, " ");
    if (!strcmp(key, "gpu"))
        return s->gpu_count++ < MAX_GPUS;
    if (s->gpu_count)
        return read_gpu_line(s, &s->gpus[s->gpu_count - 1], key, &rest);
    if (!strcmp(key, "driver"))
        return read_text(&rest, s->driver, sizeof s->driver);
    if (!strcmp(key, "folder"))
        return read_text(&rest, s->folder, sizeof s->folder);
    if (!strcmp(key, "cuda"))
        return read_integer(&rest, &s->cuda);
    if (!strcmp(key, "start"))
        return read_number(&rest, &s->start);
    if (!strcmp(key, "stopped"))
        return read_number(&rest, &s->stopped);
    if (!strcmp(key, "window"))
        return read_window(&rest, &s->windows);
    return 0;
}

static Scenario *read_file(const char *path)
{
    static const char first[] = "engineroom-nvml 1";
    FILE *file = fopen(path, "re");
    Scenario *s = file ? calloc(1, sizeof *s) : NULL;
    char *line = NULL;
    size_t room = 0;
    int number = 0, whole = 0, wrong = 0;
    for (ssize_t length; s && !whole && !wrong && (length = getline(&line, &room, file)) > 0;) {
        line[strcspn(line, "\n")] = 0;
        if (!number++) {
            wrong = strcmp(line, first) != 0;
            s->stopped = NAN;
        } else if (!strcmp(line, "end")) {
            whole = 1;
        } else {
            wrong = !read_line(s, line);
        }
    }
    if (wrong)
        fprintf(stderr, "simulated nvml: line %d of %s is not understood\n", number, path);
    free(line);
    if (file)
        fclose(file);
    if (s && !whole) {
        free(s);
        s = NULL;
    }
    return s;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Scenario *current;
static struct stat seen;

static int is_seen(const struct stat *now)
{
    return now->st_ino == seen.st_ino && now->st_size == seen.st_size && now->st_dev == seen.st_dev &&
           now->st_mtim.tv_sec == seen.st_mtim.tv_sec && now->st_mtim.tv_nsec == seen.st_mtim.tv_nsec;
}

static void drop(Scenario *s)
{
    if (s && !--s->holders)
        free(s);
}

Scenario *scenario_hold(void)
{
    const char *path = getenv("ENGINEROOM_GPU_SCENARIO");
    struct stat now;
    pthread_mutex_lock(&lock);
    if (path && !stat(path, &now) && !is_seen(&now)) {
        Scenario *fresh = read_file(path);
        seen = now;
        if (fresh) {
            fresh->holders = 1;
            drop(current);
            current = fresh;
        }
    }
    Scenario *held = current;
    if (held)
        held->holders++;
    pthread_mutex_unlock(&lock);
    return held;
}

void scenario_release(Scenario *scenario)
{
    pthread_mutex_lock(&lock);
    drop(scenario);
    pthread_mutex_unlock(&lock);
}

double scenario_now(const Scenario *scenario)
{
    struct timespec now;
    if (!isnan(scenario->stopped))
        return scenario->stopped;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9 - scenario->start;
}

int span_covers(const Span *span, double now)
{
    double at = span->every > 0 ? fmod(now, span->every) : now;
    return span->from <= at && at < span->until;
}
