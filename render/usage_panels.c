#include "usage_panels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "axis.h"
#include "metrics.h"
#include "num.h"

#define MAX_NAME 128
#define ALL	 "all"

/* The panels of a picture, as they are put together. */
struct panels {
	const struct rend_model *model;
	struct rend_panel *panels;
	size_t count;
};

bool rend_series_has_values(const struct rend_series *series)
{
	for (size_t i = 0; i < series->count && series->bins != NULL; i++) {
		if (!isnan(series->bins[i].mean))
			return true;
	}
	return false;
}

bool rend_panel_is_rate(const struct rend_panel *panel)
{
	return panel->unit == REND_PANEL_CORES || panel->unit == REND_PANEL_BYTE_RATE ||
	       panel->unit == REND_PANEL_RATE || panel->unit == REND_PANEL_SHARE;
}

/*
 * The value of a column that a panel shows: means of rates, peaks of gauges. The kernel counts CPU
 * time in ticks, so that a short column may seem to hold more than all cores can give.
 */
static double value_of(
	const struct rend_model *model, const struct rend_panel *panel, const struct tfmt_bin *bin)
{
	double limit = INFINITY;
	if (!rend_panel_is_rate(panel))
		return bin->max;
	if (panel->unit == REND_PANEL_CORES && model->header->cpu_count > 0)
		limit = model->header->cpu_count;
	else if (panel->unit == REND_PANEL_SHARE)
		limit = 1;
	return bin->mean > limit ? limit : bin->mean;
}

char *rend_panel_text(char *text, enum rend_panel_unit unit, double value)
{
	int decimals = value == floor(value) || value >= 100 ? 0 : value < 10 ? 2 : 1;
	switch (unit) {
	case REND_PANEL_BYTES:
		return num_bytes(text, (uint64_t)value);
	case REND_PANEL_BYTE_RATE:
		num_bytes(text, (uint64_t)value);
		return strcat(text, "/s");
	case REND_PANEL_COUNT:
		return num_count(text, (uint64_t)(value + 0.5));
	case REND_PANEL_RATE:
		if (value < 10)
			snprintf(text, NUM_TEXT_BYTES - 2, "%.*f", decimals > 0, value);
		else
			num_count(text, (uint64_t)(value + 0.5));
		return strcat(text, "/s");
	case REND_PANEL_SHARE:
		if (value * 100 != floor(value * 100))
			return num_percent(text, value, 1);
		snprintf(text, NUM_TEXT_BYTES, "%.0f %%", value * 100);
		return text;
	case REND_PANEL_DURATION:
		return num_duration(text, (uint64_t)value);
	case REND_PANEL_CORES:
		break;
	}
	snprintf(text, NUM_TEXT_BYTES, "%.*f %s", decimals, value, value == 1 ? "core" : "cores");
	return text;
}

static double top_of(const struct rend_panel *panel)
{
	bool is_bytes = panel->unit == REND_PANEL_BYTES || panel->unit == REND_PANEL_BYTE_RATE;
	if (is_bytes)
		return (double)rend_byte_ceiling((uint64_t)panel->peak);
	if (panel->unit == REND_PANEL_CORES && panel->peak <= 16)
		return fmax(ceil(panel->peak - 0.05), 1);
	if (panel->unit == REND_PANEL_SHARE)
		return panel->peak > 0.5 ? 1 : panel->peak > 0.1 ? 0.5 : 0.1;
	return rend_count_ceiling(panel->peak);
}

static void add_panel(struct panels *panels, struct rend_panel panel)
{
	if (panels->count == REND_MAX_PANELS)
		return;
	if (!rend_series_has_values(panel.series) && panel.missing_count == 0)
		return;
	for (size_t i = 0; panel.series->bins != NULL && i < panel.series->count; i++) {
		double value = value_of(panels->model, &panel, &panel.series->bins[i]);
		if (isnan(value))
			continue;
		panel.last = value;
		if (value > panel.peak) {
			panel.peak = value;
			panel.peak_column = (double)(panel.series->first + i) + 0.5;
		}
	}
	panel.top = top_of(&panel);
	panels->panels[panels->count++] = panel;
}

/* ---- the usual ones ---- */

static void add_cpu(struct panels *panels)
{
	add_panel(panels, (struct rend_panel){
				  .name = "CPU",
				  .title = "CPU time per second: user, and system lighter above it",
				  .metric = "cpu",
				  .role = REND_CPU,
				  .unit = REND_PANEL_CORES,
				  .series = &panels->model->cpu,
				  .system = &panels->model->system_cpu,
			  });
}

static void add_memory(struct panels *panels)
{
	bool is_sum = panels->model->totals.process_count > 1;
	add_panel(panels,
		(struct rend_panel){
			.name = is_sum ? "memory (RSS sum)" : "memory (RSS)",
			.title = "Resident memory; pages that processes share count for each",
			.metric = "rss",
			.role = REND_MEMORY_AREA,
			.unit = REND_PANEL_BYTES,
			.series = &panels->model->memory,
		});
}

