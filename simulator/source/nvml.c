/* The calls of libnvidia-ml.so.1, answered from a scenario. Calls not here are stubs that answer NOT_SUPPORTED. */
#define _GNU_SOURCE
#include "accounts.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
static Device devices[MAX_GPUS][1 + MAX_MIG];

static Device *handle_to(int gpu, int mig)
{
    return &devices[gpu][mig + 1];
}

static void __attribute__((constructor)) number_the_devices(void)
{
    for (int gpu = 0; gpu < MAX_GPUS; gpu++)
        for (int mig = -1; mig < MAX_MIG; mig++)
            *handle_to(gpu, mig) = (Device){gpu, mig};
}

/* One call under way: it holds the scenario, so that a change of the file takes nothing from under it. */
typedef struct {
    Scenario *scenario;
    Gpu *gpu;
    int mig, error;
    double now;
} Visit;

static atomic_int initialised;

static const Window *window_over(const Windows *windows, WindowKind kind, const char *call, double now)
{
    for (int i = 0; i < windows->count; i++) {
        const Window *w = &windows->at[i];
        if (w->kind == kind && span_covers(&w->span, now) && !fnmatch(w->call, call, 0))
            return w;
    }
    return NULL;
}

static const Window *trouble(const Visit *v, WindowKind kind, const char *call)
{
    const Window *w = window_over(&v->scenario->windows, kind, call, v->now);
    return w || !v->gpu ? w : window_over(&v->gpu->windows, kind, call, v->now);
}

static void nap(double seconds)
{
    struct timespec rest = {(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)};
    while (nanosleep(&rest, &rest) && errno == EINTR)
        ;
}

static void look(Visit *v, const Device *device)
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

static Visit enter(const Device *device, const char *call)
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

static void leave(Visit *v)
{
    if (v->scenario)
        scenario_release(v->scenario);
}

static int is_device(const Device *d)
{
    const Device *first = &devices[0][0];
    return d >= first && d < first + MAX_GPUS * (1 + MAX_MIG);
}

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

static int fetch(const Visit *v, Quantity quantity, double *out)
{
    const Curve *curve = &v->gpu->values[quantity];
    if (v->mig >= 0 || curve->shape == ABSENT || curve->shape == UNKNOWN)
        return NOT_SUPPORTED;
    *out = fmax(0, curve_at(v->scenario, curve, v->now));
    return SUCCESS;
}

static int fetch_u32(const Visit *v, Quantity quantity, double scale, u32 *out)
{
    double number;
    NEEDS(out);
    int error = fetch(v, quantity, &number);
    if (!error)
        *out = (u32)llround(number * scale);
    return error;
}

static int copy_text(char *out, u32 size, const char *text)
{
    NEEDS(out);
    if (!*text)
        return NOT_SUPPORTED;
    if (strlen(text) >= size)
        return INSUFFICIENT_SIZE;
    strcpy(out, text);
    return SUCCESS;
}

/* -- the library and the driver -- */

int nvmlInitWithFlags(u32 flags)
{
    (void)flags;
    VISIT_SYSTEM();
    initialised++;
    return SUCCESS;
}

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlInit(void) { return nvmlInitWithFlags(0); }

int nvmlShutdown(void)
{
    VISIT_SYSTEM();
    initialised--;
    return SUCCESS;
}

const char *nvmlErrorString(int error)
{
    static const char *const words[] = {
        "Success", "Uninitialized", "Invalid Argument", "Not Supported", "Insufficient Permissions",
        "Already Initialized", "Not Found", "Insufficient Size", "Insufficient External Power", "Driver Not Loaded",
        "Timeout", "Interrupt Request Issue", "NVML Shared Library Not Found", "Function Not Found",
        "Corrupted infoROM", "GPU is lost", "GPU requires restart", "The operating system has blocked the request",
        "RM has detected an NVML/RM version mismatch", "In use by another client", "Insufficient Memory", "No data"};
    return error >= 0 && error < (int)(sizeof words / sizeof *words) ? words[error] : "Unknown Error";
}

