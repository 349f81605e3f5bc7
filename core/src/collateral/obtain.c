#include "collateral/obtain.h"

#include <stdlib.h>
#include <string.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/text.h"
#include "collateral/entry.h"

/* One call under way. */
typedef struct {
    ratls_store_settings *settings;
    const ratls_part_id *id;
    const char *name;
    ratls_obtain_need need;
    const ratls_collateral_time *time;
    ratls_obtained found; /* on the disk; empty: nothing usable */
} obtaining;

void ratls_obtained_clear(ratls_obtained *obtained)
{
    ratls_part_free(obtained->part);
    ratls_provenance_clear(&obtained->provenance);
    *obtained = (ratls_obtained){0};
}

int64_t ratls_obtained_due(const ratls_obtained *obtained, bool spread)
{
    int64_t fetched_at = obtained->provenance.fetched_at, life_s = obtained->part->until - fetched_at, later_s = 0, due, fresh_s;

    life_s = life_s > 0 ? life_s : 0;
    if (spread && ratls_chance_up_to(&later_s, life_s * RATLS_STORE_SPREAD_PERCENT / 100, NULL) != RATLS_OK) {
        later_s = 0;
    }
    due = fetched_at + life_s * RATLS_STORE_LIFE_PERCENT / 100 + later_s;
    if (obtained->provenance.max_age_s < 0) {
        return due;
    }
    fresh_s = obtained->provenance.max_age_s > RATLS_STORE_FRESH_LEAST_S ? obtained->provenance.max_age_s : RATLS_STORE_FRESH_LEAST_S;
    return fetched_at + fresh_s < due ? fetched_at + fresh_s : due;
}

static void warn(ratls_store_settings *settings, const char *a, const char *b, const char *c)
{
    ratls_text line = {0};

    if (settings->log == NULL) {
        return;
    }
    ratls_text_add(&line, "collateral: ");
    ratls_text_add(&line, a);
    ratls_text_add(&line, b);
    ratls_text_add(&line, c);
    settings->log(settings->log_user, line.failed ? "collateral: the cache has a fault" : line.data);
    ratls_text_clear(&line);
}

/* Told once: it is the same with every part, and memory does as well. */
static void warn_of_disk(ratls_store_settings *settings, const ratls_disk_trouble *trouble)
{
    if (trouble->text[0] != '\0' && !atomic_flag_test_and_set(&settings->disk_warned)) {
        warn(settings, "going on from memory alone: ", trouble->text, "");
    }
}

/* What lies on the disk, if it is what its name says and signed under our anchor; anybody may have put it there. */
static void look_on_disk(obtaining *o)
{
    ratls_disk_trouble trouble = {""};
    ratls_error *failure = NULL;
    uint8_t *text = NULL;
    size_t len = 0;

    ratls_obtained_clear(&o->found);
    if (ratls_disk_read(&text, &len, &o->settings->disk, o->name, RATLS_ENTRY_MAX, &trouble) &&
        ratls_entry_read(&o->found.part, &o->found.provenance, (ratls_bytes){text, len}, o->id, o->settings->trust, &failure) != RATLS_OK) {
        warn(o->settings, o->name, " in the cache is ignored and will be replaced: ", ratls_error_message(failure, RATLS_SPELLING_C));
    }
    warn_of_disk(o->settings, &trouble);
    ratls_error_free(failure);
    free(text);
}

static bool found_will_do(const obtaining *o)
{
    if (o->need == RATLS_OBTAIN_ASK || !ratls_part_holds(o->found.part, o->time->now)) {
        return false;
    }
    return o->need == RATLS_OBTAIN_USABLE || ratls_clock_wall_s() < ratls_obtained_due(&o->found, false);
}

static ratls_obtained take_found(obtaining *o)
{
    ratls_obtained taken = o->found;

    o->found = (ratls_obtained){0};
    return taken;
}

/* Whichever was asked for later can be asked for conditionally. */
static const ratls_obtained *newer(const ratls_obtained *a, const ratls_obtained *b)
{
    if (a->part == NULL || b->part == NULL) {
        return a->part == NULL ? b : a;
    }
    return b->provenance.fetched_at > a->provenance.fetched_at ? b : a;
}

static void keep_on_disk(const obtaining *o, const ratls_obtained *fetched)
{
    ratls_disk_trouble trouble = {""};
    char *text = ratls_entry_print(fetched->part, o->id, &fetched->provenance);

    if (text != NULL) {
        (void)ratls_disk_write(&o->settings->disk, o->name, (ratls_bytes){(const uint8_t *)text, strlen(text)}, &trouble);
    }
    warn_of_disk(o->settings, &trouble);
    free(text);
}

/* Another process that is fetching is waited for, but never so long that no time is left to do it ourselves. */
static int lock_entry(const obtaining *o)
{
    ratls_disk_trouble trouble = {""};
    int64_t now_ms = ratls_clock_monotonic_ms(), wait_ms = (o->time->deadline_ms - now_ms) / 2;
    int lock;

    wait_ms = wait_ms > RATLS_STORE_LOCK_MS ? RATLS_STORE_LOCK_MS : wait_ms;
    lock = ratls_disk_lock(&o->settings->disk, o->name, now_ms + wait_ms, o->time->cancel, &trouble);
    warn_of_disk(o->settings, &trouble);
    return lock;
}

static ratls_status obtain_locked(
    ratls_obtained *out, bool *asked, obtaining *o, const ratls_obtained *known, int lock, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    const ratls_obtained *latest;

    if (lock >= 0) {
        look_on_disk(o); /* whoever had the lock may have brought it */
        if (found_will_do(o)) {
            *out = take_found(o);
            return RATLS_OK;
        }
    }
    latest = newer(known, &o->found);
    TRY(ratls_sources_fetch(&out->part, &out->provenance, o->settings->sources, o->id, latest->part, &latest->provenance, o->settings->trust,
                            o->time, err));
    *asked = true;
    if (lock >= 0) {
        keep_on_disk(o, out);
    }
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_obtain(
    ratls_obtained *out, bool *asked, ratls_store_settings *settings, const ratls_part_id *id, const char *name,
    const ratls_obtained *known, ratls_obtain_need need, const ratls_collateral_time *time, ratls_error **err)
{
    obtaining o = {.settings = settings, .id = id, .name = name, .need = need, .time = time};
    ratls_status status;
    int lock;

    *out = (ratls_obtained){0};
    *asked = false;
    if (settings->disk.directory != NULL) {
        look_on_disk(&o);
        if (found_will_do(&o)) {
            *out = take_found(&o);
            return RATLS_OK;
        }
    }
    lock = lock_entry(&o);
    status = obtain_locked(out, asked, &o, known, lock, err);
    ratls_disk_unlock(lock);
    ratls_obtained_clear(&o.found);
    return status;
}
