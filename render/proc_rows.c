#include "proc_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "tracefmt/error.h"

/* What choosing works on, by process id. */
struct choice {
	const struct rend_model *model;
	double *costs;
	bool *is_chosen;
	uint32_t *fold_parents; /* of those not chosen: the nearest chosen ancestor */
	uint32_t *fold_counts;	/* by parent: how many are below it; [0] for those without one */
	uint32_t *by_cost;
	size_t shown_count;
};

/* The process after `id` when each is followed by its children; 0 at the end. */
static uint32_t next_in_tree(const struct rend_model *model, uint32_t id)
{
	const struct rend_process *processes = model->processes;
	if (processes[id].first_child != 0)
		return processes[id].first_child;
	while (id != 0 && processes[id].next_sibling == 0)
		id = processes[id].parent;
	return id != 0 ? processes[id].next_sibling : 0;
}

/* Shares of what all used, so that CPU and memory count alike. */
static double cost_of(const struct rend_model *model, const struct rend_process *process)
{
	const struct rend_totals *totals = &model->totals;
	double cost = 0;
	if (totals->cpu_ns > 0)
		cost += (double)process->cpu_ns / (double)totals->cpu_ns;
	if (totals->peak_bytes > 0)
		cost += (double)process->peak_bytes / (double)totals->peak_bytes;
	return cost;
}

static int compare_costs(const void *left, const void *right, void *context)
{
	const double *costs = context;
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;
	if (costs[a] != costs[b])
		return costs[a] < costs[b] ? 1 : -1;
	return a < b ? -1 : 1;
}

static void choice_release(struct choice *choice)
{
	free(choice->costs);
	free(choice->is_chosen);
	free(choice->fold_parents);
	free(choice->fold_counts);
	free(choice->by_cost);
}

static int choice_init(struct choice *choice, const struct rend_model *model)
{
	size_t count = (size_t)model->process_count + 1;
	*choice = (struct choice){.model = model};
	choice->costs = calloc(count, sizeof(*choice->costs));
	choice->is_chosen = calloc(count, sizeof(*choice->is_chosen));
	choice->fold_parents = calloc(count, sizeof(*choice->fold_parents));
	choice->fold_counts = calloc(count, sizeof(*choice->fold_counts));
	choice->by_cost = calloc(count, sizeof(*choice->by_cost));
	if (choice->costs == NULL || choice->is_chosen == NULL || choice->fold_parents == NULL ||
		choice->fold_counts == NULL || choice->by_cost == NULL)
		return TFMT_E_NOMEM;
	uint32_t id = model->processes[0].first_child;
	for (; id != 0; id = next_in_tree(model, id)) {
		choice->costs[id] = cost_of(model, &model->processes[id]);
		choice->by_cost[choice->shown_count++] = id;
	}
	qsort_r(choice->by_cost, choice->shown_count, sizeof(*choice->by_cost), compare_costs,
		choice->costs);
	return 0;
}

/* A folded row of one process is no shorter than the process: show that. */
static void unfold_single(struct choice *choice)
{
	const struct rend_model *model = choice->model;
	uint32_t id = model->processes[0].first_child;
	for (; id != 0; id = next_in_tree(model, id)) {
		uint32_t parent = choice->fold_parents[id];
		if (!choice->is_chosen[id] && choice->fold_counts[parent] == 1) {
			choice->is_chosen[id] = true;
			choice->fold_counts[parent] = 0;
		}
	}
}

/* Choose the costliest `count` and their ancestors. Returns how many rows that makes. */
static size_t choose(struct choice *choice, size_t count)
{
	const struct rend_model *model = choice->model;
	size_t rows = 0;
	memset(choice->is_chosen, 0, model->process_count + 1);
	memset(choice->fold_counts, 0, (model->process_count + 1) * sizeof(*choice->fold_counts));
	for (size_t i = 0; i < count && i < choice->shown_count; i++) {
		uint32_t id = choice->by_cost[i];
		for (; id != 0 && !choice->is_chosen[id]; id = model->processes[id].parent) {
			choice->is_chosen[id] = true;
			rows++;
		}
	}
	uint32_t id = model->processes[0].first_child;
	for (; id != 0; id = next_in_tree(model, id)) {
		uint32_t parent = model->processes[id].parent;
		if (choice->is_chosen[id])
			continue;
		bool is_top = parent == 0 || choice->is_chosen[parent];
		choice->fold_parents[id] = is_top ? parent : choice->fold_parents[parent];
		rows += choice->fold_counts[choice->fold_parents[id]]++ == 0;
	}
	return rows;
}

