#include "facts.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "metrics.h"
#include "num.h"
#include "text.h"

#define GAP	  REND_FACTS_GAP
#define FILTER_PX 360 /* of what is shown of its expression */
/* In a shorter recording the recorder's start and end outweigh what it did meanwhile. */
#define SHARE_OF_CORE_FROM_NS 1000000000

static void append(char text[REND_FACTS_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(char text[REND_FACTS_BYTES], const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;
	va_start(args, format);
	vsnprintf(text + length, REND_FACTS_BYTES - length, format, args);
	va_end(args);
}

void rend_facts_plural(
	char text[REND_FACTS_BYTES], uint64_t count, const char *one, const char *many)
{
	char number[NUM_TEXT_BYTES];
	snprintf(
		text, REND_FACTS_BYTES, "%s %s", num_count(number, count), count == 1 ? one : many);
}

static void append_plural(
	char text[REND_FACTS_BYTES], uint64_t count, const char *one, const char *many)
{
	char part[REND_FACTS_BYTES];
	rend_facts_plural(part, count, one, many);
	append(text, "%s", part);
}

static void append_cpu(char text[REND_FACTS_BYTES], const struct rend_model *model)
{
	const struct rend_totals *totals = &model->totals;
	char cpu[NUM_TEXT_BYTES];
	append(text, GAP "%s CPU", num_duration(cpu, totals->cpu_ns));
	double cores = totals->wall_ns > 0 ? (double)totals->cpu_ns / (double)totals->wall_ns : 0;
	if (cores >= 0.01)
		append(text, " (%.*f cores)", cores < 10 ? 2 : 1, cores);
}

void rend_facts_filter(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	char expression[REND_FACTS_BYTES / 4];
	text[0] = '\0';
	if (model->filter == NULL)
		return;
	rend_text_shorten(REND_FONT_BODY, tfmt_filter_text(model->filter), FILTER_PX,
		REND_ELLIPSIS_END, expression, sizeof(expression));
	append(text, "filter: %s", expression);
}

void rend_facts_range(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	char begin[NUM_TEXT_BYTES], end[NUM_TEXT_BYTES], whole[NUM_TEXT_BYTES];
	uint64_t begin_ns = model->begin_ns - model->origin_ns;
	uint64_t end_ns = model->end_ns - model->origin_ns;
	text[0] = '\0';
	if (begin_ns > 0 || end_ns < model->recorded_ns)
		append(text, "%s to %s of %s", num_duration(begin, begin_ns),
			num_duration(end, end_ns), num_duration(whole, model->recorded_ns));
}

void rend_facts_line(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	const struct rend_totals *totals = &model->totals;
	char number[NUM_TEXT_BYTES], time[NUM_TEXT_BYTES];
	char samples[REND_FACTS_BYTES], range[REND_FACTS_BYTES];
	rend_facts_filter(model, text);
	rend_facts_range(model, range);
	if (range[0] != '\0')
		append(text, "%s%s", text[0] != '\0' ? GAP : "", range);
	append(text, "%s%s wall", text[0] != '\0' ? GAP : "",
		num_duration(number, totals->wall_ns));
	if (totals->has_cpu)
		append_cpu(text, model);
	if (totals->peak_bytes > 0)
		append(text, GAP "peak %s at %s", num_bytes(number, totals->peak_bytes),
			num_duration(time, totals->peak_ns > model->origin_ns
						   ? totals->peak_ns - model->origin_ns
						   : 0));
	append(text, GAP);
	append_plural(text, totals->process_count, "process", "processes");
	append(text, ", ");
	append_plural(text, totals->thread_count, "thread", "threads");
	rend_facts_samples(model, samples);
	if (samples[0] != '\0')
		append(text, GAP "%s", samples);
}

void rend_facts_samples(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	const struct rend_totals *totals = &model->totals;
	char number[NUM_TEXT_BYTES];
	text[0] = '\0';
	if (totals->sample_count == 0)
		return;
	append_plural(text, totals->sample_count, "sample", "samples");
	if (model->header->rate_hz > 0)
		append(text, " at %u Hz", (unsigned)model->header->rate_hz);
	/* Rounded down: 100 % is said only of all. */
	double whole = floor(1000.0 * (double)totals->whole_count / (double)totals->sample_count);
	append(text, ", %g %% whole", whole / 10);
	if (totals->unmerged_count > 0)
		append(text, ", %s unmerged",
			num_percent(number, (double)totals->unmerged_count,
				(double)totals->sample_count));
	append(text, ", %s lost", num_count(number, totals->lost_count));
}

void rend_facts_states(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	const struct rend_totals *totals = &model->totals;
	char running[NUM_TEXT_BYTES], preempted[NUM_TEXT_BYTES], blocked[NUM_TEXT_BYTES];
	text[0] = '\0';
	if (totals->wait_ns == 0)
		return;
	append(text, "all threads: %s on CPU, %s preempted, %s waiting",
		num_duration(running, totals->sampled_ns),
		num_duration(preempted, totals->preempted_ns),
		num_duration(blocked, totals->blocked_ns));
}

void rend_facts_wait_places(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	const struct rend_totals *totals = &model->totals;
	const uint64_t least_ns = totals->blocked_ns / 1000;
	char share[NUM_TEXT_BYTES];
	text[0] = '\0';
	if (totals->assumed_ns > least_ns)
		append(text, "%s at assumed places",
			num_percent(share, (double)totals->assumed_ns, (double)totals->blocked_ns));
	if (totals->placeless_ns > least_ns)
		append(text, "%s%s at unknown places", text[0] != '\0' ? ", " : "",
			num_percent(
				share, (double)totals->placeless_ns, (double)totals->blocked_ns));
}

void rend_facts_wait_counts(const struct rend_wait_place *place, char text[REND_FACTS_BYTES])
{
	char longest[NUM_TEXT_BYTES];
	text[0] = '\0';
	if (!place->is_summed)
		append_plural(text, place->count, "time", "times");
	if (place->thread_count > 1) {
		append(text, "%s", text[0] != '\0' ? ", " : "");
		append_plural(text, place->thread_count, "thread", "threads");
	}
	if (!place->is_summed && place->count > 1)
		append(text, ", longest %s", num_duration(longest, place->longest_ns));
}

void rend_facts_failure(const struct tfmt_process_info *info, char text[REND_FACTS_BYTES])
{
	text[0] = '\0';
	if (info->status_type == TFMT_STATUS_EXITED && info->status != 0)
		append(text, "exit status %d", (int)info->status);
	else if (info->status_type == TFMT_STATUS_SIGNALED)
		append(text, "ended by signal %d (%s)", (int)info->status, strsignal(info->status));
}

void rend_facts_origin(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	const struct tfmt_header *header = model->header;
	char date[64] = "";
	struct tm utc;
	time_t seconds = (time_t)(header->utc_ns / 1000000000);
	if (header->utc_ns > 0 && gmtime_r(&seconds, &utc) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &utc);
	snprintf(text, REND_FACTS_BYTES, "%s", header->recorder);
	if (header->os[0] != '\0')
		append(text, GAP "%s %s", header->os, header->machine);
	if (header->cpu_count > 0)
		append(text, ", %u %s", (unsigned)header->cpu_count,
			header->cpu_count == 1 ? "core" : "cores");
	if (date[0] != '\0')
		append(text, GAP "recorded %s", date);
	char costs[REND_FACTS_BYTES];
	rend_facts_costs(model, costs);
	if (costs[0] != '\0')
		append(text, GAP "%s", costs);
}

void rend_facts_losses(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	char number[NUM_TEXT_BYTES];
	text[0] = '\0';
	if (tfmt_damage_any(model->damage)) {
		char damage[256];
		tfmt_damage_describe(model->damage, damage, sizeof(damage));
		append(text, "damaged: %s", damage);
	}
	for (size_t i = 0; i < model->loss_count; i++) {
		const struct rend_loss *loss = &model->losses[i];
		/* A metric that is not there is told with the metrics. */
		if (strcmp(tfmt_trace_text(model->trace, loss->what), REND_LOSS_COUNTER) == 0)
			continue;
		append(text, "%slost: %s x %s (%s)", text[0] != '\0' ? GAP : "",
			num_count(number, loss->count), tfmt_trace_text(model->trace, loss->what),
			tfmt_trace_text(model->trace, loss->reason));
	}
}

static bool has_losses(const struct rend_model *model)
{
	char text[REND_FACTS_BYTES];
	rend_facts_losses(model, text);
	return text[0] != '\0';
}

void rend_facts_costs(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	const struct rend_costs *costs = &model->totals.costs;
	char number[NUM_TEXT_BYTES];
	uint64_t length_ns = model->recorded_ns;
	bool is_long = length_ns >= SHARE_OF_CORE_FROM_NS;
	text[0] = '\0';
	if (costs->recorder_cpu_ns == 0)
		return;
	if (is_long)
		append(text, "recording cost: %s of a CPU",
			num_percent(number, (double)costs->recorder_cpu_ns, (double)length_ns));
	else
		append(text, "recording cost: %s of CPU",
			num_duration(number, costs->recorder_cpu_ns));
	/* CPU time is known of the shown range only. */
	bool is_whole = model->begin_ns == model->origin_ns && model->totals.wall_ns > 0 &&
			model->end_ns - model->begin_ns >= length_ns && model->pid == 0;
	if (costs->target_ns > 0 && is_whole && model->totals.cpu_ns > 0)
		append(text, ", target about %s",
			num_percent(
				number, (double)costs->target_ns, (double)model->totals.cpu_ns));
	if (costs->written_bytes > 0 && is_long)
		append(text, ", %s/s",
			num_bytes(number, (uint64_t)((double)costs->written_bytes * 1e9 /
						     (double)length_ns)));
	else if (costs->written_bytes > 0)
		append(text, ", %s", num_bytes(number, costs->written_bytes));
	if (!has_losses(model))
		append(text, ", nothing lost");
}

void rend_facts_metrics(const struct rend_model *model, int columns, char text[REND_FACTS_BYTES])
{
	static const struct {
		const char *name, *before;
		bool is_total;
		const char *one, *many; /* NULL: bytes */
	} parts[] = {
		{"pss", "PSS ", false},
		{"uss", "USS ", false},
		{"io_read", "read ", true},
		{"io_write", "written ", true},
		{"faults_minor", "", true, "fault", "faults"},
		{"faults_major", "", true, "from disk", "from disk"},
		{"switches_voluntary", "", true, "switch", "switches"},
	};
	text[0] = '\0';
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const struct rend_metric *metric = rend_metrics_find(model->metrics, parts[i].name);
		char value_text[REND_FACTS_BYTES], part[2 * REND_FACTS_BYTES];
		if (metric == NULL || metric->is_total != parts[i].is_total ||
			metric->missing_count == metric->process_count)
			continue;
		uint64_t value = metric->is_total ? metric->growth : (uint64_t)metric->sum.peak;
		if (value == 0 && parts[i].one != NULL)
			continue;
		bool is_least = metric->is_total && rend_metric_unknown(model, metric) > 0;
		if (parts[i].one != NULL)
			rend_facts_plural(value_text, value, parts[i].one, parts[i].many);
		else
			num_bytes(value_text, value);
		snprintf(part, sizeof(part), "%s%s%s%s", text[0] != '\0' ? GAP : "",
			parts[i].before, is_least ? "≥ " : "", value_text);
		if (rend_text_columns(text) + rend_text_columns(part) > columns)
			return;
		append(text, "%s", part);
	}
}

void rend_facts_missing(const struct rend_model *model, char text[REND_FACTS_BYTES])
{
	const char *reason = "";
	uint64_t count = 0;
	text[0] = '\0';
	for (size_t i = 0; i < model->loss_count; i++) {
		const struct rend_loss *loss = &model->losses[i];
		const char *words = tfmt_trace_text(model->trace, loss->reason);
		const char *end = strchr(words, ':');
		if (strcmp(tfmt_trace_text(model->trace, loss->what), REND_LOSS_COUNTER) != 0 ||
			end == NULL)
			continue;
		append(text, "%s%.*s", count > 0 ? ", " : "", (int)(end - words), words);
		count = loss->count > count ? loss->count : count;
		reason = end;
	}
	if (count > 0) {
		append(text, " n/a of ");
		append_plural(text, count, "process", "processes");
		append(text, "%s", reason);
	}
	char interval[NUM_TEXT_BYTES], asked[NUM_TEXT_BYTES];
	uint64_t interval_ns = model->totals.costs.metrics_interval_ns;
	uint64_t asked_ns = model->header->interval_ns;
	if (asked_ns > 0 && interval_ns > asked_ns * 3 / 2)
		append(text, "%smetrics were read every %s, not every %s: many processes",
			count > 0 ? GAP : "", num_duration(interval, interval_ns),
			num_duration(asked, asked_ns));
}
