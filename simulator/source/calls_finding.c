/* Calls about the driver, and about which GPUs there are and what they are. */
#define _GNU_SOURCE
#include "visit.h"

#include <stdio.h>
#include <string.h>

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