static struct rend_proc_row *add_row(
	struct rend_proc_rows *rows, uint32_t process, size_t parent_row)
{
	struct rend_proc_row *row = &rows->rows[rows->count++];
	*row = (struct rend_proc_row){
		.process = process,
		.parent = parent_row,
		.depth = parent_row != SIZE_MAX ? rows->rows[parent_row].depth + 1 : 0,
	};
	return row;
}

static void fold(struct rend_proc_row *row, const struct rend_process *process)
{
	if (row->count == 0) {
		row->begin_ns = process->begin_ns;
		row->end_ns = process->end_ns;
		row->name = process->info->name;
	}
	row->count++;
	row->cpu_ns += process->cpu_ns;
	if (process->peak_bytes > row->peak_bytes)
		row->peak_bytes = process->peak_bytes;
	if (process->begin_ns < row->begin_ns)
		row->begin_ns = process->begin_ns;
	if (process->end_ns > row->end_ns)
		row->end_ns = process->end_ns;
	if (process->info->name != row->name)
		row->name = 0;
	uint64_t end_ns =
		process->end_ns > process->begin_ns ? process->end_ns : process->begin_ns + 1;
	tfmt_series_spread(
		row->cpu.owner, process->begin_ns, end_ns, (double)process->cpu_ns / 1e9);
}

/* Fill the folded rows: `fold_rows` is the index of each parent's. */
static int fill_folds(
	struct rend_proc_rows *rows, const struct choice *choice, const size_t *fold_rows)
{
	const struct rend_model *model = choice->model;
	int status = 0;
	for (size_t i = 0; status == 0 && i < rows->count; i++) {
		struct rend_series *cpu = &rows->rows[i].cpu;
		if (rows->rows[i].process == 0)
			status = tfmt_series_new(
				model->begin_ns, model->end_ns, model->bin_count, &cpu->owner);
	}
	if (status < 0)
		return status;
	uint32_t id = model->processes[0].first_child;
	for (; id != 0; id = next_in_tree(model, id)) {
		if (!choice->is_chosen[id])
			fold(&rows->rows[fold_rows[choice->fold_parents[id]]],
				&model->processes[id]);
	}
	for (size_t i = 0; i < rows->count; i++) {
		struct rend_series *cpu = &rows->rows[i].cpu;
		if (cpu->owner == NULL)
			continue;
		tfmt_series_finish(cpu->owner, model->end_ns);
		cpu->bins = tfmt_series_bins(cpu->owner, &cpu->count);
	}
	return 0;
}

/*
 * Rows in the order of the tree; a folded row comes after the last child of its parent, which is
 * when the walk leaves the parent.
 */
static int place_rows(struct rend_proc_rows *rows, const struct choice *choice)
{
	const struct rend_model *model = choice->model;
	size_t *row_of = calloc((size_t)model->process_count + 1, sizeof(*row_of));
	size_t *fold_rows = calloc((size_t)model->process_count + 1, sizeof(*fold_rows));
	int status = TFMT_E_NOMEM;
	if (row_of == NULL || fold_rows == NULL)
		goto out;
	row_of[0] = SIZE_MAX;
	uint32_t id = model->processes[0].first_child;
	while (id != 0) {
		const struct rend_process *process = &model->processes[id];
		if (choice->is_chosen[id]) {
			row_of[id] = rows->count;
			add_row(rows, id, row_of[process->parent]);
			if (process->first_child != 0) {
				id = process->first_child;
				continue;
			}
		}
		while (id != 0 && model->processes[id].next_sibling == 0) {
			id = model->processes[id].parent;
			if (choice->fold_counts[id] > 0) {
				fold_rows[id] = rows->count;
				add_row(rows, 0, row_of[id]);
			}
		}
		if (id != 0)
			id = model->processes[id].next_sibling;
	}
	status = fill_folds(rows, choice, fold_rows);
out:
	free(row_of);
	free(fold_rows);
	return status;
}