int nvmlSystemGetDriverVersion(char *out, u32 size)
{
    VISIT_SYSTEM();
    return copy_text(out, size, v.scenario->driver);
}

int nvmlSystemGetNVMLVersion(char *out, u32 size)
{
    char text[96];
    VISIT_SYSTEM();
    snprintf(text, sizeof text, "%d.%s", v.scenario->cuda / 1000, v.scenario->driver);
    return copy_text(out, size, text);
}

int nvmlSystemGetCudaDriverVersion_v2(int *out)
{
    VISIT_SYSTEM();
    NEEDS(out);
    *out = v.scenario->cuda;
    return SUCCESS;
}
int nvmlSystemGetCudaDriverVersion(int *out) { return nvmlSystemGetCudaDriverVersion_v2(out); }

int nvmlSystemGetProcessName(u32 pid, char *out, u32 size)
{
    VISIT_SYSTEM();
    for (int g = 0; g < v.scenario->gpu_count; g++)
        for (int p = 0; p < v.scenario->gpus[g].process_count; p++)
            if (v.scenario->gpus[g].processes[p].pid == pid && *v.scenario->gpus[g].processes[p].label)
                return copy_text(out, size, v.scenario->gpus[g].processes[p].label);
    char path[64], text[1024] = "";
    snprintf(path, sizeof path, "/proc/%u/cmdline", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return NOT_FOUND;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    return length && *text ? copy_text(out, size, text) : NOT_FOUND;
}

/* -- finding GPUs -- */

int nvmlDeviceGetCount_v2(u32 *out)
{
    VISIT_SYSTEM();
    NEEDS(out);
    *out = (u32)v.scenario->gpu_count;
    return SUCCESS;
}
int nvmlDeviceGetCount(u32 *out) { return nvmlDeviceGetCount_v2(out); }

/* The caller looked the GPU up without a visit, so that one call waits out one latency and meets one fault. */
static int hand_out(int gpu, int mig, const char *call, int missing, Device **out)
{
    Device *device = gpu < 0 ? NULL : handle_to(gpu, mig);
    __attribute__((cleanup(leave))) Visit v = enter(device, call);
    if (v.error || !device)
        return v.error ? v.error : missing;
    *out = device;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(u32 index, Device **out)
{
    NEEDS(out);
    __attribute__((cleanup(leave))) Visit v = {0};
    look(&v, NULL);
    int known = v.scenario && index < (u32)v.scenario->gpu_count;
    return hand_out(known ? (int)index : -1, -1, __func__, INVALID_ARGUMENT, out);
}
int nvmlDeviceGetHandleByIndex(u32 index, Device **out) { return nvmlDeviceGetHandleByIndex_v2(index, out); }

int nvmlDeviceGetHandleByUUID(const char *uuid, Device **out)
{
    int gpu = -1, mig = -1;
    NEEDS(uuid && out);
    __attribute__((cleanup(leave))) Visit v = {0};
    look(&v, NULL);
    for (int g = 0; v.scenario && g < v.scenario->gpu_count; g++) {
        if (!strcmp(v.scenario->gpus[g].uuid, uuid))
            gpu = g, mig = -1;
        for (int m = 0; m < v.scenario->gpus[g].mig_count; m++)
            if (!strcmp(v.scenario->gpus[g].migs[m].uuid, uuid))
                gpu = g, mig = m;
    }
    return hand_out(gpu, mig, __func__, NOT_FOUND, out);
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, Device **out)
{
    int gpu = -1;
    NEEDS(bus && out);
    __attribute__((cleanup(leave))) Visit v = {0};
    look(&v, NULL);
    for (int g = 0; v.scenario && g < v.scenario->gpu_count; g++)
        if (!strcasecmp(v.scenario->gpus[g].bus, bus))
            gpu = g;
    return hand_out(gpu, -1, __func__, NOT_FOUND, out);
}

/* -- what a GPU is -- */

int nvmlDeviceGetName(Device *device, char *out, u32 size)
{
    VISIT(device);
    return copy_text(out, size, v.mig < 0 ? v.gpu->name : v.gpu->migs[v.mig].name);
}

int nvmlDeviceGetUUID(Device *device, char *out, u32 size)
{
    VISIT(device);
    return copy_text(out, size, v.mig < 0 ? v.gpu->uuid : v.gpu->migs[v.mig].uuid);
}

int nvmlDeviceGetSerial(Device *device, char *out, u32 size)
{
    VISIT(device);
    return copy_text(out, size, v.gpu->serial);
}

int nvmlDeviceGetIndex(Device *device, u32 *out)
{
    VISIT(device);
    NEEDS(out);
    *out = (u32)(v.mig < 0 ? device->gpu : v.mig);
    return SUCCESS;
}

int nvmlDeviceGetMinorNumber(Device *device, u32 *out)
{
    VISIT(device);
    NEEDS(out);
    *out = (u32)device->gpu;
    return SUCCESS;
}

int nvmlDeviceGetCudaComputeCapability(Device *device, int *major, int *minor)
{
    VISIT(device);
    NEEDS(major && minor);
    *major = v.gpu->major;
    *minor = v.gpu->minor;
    return SUCCESS;
}

typedef struct {
    char legacy[16];
    u32 domain, bus, device, id, subsystem;
    char full[32];
} PciInfo;

int nvmlDeviceGetPciInfo_v3(Device *device, PciInfo *out)
{
    VISIT(device);
    NEEDS(out);
    *out = (PciInfo){.id = 0x10DE};
    if (sscanf(v.gpu->bus, "%x:%x:%x", &out->domain, &out->bus, &out->device) != 3)
        return NOT_SUPPORTED;
    snprintf(out->legacy, sizeof out->legacy, "%04X:%02X:%02X.0", out->domain & 0xFFFF, out->bus & 0xFF, out->device & 0xFF);
    return copy_text(out->full, sizeof out->full, v.gpu->bus);
}

/* -- memory -- */

typedef struct {
    double total, reserved, used;
} Memory;

static int measure(const Visit *v, Memory *m)
{
    Holder holders[MAX_HOLDERS];
    int error = SUCCESS;
    *m = (Memory){0};
    if (v->mig >= 0)
        m->total = v->gpu->migs[v->mig].total;
    else if (!(error = fetch(v, memory_total, &m->total))) {
        fetch(v, memory_reserved, &m->reserved);
        fetch(v, memory_other, &m->used);
    }
    int count = error ? 0 : accounts_list(v->scenario, v->gpu, v->mig, v->now, holders);
    for (int i = 0; i < count; i++)
        m->used += holders[i].bytes == UNKNOWN_BYTES ? 0 : (double)holders[i].bytes;
    m->used = floor(fmin(m->used, fmax(0, m->total - m->reserved)));
    return error;
}

typedef struct {
    u64 total, free, used;
} Memory1;

int nvmlDeviceGetMemoryInfo(Device *device, Memory1 *out)
{
    Memory m;
    VISIT(device);
    NEEDS(out);
    int error = measure(&v, &m);
    if (!error) /* the first version counts what is reserved as used */
        *out = (Memory1){(u64)m.total, (u64)(m.total - m.used - m.reserved), (u64)(m.used + m.reserved)};
    return error;
}

typedef struct {
    u32 version;
    u64 total, reserved, free, used;
} Memory2;

int nvmlDeviceGetMemoryInfo_v2(Device *device, Memory2 *out)
{
    Memory m;
    VISIT(device);
    NEEDS(out);
    if (out->version != (sizeof *out | 2u << 24))
        return VERSION_MISMATCH;
    int error = measure(&v, &m);
    if (!error)
        *out = (Memory2){out->version, (u64)m.total, (u64)m.reserved, (u64)(m.total - m.used - m.reserved), (u64)m.used};
    return error;
}

int nvmlDeviceGetBAR1MemoryInfo(Device *device, Memory1 *out)
{
    double total, used;
    VISIT(device);
    NEEDS(out);
    if (fetch(&v, bar1_total, &total) || fetch(&v, bar1_used, &used))
        return NOT_SUPPORTED;
    *out = (Memory1){(u64)total, (u64)(total - used), (u64)used};
    return SUCCESS;
}

/* -- processes -- */

typedef struct {
    u32 pid;
    u64 bytes;
    u32 instance, compute;
} ProcessInfo;

static int list_processes(const Visit *v, int graphics, u32 *count, ProcessInfo *out)
{
    Holder holders[MAX_HOLDERS];
    u32 found = 0, room = out && count ? *count : 0;
    NEEDS(count);
    int all = accounts_list(v->scenario, v->gpu, v->mig, v->now, holders);
    for (int i = 0; i < all; i++) {
        const Holder *h = &holders[i];
        if (h->graphics != graphics)
            continue;
        if (found < room)
            out[found] = (ProcessInfo){h->pid, h->bytes, h->instance, h->compute};
        found++;
    }
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}

#define PROCESS_LIST(api, graphics)                                  \
    int api(Device *device, u32 *count, ProcessInfo *out)            \
    {                                                                \
        VISIT(device);                                               \
        return list_processes(&v, graphics, count, out);             \
    }
PROCESS_LIST(nvmlDeviceGetComputeRunningProcesses_v2, 0)
PROCESS_LIST(nvmlDeviceGetComputeRunningProcesses_v3, 0)
PROCESS_LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, 1)
PROCESS_LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, 1)
PROCESS_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, 2)

