#define _GNU_SOURCE
#include "visit.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <string.h>
#include <time.h>

static Device devices[MAX_GPUS][1 + MAX_MIG];

Device *handle_to(int gpu, int mig)
{
    return &devices[gpu][mig + 1];
}

static void __attribute__((constructor)) number_the_devices(void)
{
    for (int gpu = 0; gpu < MAX_GPUS; gpu++)
        for (int mig = -1; mig < MAX_MIG; mig++)
            *handle_to(gpu, mig) = (Device){gpu, mig};
}

_Atomic int initialised;

static const Window *window_over(const Windows *windows, WindowKind kind, const char *call, double now)
{
    for (int i = 0; i < windows->count; i++) {
        const Window *w = &windows->at[i];
        if (w->kind == kind && span_covers(&w->span, now) && !fnmatch(w->call, call, 0))
            return w;
    }
    return NULL;
}

const Window *trouble(const Visit *v, WindowKind kind, const char *call)
{
    const Window *w = window_over(&v->scenario->windows, kind, call, v->now);
    return w || !v->gpu ? w : window_over(&v->gpu->windows, kind, call, v->now);
}

void nap(double seconds)
{
    struct timespec rest = {(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)};
    while (nanosleep(&rest, &rest) && errno == EINTR)
        ;
}

void look(Visit *v, const Device *device)
{
    v->scenario = scenario_hold();
    v->gpu = NULL;
    v->error = v->scenario ? SUCCESS : DRIVER_NOT_LOADED;
    if (!v->scenario)
        return;
    v->now = scenario_now(v->scenario);
    if (!device)
        return;
    v->mig = device->mig;
    if (device->gpu < v->scenario->gpu_count)
        v->gpu = &v->scenario->gpus[device->gpu];
    if (!v->gpu || v->mig >= v->gpu->mig_count)
        v->error = GPU_IS_LOST;
}

/* Waits while a latency window says so; a window that ends, or is taken out of the file, ends the wait. */
static void wait_out(Visit *v, const Device *device, const char *call)
{
    const Window *w;
    for (double waited = 0; v->scenario && (w = trouble(v, LATENCY, call)) && waited < w->value;) {
        double step = fmin(w->value - waited, 0.02);
        scenario_release(v->scenario);
        nap(step);
        waited += step;
        look(v, device);
    }
}

Visit enter(const Device *device, const char *call)
{
    Visit v = {0};
    look(&v, device);
    wait_out(&v, device, call);
    const Window *fault = v.scenario && !v.error ? trouble(&v, FAULT, call) : NULL;
    if (fault)
        v.error = (int)fault->value;
    if (!initialised && strncmp(call, "nvmlInit", 8))
        v.error = UNINITIALIZED;
    return v;
}

void leave(Visit *v)
{
    if (v->scenario)
        scenario_release(v->scenario);
}

int is_device(const Device *d)
{
    const Device *first = &devices[0][0];
    return d >= first && d < first + MAX_GPUS * (1 + MAX_MIG);
}

int fetch(const Visit *v, Quantity quantity, double *out)
{
    const Curve *curve = &v->gpu->values[quantity];
    if (v->mig >= 0 || curve->shape == ABSENT || curve->shape == UNKNOWN)
        return NOT_SUPPORTED;
    *out = fmax(0, curve_at(v->scenario, curve, v->now));
    return SUCCESS;
}

int fetch_u32(const Visit *v, Quantity quantity, double scale, u32 *out)
{
    double number;
    NEEDS(out);
    int error = fetch(v, quantity, &number);
    if (!error)
        *out = (u32)llround(number * scale);
    return error;
}

int copy_text(char *out, u32 size, const char *text)
{
    NEEDS(out);
    if (!*text)
        return NOT_SUPPORTED;
    if (strlen(text) >= size)
        return INSUFFICIENT_SIZE;
    strcpy(out, text);
    return SUCCESS;
}

int count_up(const Visit *v, Quantity rate, double scale, u64 *out)
{
    double unused;
    NEEDS(out);
    int error = fetch(v, rate, &unused);
    if (!error)
        *out = (u64)(scale * curve_integral(v->scenario, &v->gpu->values[rate], v->now));
    return error;
}

u64 microseconds(const Visit *v)
{
    return (u64)((v->scenario->start + v->now) * 1e6);
}
