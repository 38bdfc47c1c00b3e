/* A scenario: what every simulated GPU is and does over time, read from a file of lines. */
#ifndef SCENARIO_H
#define SCENARIO_H
#include <stdint.h>

enum { MAX_GPUS = 64, MAX_MIG = 8, MAX_PROCESSES = 64, MAX_WINDOWS = 96, MAX_POINTS = 16384 };

/* Every number a GPU has; each is a curve, and one that the scenario leaves out is NOT_SUPPORTED. */
#define QUANTITIES(X)                                                                                        \
    X(memory_total) X(memory_reserved) X(memory_other) X(utilisation) X(memory_utilisation) X(encoder)      \
    X(decoder) X(temperature) X(memory_temperature) X(slowdown) X(shutdown) X(gpu_max) X(memory_max) X(power) \
    X(power_limit) X(power_default) X(power_min) X(power_max) X(sm_clock) X(memory_clock) X(video_clock)    \
    X(sm_clock_max) X(memory_clock_max) X(video_clock_max) X(fan) X(pcie_tx) X(pcie_rx) X(pcie_generation)  \
    X(pcie_width) X(ecc_uncorrected) X(ecc_corrected) X(display_active) X(persistence) X(performance_state) \
    X(compute_mode) X(cores) X(bus_width) X(bar1_total) X(bar1_used)

#define AS_ENUM(name) name,
typedef enum { QUANTITIES(AS_ENUM) QUANTITY_COUNT } Quantity;

typedef enum { ABSENT, CONSTANT, SINE, SAW, SQUARE, NOISE, POINTS, UNKNOWN } Shape;

typedef struct {
    Shape shape;
    double low, high, period, extra; /* extra: phase in seconds, share of high time, or seed */
    int first, count;                /* of the scenario's points */
    double summed;                   /* integral over the whole seconds [0, summed_to) */
    int64_t summed_to;
} Curve;

typedef struct {
    double from, until, every; /* seconds; `every` 0 means once */
} Span;

typedef enum { FAULT, LATENCY, THROTTLE } WindowKind;

typedef struct {
    WindowKind kind;
    Span span;
    char call[80]; /* a glob over names of calls */
    double value;  /* an error's number, seconds, or bits of throttle reasons */
} Window;

typedef struct {
    Window at[MAX_WINDOWS];
    int count;
} Windows;

typedef struct {
    uint32_t pid; /* 0: from the pidfile */
    int graphics, stays, mig;
    Span span;
    Curve bytes, busy;
    char pidfile[512], label[128];
} Process;

typedef struct {
    uint32_t instance, compute;
    double total;
    int slices;
    char uuid[96], name[96];
} Mig;

typedef struct {
    char name[96], uuid[96], bus[32], serial[30];
    int major, minor, process_count, mig_count;
    Curve values[QUANTITY_COUNT];
    Process processes[MAX_PROCESSES];
    Mig migs[MAX_MIG];
    Windows windows;
} Gpu;

typedef struct {
    int holders;
    char driver[80], folder[1024];
    int cuda, gpu_count, point_count;
    double start, stopped; /* Unix time of second 0; a clock that stands still, or NAN */
    Windows windows;
    Gpu gpus[MAX_GPUS];
    double points[MAX_POINTS];
} Scenario;

/* The scenario as the file now says it, or NULL where there is none; give it back with scenario_release. */
Scenario *scenario_hold(void);
void scenario_release(Scenario *scenario);

double scenario_now(const Scenario *scenario);
int span_covers(const Span *span, double now);

double curve_at(const Scenario *scenario, const Curve *curve, double now);
/* Integral from second 0 to `now`: the same in every process, for it is summed by whole seconds. */
double curve_integral(Scenario *scenario, Curve *curve, double now);
#endif
