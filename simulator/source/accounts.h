/* Who holds how many bytes: processes named by the scenario, and those that publish their own accounts. */
#ifndef ACCOUNTS_H
#define ACCOUNTS_H
#include "scenario.h"

enum { MAX_HOLDERS = 512 };
#define NO_INSTANCE 0xFFFFFFFFu
#define UNKNOWN_BYTES UINT64_MAX

typedef struct {
    uint32_t pid, instance, compute;
    uint64_t bytes; /* UNKNOWN_BYTES where the driver would not tell */
    int graphics;
    double busy; /* percent, negative where unknown */
} Holder;

/* Everyone on one GPU, or on one of its MIG devices where `mig` is not -1; returns how many. */
int accounts_list(const Scenario *scenario, const Gpu *gpu, int mig, double now, Holder out[MAX_HOLDERS]);
#endif
