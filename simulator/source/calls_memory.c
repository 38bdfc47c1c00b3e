/* Calls about memory, who holds it, and the parts a GPU is cut in. */
#define _GNU_SOURCE
#include "accounts.h"
#include "visit.h"

#include <math.h>

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
    v.mig = -1; /* a part has the window of its whole */
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