static u64 microseconds(const Visit *v) { return (u64)((v->scenario->start + v->now) * 1e6); }

typedef struct {
    u32 pid;
    u64 stamp;
    u32 sm, memory, encoder, decoder;
} ProcessSample;

int nvmlDeviceGetProcessUtilization(Device *device, ProcessSample *out, u32 *count, u64 since)
{
    Holder holders[MAX_HOLDERS];
    VISIT(device);
    WHOLE_GPU_ONLY();
    NEEDS(count);
    u32 found = 0, room = out ? *count : 0;
    int all = microseconds(&v) > since ? accounts_list(v.scenario, v.gpu, v.mig, v.now, holders) : 0;
    for (int i = 0; i < all; i++) {
        if (holders[i].busy < 0)
            continue;
        if (found < room)
            out[found] = (ProcessSample){.pid = holders[i].pid, .stamp = microseconds(&v), .sm = (u32)llround(holders[i].busy)};
        found++;
    }
    *count = found;
    return !found ? NOT_FOUND : found > room ? INSUFFICIENT_SIZE : SUCCESS;
}

/* -- readings -- */

#define READING(api, quantity, scale)                                \
    int api(Device *device, u32 *out)                                \
    {                                                                \
        VISIT(device);                                               \
        return fetch_u32(&v, quantity, scale, out);                  \
    }
