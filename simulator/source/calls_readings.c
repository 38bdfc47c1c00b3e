/* Calls about load, heat, power, clocks and errors. */
#define _GNU_SOURCE
#include "visit.h"

#include <math.h>
#include <stdio.h>

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