int rend_proc_rows_init(
	struct rend_proc_rows *rows, const struct rend_model *model, size_t max_rows)
{
	struct choice choice;
	*rows = (struct rend_proc_rows){0};
	int status = choice_init(&choice, model);
	if (status < 0)
		goto out;
	size_t count = choice.shown_count;
	size_t row_count = choose(&choice, count);
	if (row_count > max_rows) {
		count = max_rows;
		/* Ancestors and folded rows need room, too: fewer, until all fit. */
		while ((row_count = choose(&choice, count)) > max_rows && count > 1)
			count--;
	}
	unfold_single(&choice);
	rows->rows = calloc(row_count + 1, sizeof(*rows->rows));
	status = rows->rows != NULL ? place_rows(rows, &choice) : TFMT_E_NOMEM;
out:
	choice_release(&choice);
	if (status < 0)
		rend_proc_rows_release(rows);
	return status;
}

void rend_proc_rows_release(struct rend_proc_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		tfmt_series_free(rows->rows[i].cpu.owner);
	free(rows->rows);
	*rows = (struct rend_proc_rows){0};
}

/* "+ 17 processes"; where there is no room "+ 17 more", or the number alone. */
static void fold_name(const struct rend_model *model, const struct rend_proc_row *row,
	enum rend_font font, double max_px, char *text, size_t size)
{
	char number[NUM_TEXT_BYTES];
	const char *name = row->name != 0 ? tfmt_trace_text(model->trace, row->name) : "processes";
	snprintf(text, size, "+ %s %s", num_count(number, row->count), name);
	if (rend_text_width_px(font, text) > max_px)
		snprintf(text, size, "+ %s more", number);
	if (rend_text_width_px(font, text) > max_px)
		snprintf(text, size, "+ %s", number);
}

/* Options of compilers and shells that take no value, or whose value is what is worked on. */
static bool is_plain_option(const char *word)
{
	static const char *const words[] = {"-c", "-quiet", "-S", "-E", "-m", "--"};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

/* The first argument that is neither an option nor, as far as one can tell, the value of one. */
static const char *find_operand(const struct tfmt_string *argv)
{
	const char *end = argv->data + argv->length;
	const char *word = argv->data + strnlen(argv->data, argv->length) + 1;
	bool may_be_value = false;
	/* The script of a shell is no name of something. */
	if (word < end && strcmp(word, "-c") == 0)
		return NULL;
	while (word < end) {
		if (word[0] != '-' && word[0] != '\0' && !may_be_value)
			return word;
		may_be_value = word[0] == '-' && !is_plain_option(word);
		word += strnlen(word, (size_t)(end - word)) + 1;
	}
	return NULL;
}

void rend_proc_row_name(const struct rend_model *model, const struct rend_proc_row *row,
	enum rend_font font, double max_px, char *text, size_t size)
{
	if (row->process == 0) {
		fold_name(model, row, font, max_px, text, size);
		return;
	}
	tfmt_trace_command(model->trace, row->process, text, size);
	size_t program = strcspn(text, " ");
	while (program > 0 && text[program - 1] != '/')
		program--;
	/* A relative path is what the user typed; a quoted one is not cut. */
	if (text[0] == '/' && text[program] != '\0' && text[program] != ' ')
		memmove(text, text + program, strlen(text + program) + 1);
	if (rend_text_width_px(font, text) <= max_px)
		return;
	const struct tfmt_string *argv =
		tfmt_trace_string(model->trace, model->processes[row->process].info->argv);
	const char *operand = argv->length > 0 ? find_operand(argv) : NULL;
	size_t length = strcspn(text, " ");
	if (operand != NULL && strncmp(text + length + 1, operand, strlen(operand)) != 0)
		snprintf(text + length, size - length, " … %s", operand);
}