READING(nvmlDeviceGetPowerUsage, power, 1000)
READING(nvmlDeviceGetPowerManagementLimit, power_limit, 1000)
READING(nvmlDeviceGetEnforcedPowerLimit, power_limit, 1000)
READING(nvmlDeviceGetPowerManagementDefaultLimit, power_default, 1000)
READING(nvmlDeviceGetFanSpeed, fan, 1)
READING(nvmlDeviceGetCurrPcieLinkGeneration, pcie_generation, 1)
READING(nvmlDeviceGetMaxPcieLinkGeneration, pcie_generation, 1)
READING(nvmlDeviceGetCurrPcieLinkWidth, pcie_width, 1)
READING(nvmlDeviceGetMaxPcieLinkWidth, pcie_width, 1)
READING(nvmlDeviceGetDisplayActive, display_active, 1)
READING(nvmlDeviceGetDisplayMode, display_active, 1)
READING(nvmlDeviceGetPersistenceMode, persistence, 1)
READING(nvmlDeviceGetPerformanceState, performance_state, 1)
READING(nvmlDeviceGetComputeMode, compute_mode, 1)
READING(nvmlDeviceGetNumGpuCores, cores, 1)
READING(nvmlDeviceGetMemoryBusWidth, bus_width, 1)

int nvmlDeviceGetFanSpeed_v2(Device *device, u32 which, u32 *out)
{
    VISIT(device);
    NEEDS(!which);
    return fetch_u32(&v, fan, 1, out);
}