static void add_threads(struct panels *panels)
{
	add_panel(panels, (struct rend_panel){
				  .name = "threads",
				  .title = "Threads of all processes",
				  .metric = "threads",
				  .role = REND_COUNT,
				  .unit = REND_PANEL_COUNT,
				  .series = &panels->model->thread_total,
			  });
}

static void add_machine_cpu(struct panels *panels)
{
	add_panel(panels, (struct rend_panel){
				  .name = "machine CPU",
				  .title = "CPU time per second of everything on the machine",
				  .metric = "machine_cpu",
				  .role = REND_CPU_SYSTEM,
				  .unit = REND_PANEL_CORES,
				  .series = &panels->model->machine_cpu,
			  });
}

static void add_machine_memory(struct panels *panels)
{
	add_panel(panels, (struct rend_panel){
				  .name = "machine memory",
				  .title = "Memory used by everything on the machine",
				  .metric = "machine_memory",
				  .role = REND_MEMORY_AREA,
				  .unit = REND_PANEL_BYTES,
				  .series = &panels->model->machine_memory,
			  });
}

static const struct {
	const char *name;
	void (*add)(struct panels *panels);
} usual[] = {
	{"cpu", add_cpu},
	{"rss", add_memory},
	{"threads", add_threads},
	{"machine_cpu", add_machine_cpu},
	{"machine_memory", add_machine_memory},
};

#define USUAL_COUNT (sizeof(usual) / sizeof(*usual))

/* ---- those asked for ---- */

static enum rend_panel_unit unit_of(const struct rend_metric *metric)
{
	if (strcmp(metric->unit, "bytes") == 0)
		return metric->is_total ? REND_PANEL_BYTE_RATE : REND_PANEL_BYTES;
	if (strcmp(metric->unit, "ns") != 0)
		return metric->is_total ? REND_PANEL_RATE : REND_PANEL_COUNT;
	if (!metric->is_total)
		return REND_PANEL_DURATION;
	return metric->is_machine ? REND_PANEL_SHARE : REND_PANEL_CORES;
}

static enum rend_role role_of(enum rend_panel_unit unit)
{
	if (unit == REND_PANEL_CORES)
		return REND_CPU;
	return unit == REND_PANEL_BYTES ? REND_MEMORY_AREA : REND_COUNT;
}

static void add_named(struct panels *panels, const char *name)
{
	for (size_t i = 0; i < USUAL_COUNT; i++) {
		if (strcmp(usual[i].name, name) == 0) {
			usual[i].add(panels);
			return;
		}
	}
	const struct rend_metric *metric = rend_metrics_find(panels->model->metrics, name);
	if (metric == NULL)
		return;
	enum rend_panel_unit unit = unit_of(metric);
	add_panel(panels, (struct rend_panel){
				  .name = metric->name,
				  .title = metric->help,
				  .metric = metric->name,
				  .role = role_of(unit),
				  .unit = unit,
				  .series = &metric->series,
				  .missing_count = rend_metric_unknown(panels->model, metric),
			  });
}

static void add_all(struct panels *panels)
{
	for (size_t i = 0; i < USUAL_COUNT; i++)
		usual[i].add(panels);
	for (size_t i = 0; i < rend_metrics_count(panels->model->metrics); i++) {
		const char *name = rend_metrics_at(panels->model->metrics, i)->name;
		bool is_usual = false;
		for (size_t k = 0; k < USUAL_COUNT; k++)
			is_usual = is_usual || strcmp(usual[k].name, name) == 0;
		if (!is_usual)
			add_named(panels, name);
	}
}

/* The next of "pss,io_read": false at the end. */
static bool next_name(const char **list, char name[MAX_NAME])
{
	*list += strspn(*list, ", ");
	size_t length = strcspn(*list, ", ");
	if (length == 0)
		return false;
	snprintf(name, MAX_NAME, "%.*s", (int)length, *list);
	*list += length;
	return true;
}

size_t rend_usage_panels(const struct rend_model *model, struct rend_panel panels[REND_MAX_PANELS])
{
	struct panels found = {model, panels, 0};
	const char *list = model->metric_names;
	char name[MAX_NAME];
	if (list == NULL) {
		for (size_t i = 0; i < USUAL_COUNT; i++)
			usual[i].add(&found);
		return found.count;
	}
	while (next_name(&list, name)) {
		if (strcmp(name, ALL) == 0)
			add_all(&found);
		else
			add_named(&found, name);
	}
	return found.count;
}

bool rend_usage_unknown(const struct rend_model *model, char *name, size_t size)
{
	const char *list = model->metric_names;
	char asked[MAX_NAME];
	while (list != NULL && next_name(&list, asked)) {
		bool is_known =
			strcmp(asked, ALL) == 0 || rend_metrics_find(model->metrics, asked) != NULL;
		for (size_t i = 0; i < USUAL_COUNT; i++)
			is_known = is_known || strcmp(usual[i].name, asked) == 0;
		if (!is_known) {
			snprintf(name, size, "%s", asked);
			return true;
		}
	}
	return false;
}
