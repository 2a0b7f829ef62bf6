#include "native/schedule.h"

/* About the time between two readings of totals. */
#define MOST_ASSUMED_NS 10000000ull

/* A wait of `length_ns` from since_ns on is over. Returns whether it is a long one. */
static bool end_wait(struct rec_schedule *schedule, uint64_t length_ns, struct rec_wait *ret_wait)
{
	/* Like times to the microsecond; what is below is added up. */
	uint64_t least_ns = schedule->gives_all ? REC_ANY_WAIT_NS : REC_LONG_WAIT_NS;
	uint64_t rest_ns = length_ns < least_ns ? length_ns : length_ns % 1000;
	schedule->short_ns[schedule->wait] += rest_ns;
	if (rest_ns == length_ns)
		return false;
	*ret_wait = (struct rec_wait){
		.start_ns = schedule->since_ns,
		.end_ns = schedule->since_ns + length_ns,
		.length_ns = length_ns - rest_ns,
		.kind = schedule->wait,
	};
	return true;
}

void rec_schedule_runs(struct rec_schedule *schedule, uint64_t start_ns)
{
	if (schedule->is_known)
		return;
	schedule->since_ns = start_ns;
	schedule->is_known = schedule->is_running = true;
}

void rec_schedule_sampled(struct rec_schedule *schedule, uint64_t weight_ns)
{
	schedule->sampled_ns += weight_ns;
	schedule->proven_ns += weight_ns;
}

/* A switch was lost somewhere in `passed_ns`: before it the thread ran, or waited. */
static void share_out(struct rec_schedule *schedule, uint64_t passed_ns)
{
	uint64_t running_ns = schedule->proven_ns < passed_ns ? schedule->proven_ns : passed_ns;
	enum rec_wait_kind wait = schedule->is_running ? REC_WAIT_BLOCKED : schedule->wait;
	schedule->running_ns += running_ns;
	schedule->short_ns[wait] += passed_ns - running_ns;
}

bool rec_schedule_switch(struct rec_schedule *schedule, uint64_t start_ns,
	const struct rec_switch *change, struct rec_wait *ret_wait)
{
	bool has_wait = false;
	if (!schedule->is_known) {
		/* Before its first switch a new thread waits for a CPU, an old one runs. */
		schedule->since_ns = start_ns;
		schedule->is_running = !change->runs;
		schedule->wait = REC_WAIT_PREEMPTED;
		schedule->is_known = true;
	}
	if (change->time_ns < schedule->since_ns)
		return false;
	uint64_t passed_ns = change->time_ns - schedule->since_ns;
	if (schedule->is_running == change->runs)
		share_out(schedule, passed_ns);
	else if (schedule->is_running)
		schedule->running_ns += passed_ns;
	else
		has_wait = end_wait(schedule, passed_ns, ret_wait);
	schedule->since_ns = change->time_ns;
	schedule->proven_ns = 0;
	schedule->is_running = change->runs;
	if (!change->runs)
		schedule->wait = change->is_preempted ? REC_WAIT_PREEMPTED : REC_WAIT_BLOCKED;
	return has_wait;
}

static bool has_moved(const struct rec_schedule *schedule, const struct rec_schedule_totals *totals)
{
	return totals->run_ns != schedule->total_run_ns ||
	       totals->ready_ns != schedule->total_ready_ns ||
	       totals->turns != schedule->total_turns;
}

/* Counters of the kernel grow; one that does not is taken as standing still. */
static uint64_t growth(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/* Nothing has changed: the thread waits still, or since it was last heard of. */
static void go_on_waiting(struct rec_schedule *schedule)
{
	schedule->since_ns += schedule->counted_ns;
	schedule->counted_ns = 0;
	schedule->is_running = false;
	schedule->wait = REC_WAIT_BLOCKED;
}

/* All there was until now is known; `blocked_ns` of it were waits. Returns whether a long one. */
static bool settle(struct rec_schedule *schedule, const struct rec_schedule_totals *totals,
	uint64_t blocked_ns, struct rec_wait *ret_wait)
{
	bool has_wait = false;
	bool is_one = schedule->has_ended_a_wait || totals->turns - schedule->known_turns == 1;
	schedule->wait = REC_WAIT_BLOCKED;
	if (is_one)
		has_wait = end_wait(schedule, blocked_ns, ret_wait);
	else
		schedule->short_ns[REC_WAIT_BLOCKED] += blocked_ns;
	schedule->since_ns = totals->time_ns;
	schedule->counted_ns = 0;
	schedule->known_turns = totals->turns;
	schedule->has_ended_a_wait = false;
	schedule->is_running = !totals->waits;
	return has_wait;
}

bool rec_schedule_totals(struct rec_schedule *schedule, uint64_t start_ns,
	const struct rec_schedule_totals *totals, struct rec_wait *ret_wait)
{
	if (!schedule->is_known) {
		schedule->since_ns = start_ns;
		schedule->is_known = schedule->is_running = true;
	}
	schedule->has_totals = true;
	if (totals->time_ns < schedule->since_ns + schedule->counted_ns)
		return false;
	if (!has_moved(schedule, totals)) {
		if (totals->waits)
			go_on_waiting(schedule);
		return false;
	}
	uint64_t left_ns = totals->time_ns - schedule->since_ns - schedule->counted_ns;
	uint64_t run_ns = growth(totals->run_ns, schedule->total_run_ns);
	run_ns = run_ns < left_ns ? run_ns : left_ns;
	left_ns -= run_ns;
	uint64_t ready_ns = growth(totals->ready_ns, schedule->total_ready_ns);
	ready_ns = ready_ns < left_ns ? ready_ns : left_ns;
	left_ns -= ready_ns;
	schedule->running_ns += run_ns;
	schedule->short_ns[REC_WAIT_PREEMPTED] += ready_ns;
	schedule->counted_ns += run_ns + ready_ns;
	schedule->total_run_ns = totals->run_ns;
	schedule->total_ready_ns = totals->ready_ns;
	schedule->total_turns = totals->turns;
	schedule->has_ended_a_wait |= !schedule->is_running;
	schedule->is_running = true;
	return !totals->is_open && settle(schedule, totals, left_ns, ret_wait);
}

void rec_schedule_pass(struct rec_schedule *schedule, uint64_t time_ns)
{
	if (!schedule->is_known || !schedule->is_running || schedule->has_totals ||
		time_ns <= schedule->since_ns)
		return;
	schedule->running_ns += time_ns - schedule->since_ns;
	schedule->since_ns = time_ns;
	schedule->proven_ns = 0;
}

bool rec_schedule_end(struct rec_schedule *schedule, uint64_t time_ns, struct rec_wait *ret_wait)
{
	bool has_wait = false;
	uint64_t known_ns = schedule->since_ns + schedule->counted_ns;
	rec_schedule_pass(schedule, time_ns);
	if (schedule->has_totals && schedule->is_running && time_ns > known_ns) {
		/* It ran or waited for a CPU when last seen; no long time is invented. */
		uint64_t left_ns = time_ns - known_ns;
		uint64_t running_ns = left_ns < MOST_ASSUMED_NS ? left_ns : MOST_ASSUMED_NS;
		schedule->running_ns += running_ns;
		schedule->short_ns[REC_WAIT_PREEMPTED] += left_ns - running_ns;
		schedule->since_ns = time_ns;
		schedule->counted_ns = 0;
	}
	if (schedule->is_known && !schedule->is_running && time_ns > schedule->since_ns) {
		has_wait = end_wait(schedule, time_ns - schedule->since_ns, ret_wait);
		schedule->since_ns = time_ns;
	}
	return has_wait;
}