int nvmlDeviceGetNumFans(Device *device, u32 *out)
{
    VISIT(device);
    NEEDS(out);
    *out = v.gpu->values[fan].shape != ABSENT;
    return SUCCESS;
}

int nvmlDeviceGetPowerManagementLimitConstraints(Device *device, u32 *least, u32 *most)
{
    VISIT(device);
    int error = fetch_u32(&v, power_min, 1000, least);
    return error ? error : fetch_u32(&v, power_max, 1000, most);
}

typedef struct {
    u32 gpu, memory;
} Utilisation;

int nvmlDeviceGetUtilizationRates(Device *device, Utilisation *out)
{
    VISIT(device);
    NEEDS(out);
    if (v.gpu->mig_count) /* a GPU cut into MIG devices does not tell */
        return NOT_SUPPORTED;
    int error = fetch_u32(&v, utilisation, 1, &out->gpu);
    if (!error && fetch_u32(&v, memory_utilisation, 1, &out->memory))
        out->memory = 0;
    return error;
}

#define CODEC(api, quantity)                                         \
    int api(Device *device, u32 *out, u32 *period)                   \
    {                                                                \
        VISIT(device);                                               \
        NEEDS(period);                                               \
        *period = 167000;                                            \
        return fetch_u32(&v, quantity, 1, out);                      \
    }
CODEC(nvmlDeviceGetEncoderUtilization, encoder)
CODEC(nvmlDeviceGetDecoderUtilization, decoder)

int nvmlDeviceGetTemperature(Device *device, u32 sensor, u32 *out)
{
    VISIT(device);
    NEEDS(!sensor);
    return fetch_u32(&v, temperature, 1, out);
}

typedef struct {
    u32 version, sensor;
    int celsius;
} Temperature1;

int nvmlDeviceGetTemperatureV(Device *device, Temperature1 *out)
{
    VISIT(device);
    NEEDS(out && !out->sensor);
    return out->version == (sizeof *out | 1u << 24) ? fetch_u32(&v, temperature, 1, (u32 *)&out->celsius) : VERSION_MISMATCH;
}

int nvmlDeviceGetTemperatureThreshold(Device *device, u32 which, u32 *out)
{
    static const Quantity thresholds[] = {shutdown, slowdown, memory_max, gpu_max};
    VISIT(device);
    return which < 4 ? fetch_u32(&v, thresholds[which], 1, out) : NOT_SUPPORTED;
}

typedef struct {
    u32 version;
    int celsius;
} Margin1;

int nvmlDeviceGetMarginTemperature(Device *device, Margin1 *out)
{
    double limit, heat;
    VISIT(device);
    NEEDS(out);
    if (fetch(&v, slowdown, &limit) || fetch(&v, temperature, &heat))
        return NOT_SUPPORTED;
    out->celsius = (int)(limit - heat);
    return SUCCESS;
}

static int clock_of(const Visit *v, u32 kind, const Quantity of[4], u32 *out)
{
    NEEDS(kind < 4);
    return fetch_u32(v, of[kind], 1, out);
}
static const Quantity clocks[] = {sm_clock, sm_clock, memory_clock, video_clock};
static const Quantity top_clocks[] = {sm_clock_max, sm_clock_max, memory_clock_max, video_clock_max};

int nvmlDeviceGetClockInfo(Device *device, u32 kind, u32 *out)
{
    VISIT(device);
    return clock_of(&v, kind, clocks, out);
}

