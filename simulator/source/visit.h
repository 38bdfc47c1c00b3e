/* What every call begins with: whose GPU, what the scenario says now, whether the call is slow or fails. */
#ifndef VISIT_H
#define VISIT_H
#include "scenario.h"

enum {
    SUCCESS, UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15, VERSION_MISMATCH = 25
};
typedef unsigned u32;
typedef unsigned long long u64;

/* A handle stays good over every change of the scenario: it only says which GPU, and which MIG device of it. */
typedef struct {
    int gpu, mig;
} Device;

Device *handle_to(int gpu, int mig);
int is_device(const Device *device);

/* One call under way: it holds the scenario, so that a change of the file takes nothing from under it. */
typedef struct {
    Scenario *scenario;
    Gpu *gpu;
    int mig, error;
    double now;
} Visit;

/* How many inits there were without a shutdown. */
extern _Atomic int initialised;

/* Looks without waiting or failing; `enter` waits out latencies and meets faults. Both end with `leave`. */
void look(Visit *v, const Device *device);
Visit enter(const Device *device, const char *call);
void leave(Visit *v);
const Window *trouble(const Visit *v, WindowKind kind, const char *call);
void nap(double seconds);

#define VISIT_SYSTEM()                                                             \
    __attribute__((cleanup(leave))) Visit v = enter(NULL, __func__);               \
    if (v.error)                                                                   \
        return v.error
#define VISIT(device)                                                              \
    if (!is_device(device))                                                        \
        return initialised ? INVALID_ARGUMENT : UNINITIALIZED;                     \
    __attribute__((cleanup(leave))) Visit v = enter(device, __func__);             \
    if (v.error)                                                                   \
        return v.error
#define WHOLE_GPU_ONLY()                                                           \
    if (v.mig >= 0)                                                                \
        return NOT_SUPPORTED
#define NEEDS(condition)                                                           \
    if (!(condition))                                                              \
        return INVALID_ARGUMENT

/* One number of the GPU; NOT_SUPPORTED where the scenario has none, and for MIG devices. */
int fetch(const Visit *v, Quantity quantity, double *out);
int fetch_u32(const Visit *v, Quantity quantity, double scale, u32 *out);
/* Sum over time of a rate, as a counter of the card would have it. */
int count_up(const Visit *v, Quantity rate, double scale, u64 *out);
int copy_text(char *out, u32 size, const char *text);
u64 microseconds(const Visit *v);
#endif
