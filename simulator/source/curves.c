/* What a curve says at a moment: a pure function of the scenario and its clock. */
#define _GNU_SOURCE
#include "scenario.h"

#include <math.h>
#include <pthread.h>

static double hashed(int64_t tick, double seed)
{
    uint64_t x = (uint64_t)tick * 0x9E3779B97F4A7C15u + (uint64_t)(int64_t)seed * 0xD1B54A32D192ED03u + 1;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0;
}

static double cycle(double now, double period)
{
    double at = fmod(now, period) / period;
    return at < 0 ? at + 1 : at;
}

static double along(const double *points, int count, double now)
{
    if (now <= points[0])
        return points[1];
    for (int i = 1; i < count; i++) {
        const double *a = points + 2 * (i - 1), *b = points + 2 * i;
        if (now < b[0])
            return a[1] + (b[1] - a[1]) * (now - a[0]) / (b[0] - a[0]);
    }
    return points[2 * count - 1];
}

double curve_at(const Scenario *scenario, const Curve *c, double now)
{
    double span = c->high - c->low;
    switch (c->shape) {
    case SINE: return c->low + span * (0.5 - 0.5 * cos(2 * M_PI * (now + c->extra) / c->period));
    case SAW: return c->low + span * cycle(now + c->extra, c->period);
    case SQUARE: return cycle(now, c->period) < c->extra ? c->high : c->low;
    case NOISE: {
        double at = now / c->period, tick = floor(at), share = at - tick;
        double a = hashed((int64_t)tick, c->extra), b = hashed((int64_t)tick + 1, c->extra);
        return c->low + span * (a + (b - a) * share);
    }
    case POINTS: return along(scenario->points + c->first, c->count, c->period > 0 ? fmod(now, c->period) : now);
    default: return c->low;
    }
}

/* Whole seconds that are summed one by one; after these the curve counts as its mean, for a box is not up for ever. */
static const int64_t summed_most = 1 << 20;

double curve_integral(Scenario *scenario, Curve *c, double now)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (now <= 0)
        return 0;
    int64_t whole = (int64_t)now, most = whole < summed_most ? whole : summed_most;
    pthread_mutex_lock(&lock);
    if (most < c->summed_to)
        c->summed = 0, c->summed_to = 0;
    for (; c->summed_to < most; c->summed_to++)
        c->summed += curve_at(scenario, c, (double)c->summed_to + 0.5);
    double total = whole > most ? c->summed * now / (double)most
                                : c->summed + (now - (double)whole) * curve_at(scenario, c, (double)whole + 0.5);
    pthread_mutex_unlock(&lock);
    return total;
}
