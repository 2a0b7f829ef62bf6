#include "thread_cpu.h"

#include <stdlib.h>

#include "tracefmt/error.h"

#define ALL_POINTS (1u << 20) /* of all threads together: 16 MiB */
#define MIN_POINTS 64

/* Every second point goes, but for the last. */
static void halve(struct rend_cpu_line *line)
{
	size_t kept = 0;
	for (size_t i = 0; i < line->count; i += 2)
		line->points[kept++] = line->points[i];
	if (line->count % 2 == 0)
		line->points[kept++] = line->points[line->count - 1];
	line->count = kept;
}

static int append(struct rend_cpu_line *line, size_t max_points, uint64_t time_ns, uint64_t cpu_ns)
{
	if (line->count == max_points)
		halve(line);
	if (line->count == line->room) {
		size_t room = line->room > 0 ? line->room * 2 : 16;
		struct rend_cpu_point *points = reallocarray(line->points, room, sizeof(*points));
		if (points == NULL)
			return TFMT_E_NOMEM;
		line->points = points;
		line->room = room;
	}
	line->points[line->count++] = (struct rend_cpu_point){time_ns, cpu_ns};
	return 0;
}

/* The line is level up to the sample's interval, and rises in it. */
static int add_sample(void *context, const struct tfmt_sample *sample)
{
	struct rend_thread_cpu *cpu = context;
	struct rend_cpu_line *line = &cpu->lines[sample->thread];
	if (sample->state != TFMT_STATE_RUNNING || sample->weight_ns == 0 ||
		sample->weight_ns > sample->time_ns ||
		cpu->model->threads[sample->thread].span_count == 0)
		return 0;
	struct rend_cpu_point last = {0};
	if (line->count > 0)
		last = line->points[line->count - 1];
	uint64_t begin_ns = sample->time_ns - sample->weight_ns;
	int status = 0;
	if (line->count == 0 || begin_ns > last.time_ns)
		status = append(line, cpu->max_points, begin_ns, last.cpu_ns);
	if (status == 0)
		status = append(line, cpu->max_points,
			sample->time_ns > last.time_ns ? sample->time_ns : last.time_ns,
			last.cpu_ns + sample->weight_ns);
	return status;
}

int rend_thread_cpu_init(struct rend_thread_cpu *cpu, struct rend_model *model)
{
	size_t thread_count = 0;
	*cpu = (struct rend_thread_cpu){.model = model};
	for (uint32_t id = 1; id <= model->thread_count; id++)
		thread_count += model->threads[id].span_count > 0;
	cpu->max_points = ALL_POINTS / (thread_count > 0 ? thread_count : 1);
	if (cpu->max_points < MIN_POINTS)
		cpu->max_points = MIN_POINTS;
	cpu->lines = calloc((size_t)model->thread_count + 1, sizeof(*cpu->lines));
	return cpu->lines != NULL ? rend_model_each_sample(model, add_sample, cpu, NULL)
				  : TFMT_E_NOMEM;
}

void rend_thread_cpu_release(struct rend_thread_cpu *cpu)
{
	for (uint32_t id = 0; cpu->lines != NULL && id <= cpu->model->thread_count; id++)
		free(cpu->lines[id].points);
	free(cpu->lines);
	*cpu = (struct rend_thread_cpu){0};
}

static double until(const struct rend_cpu_line *line, uint64_t time_ns)
{
	const struct rend_cpu_point *points = line->points;
	size_t low = 0, high = line->count;
	/* The first point after it. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (points[middle].time_ns <= time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return 0;
	const struct rend_cpu_point *before = &points[low - 1];
	if (low == line->count)
		return (double)before->cpu_ns;
	const struct rend_cpu_point *after = &points[low];
	return (double)before->cpu_ns + (double)(after->cpu_ns - before->cpu_ns) *
						(double)(time_ns - before->time_ns) /
						(double)(after->time_ns - before->time_ns);
}

uint64_t rend_thread_cpu_between(
	const struct rend_thread_cpu *cpu, uint32_t thread, uint64_t begin_ns, uint64_t end_ns)
{
	const struct rend_cpu_line *line = &cpu->lines[thread];
	return line->count > 0 ? (uint64_t)(until(line, end_ns) - until(line, begin_ns) + 0.5) : 0;
}
