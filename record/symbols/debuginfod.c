#include "symbols/debuginfod.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY	     "libdebuginfod.so.1"
#define NS_PER_S     UINT64_C(1000000000)
#define FILE_NS_MAX  (2 * NS_PER_S)
#define TOTAL_NS_MAX (10 * NS_PER_S)
#define END_NS_MAX   (3 * NS_PER_S)
#define TIMEOUTS_MAX 2
#define ID_BYTES_MAX 64

/* What is used of libdebuginfod.so.1 (elfutils/debuginfod.h). */
struct client;
struct library {
	struct client *(*begin)(void);
	void (*end)(struct client *client);
	int (*find)(struct client *client, const unsigned char *id, int id_bytes, char **ret_path);
	void (*set_progress)(
		struct client *client, int (*progress)(struct client *client, long a, long b));
	void (*set_data)(struct client *client, void *data);
	void *(*data)(struct client *client);
};

/* One fetch. It belongs to two threads: the one that is done last frees it. */
struct fetch {
	struct library library;
	uint8_t id[ID_BYTES_MAX];
	int id_bytes;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t done;
	bool is_done;
	int fd;
	atomic_bool is_abandoned;
};

struct rec_debuginfod {
	struct library library;
	uint64_t spent_ns;
	unsigned timeouts;
	_Atomic uint64_t deadline_ns; /* 0: none */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Never unloaded: a thread that was left behind may be in it. */
static bool load(struct library *library)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	const struct {
		const char *name;
		void *function;
	} wanted[] = {
		{"debuginfod_begin", &library->begin},
		{"debuginfod_end", &library->end},
		{"debuginfod_find_debuginfo", &library->find},
		{"debuginfod_set_progressfn", &library->set_progress},
		{"debuginfod_set_user_data", &library->set_data},
		{"debuginfod_get_user_data", &library->data},
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		void *symbol = handle ? dlsym(handle, wanted[i].name) : NULL;

		if (!symbol)
			return false;
		memcpy(wanted[i].function, &symbol, sizeof(symbol));
	}
	return true;
}

struct rec_debuginfod *rec_debuginfod_new(const char **ret_reason)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct rec_debuginfod *debuginfod = calloc(1, sizeof(*debuginfod));

	if (debuginfod && urls && *urls && load(&debuginfod->library))
		return debuginfod;
	*ret_reason = urls && *urls ? LIBRARY " cannot be loaded" : "DEBUGINFOD_URLS is not set";
	free(debuginfod);
	return NULL;
}

void rec_debuginfod_free(struct rec_debuginfod *debuginfod)
{
	free(debuginfod);
}

/* ---- the thread of a fetch ---- */

static void free_fetch(struct fetch *fetch)
{
	if (fetch->fd >= 0)
		close(fetch->fd);
	pthread_mutex_destroy(&fetch->lock);
	pthread_cond_destroy(&fetch->done);
	free(fetch);
}

/* Called by the library every second or more often. Returns whether to give up. */
static int progress(struct client *client, long done, long total)
{
	struct library library;

	/* It is loaded: this finds it again. */
	if (!load(&library))
		return 1;
	return atomic_load(&((struct fetch *)library.data(client))->is_abandoned);
}

static void *run(void *context)
{
	struct fetch *fetch = context;
	struct client *client = fetch->library.begin();
	int fd = -1;
	bool is_abandoned;

	if (client) {
		fetch->library.set_data(client, fetch);
		fetch->library.set_progress(client, progress);
		fd = fetch->library.find(client, fetch->id, fetch->id_bytes, NULL);
		fetch->library.end(client);
	}
	pthread_mutex_lock(&fetch->lock);
	fetch->fd = fd;
	fetch->is_done = true;
	is_abandoned = atomic_load(&fetch->is_abandoned);
	pthread_cond_signal(&fetch->done);
	pthread_mutex_unlock(&fetch->lock);
	if (is_abandoned)
		free_fetch(fetch);
	return NULL;
}

/* ---- who waits for it ---- */

static struct fetch *start(
	const struct rec_debuginfod *debuginfod, const uint8_t *build_id, size_t build_id_bytes)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	pthread_condattr_t clock;
	pthread_t thread;

	if (!fetch)
		return NULL;
	fetch->library = debuginfod->library;
	memcpy(fetch->id, build_id, build_id_bytes);
	fetch->id_bytes = (int)build_id_bytes;
	fetch->fd = -1;
	pthread_mutex_init(&fetch->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&fetch->done, &clock);
	pthread_condattr_destroy(&clock);
	if (pthread_create(&thread, NULL, run, fetch) != 0) {
		free_fetch(fetch);
		return NULL;
	}
	pthread_detach(thread);
	return fetch;
}

/* Returns whether the fetch was done in time; then it is the caller's again. */
static bool wait_for(struct fetch *fetch, uint64_t until_ns)
{
	const struct timespec until = {(time_t)(until_ns / NS_PER_S), (long)(until_ns % NS_PER_S)};
	int status = 0;
	bool is_done;

	pthread_mutex_lock(&fetch->lock);
	while (!fetch->is_done && status == 0)
		status = pthread_cond_timedwait(&fetch->done, &fetch->lock, &until);
	is_done = fetch->is_done;
	atomic_store(&fetch->is_abandoned, !is_done);
	pthread_mutex_unlock(&fetch->lock);
	return is_done;
}

int rec_debuginfod_fetch(
	struct rec_debuginfod *debuginfod, const uint8_t *build_id, size_t build_id_bytes)
{
	uint64_t start_ns = now_ns(), deadline_ns = atomic_load(&debuginfod->deadline_ns);
	uint64_t until_ns = start_ns + FILE_NS_MAX;
	struct fetch *fetch;
	int fd;

	if (until_ns > start_ns + TOTAL_NS_MAX - debuginfod->spent_ns)
		until_ns = start_ns + TOTAL_NS_MAX - debuginfod->spent_ns;
	if (deadline_ns > 0 && until_ns > deadline_ns)
		until_ns = deadline_ns;
	if (until_ns <= start_ns || debuginfod->timeouts == TIMEOUTS_MAX ||
		build_id_bytes > ID_BYTES_MAX)
		return -1;
	fetch = start(debuginfod, build_id, build_id_bytes);
	if (!fetch)
		return -1;
	if (wait_for(fetch, until_ns)) {
		fd = fetch->fd;
		fetch->fd = -1;
		free_fetch(fetch);
	} else {
		fd = -1;
		debuginfod->timeouts++;
	}
	debuginfod->spent_ns += now_ns() - start_ns;
	if (debuginfod->spent_ns > TOTAL_NS_MAX)
		debuginfod->spent_ns = TOTAL_NS_MAX;
	return fd;
}

void rec_debuginfod_hurry(struct rec_debuginfod *debuginfod)
{
	atomic_store(&debuginfod->deadline_ns, now_ns() + END_NS_MAX);
}