int nvmlDeviceGetMaxClockInfo(Device *device, u32 kind, u32 *out)
{
    VISIT(device);
    return clock_of(&v, kind, top_clocks, out);
}

int nvmlDeviceGetClock(Device *device, u32 kind, u32 id, u32 *out)
{
    VISIT(device);
    return id == 0 || id == 3 ? clock_of(&v, kind, id ? top_clocks : clocks, out) : NOT_SUPPORTED;
}

/* Reasons written in the scenario, and those that follow from what it says of load, power and heat. */
static u64 throttle_reasons(const Visit *v)
{
    double value, limit;
    u64 reasons = 0;
    for (int i = 0; i < v->gpu->windows.count; i++) {
        const Window *w = &v->gpu->windows.at[i];
        if (w->kind == THROTTLE && span_covers(&w->span, v->now))
            reasons |= (u64)w->value;
    }
    if (!fetch(v, utilisation, &value) && value < 0.5)
        reasons |= 0x1;
    if (!fetch(v, power, &value) && !fetch(v, power_limit, &limit) && value >= limit)
        reasons |= 0x4;
    if (!fetch(v, temperature, &value) && !fetch(v, slowdown, &limit) && value >= limit)
        reasons |= 0x48;
    return reasons;
}

#define REASONS(api, expression)                                     \
    int api(Device *device, u64 *out)                                \
    {                                                                \
        VISIT(device);                                               \
        WHOLE_GPU_ONLY();                                            \
        NEEDS(out);                                                  \
        *out = expression;                                           \
        return SUCCESS;                                              \
    }
REASONS(nvmlDeviceGetCurrentClocksThrottleReasons, throttle_reasons(&v))
REASONS(nvmlDeviceGetCurrentClocksEventReasons, throttle_reasons(&v))
REASONS(nvmlDeviceGetSupportedClocksThrottleReasons, 0x1FF)
REASONS(nvmlDeviceGetSupportedClocksEventReasons, 0x1FF)

/* Sum over time of a rate, as a counter of the card would have it. */
static int count_up(const Visit *v, Quantity rate, double scale, u64 *out)
{
    double unused;
    NEEDS(out);
    int error = fetch(v, rate, &unused);
    if (!error)
        *out = (u64)(scale * curve_integral(v->scenario, &v->gpu->values[rate], v->now));
    return error;
}

int nvmlDeviceGetTotalEnergyConsumption(Device *device, u64 *out)
{
    VISIT(device);
    return count_up(&v, power, 1000, out);
}

int nvmlDeviceGetPcieThroughput(Device *device, u32 counter, u32 *out)
{
    VISIT(device);
    nap(0.02); /* the real one measures over this time */
    return fetch_u32(&v, counter ? pcie_rx : pcie_tx, 1.0 / 1024, out);
}

int nvmlDeviceGetTotalEccErrors(Device *device, u32 kind, u32 counter, u64 *out)
{
    double errors;
    (void)counter;
    VISIT(device);
    NEEDS(out);
    int error = fetch(&v, kind ? ecc_uncorrected : ecc_corrected, &errors);
    if (!error)
        *out = (u64)errors;
    return error;
}

int nvmlDeviceGetMemoryErrorCounter(Device *device, u32 kind, u32 counter, u32 location, u64 *out)
{
    double errors;
    (void)counter, (void)location;
    VISIT(device);
    NEEDS(out);
    int error = fetch(&v, kind ? ecc_uncorrected : ecc_corrected, &errors);
    if (!error)
        *out = (u64)errors;
    return error;
}

int nvmlDeviceGetEccMode(Device *device, u32 *now, u32 *pending)
{
    VISIT(device);
    NEEDS(now && pending);
    *now = *pending = v.gpu->values[ecc_uncorrected].shape != ABSENT;
    return *now ? SUCCESS : NOT_SUPPORTED;
}

/* -- fields -- */

typedef struct {
    uint32_t id, scope;
    int64_t stamp, latency;
    u32 type;
    int error;
    union {
        u32 number;
        u64 large;
    } value;
} Field;

static int read_field(const Visit *v, Field *f)
{
    enum { UNSIGNED = 1, LARGE = 3 };
    f->type = UNSIGNED;
    f->value.large = 0;
    switch (f->id) {
    case 82: return fetch_u32(v, memory_temperature, 1, &f->value.number);
    case 185: case 186: return fetch_u32(v, power, 1000, &f->value.number);
    case 187: return fetch_u32(v, power_min, 1000, &f->value.number);
    case 188: return fetch_u32(v, power_max, 1000, &f->value.number);
    case 189: return fetch_u32(v, power_default, 1000, &f->value.number);
    case 190: case 192: return fetch_u32(v, power_limit, 1000, &f->value.number);
    }
    f->type = LARGE;
    switch (f->id) {
    case 83: return count_up(v, power, 1000, &f->value.large);
    case 197: return count_up(v, pcie_tx, 1, &f->value.large);
    case 198: return count_up(v, pcie_rx, 1, &f->value.large);
    }
    return NOT_SUPPORTED;
}

int nvmlDeviceGetFieldValues(Device *device, int count, Field *fields)
{
    VISIT(device);
    NEEDS(count > 0 && fields);
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "field %u", fields[i].id);
        const Window *fault = trouble(&v, FAULT, name);
        fields[i].stamp = (int64_t)microseconds(&v);
        fields[i].latency = 1;
        fields[i].error = fault ? (int)fault->value : read_field(&v, &fields[i]);
    }
    return SUCCESS;
}

/* -- MIG -- */

int nvmlDeviceGetMigMode(Device *device, u32 *now, u32 *pending)
{
    VISIT(device);
    WHOLE_GPU_ONLY();
    NEEDS(now && pending);
    *now = *pending = v.gpu->mig_count > 0;
    return v.gpu->major >= 8 ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetMaxMigDeviceCount(Device *device, u32 *out)
{
    VISIT(device);
    NEEDS(out);
    *out = v.gpu->mig_count ? MAX_MIG - 1 : 0;
    return SUCCESS;
}

int nvmlDeviceGetMigDeviceHandleByIndex(Device *device, u32 index, Device **out)
{
    VISIT(device);
    WHOLE_GPU_ONLY();
    NEEDS(out);
    if (index >= (u32)v.gpu->mig_count)
        return NOT_FOUND;
    *out = handle_to(device->gpu, (int)index);
    return SUCCESS;
}

int nvmlDeviceIsMigDeviceHandle(Device *device, u32 *out)
{
    VISIT(device);
    NEEDS(out);
    *out = v.mig >= 0;
    return SUCCESS;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device *device, Device **out)
{
    VISIT(device);
    NEEDS(out && v.mig >= 0);
    *out = handle_to(device->gpu, -1);
    return SUCCESS;
}

#define OF_MIG(api, member)                                          \
    int api(Device *device, u32 *out)                                \
    {                                                                \
        VISIT(device);                                               \
        NEEDS(out && v.mig >= 0);                                    \
        *out = v.gpu->migs[v.mig].member;                            \
        return SUCCESS;                                              \
    }
OF_MIG(nvmlDeviceGetGpuInstanceId, instance)
OF_MIG(nvmlDeviceGetComputeInstanceId, compute)

typedef struct {
    u32 multiprocessors, copy, decoder, encoder, jpeg, ofa, gpu_slices, compute_slices;
    u64 megabytes;
} Attributes;

int nvmlDeviceGetAttributes_v2(Device *device, Attributes *out)
{
    VISIT(device);
    NEEDS(out);
    if (v.mig < 0)
        return NOT_SUPPORTED;
    const Mig *m = &v.gpu->migs[v.mig];
    *out = (Attributes){.multiprocessors = 14u * (u32)m->slices, .gpu_slices = (u32)m->slices,
                        .compute_slices = (u32)m->slices, .megabytes = (u64)(m->total / 1048576)};
    return SUCCESS;
}
