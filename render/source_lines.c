#include "source_lines.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* Of a function of the tree: where its weight goes. */
struct place {
	uint32_t line, function, file; /* indexes, NONE when the place is not shown */
};

struct walk {
	struct rend_source_lines *lines;
	const struct tfmt_calltree *tree;
	struct place *places;		       /* by function of the tree */
	const struct tfmt_location *locations; /* the same; borrowed from `lines` */
};

/* Folders of what is installed: code of others, though compiled into the program. */
static bool is_installed(const char *path)
{
	static const char *const starts[] = {"/usr/include/", "/usr/lib/", "/usr/local/include/",
		"/usr/local/lib/", "/usr/local/go/", "/usr/share/", "/rustc/", "/rust/deps/"};
	static const char *const parts[] = {
		"/.cargo/registry/", "/.rustup/", "/go/pkg/mod/", "/node_modules/"};
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		if (strncmp(path, starts[i], strlen(starts[i])) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (strstr(path, parts[i]) != NULL)
			return true;
	}
	return false;
}

/* Take ":12" off the end. */
static bool cut_number(char *text, unsigned long *ret_number)
{
	char *colon = strrchr(text, ':'), *end;
	if (colon == NULL || colon[1] < '0' || colon[1] > '9')
		return false;
	*ret_number = strtoul(colon + 1, &end, 10);
	if (*end != '\0')
		return false;
	*colon = '\0';
	return true;
}

/*
 * What V8 compiled has its place in its name, "JS:*parse /srv/app.js:12:7",
 * "LazyCompile:*parse /srv/app.js:12" or "file:///srv/app.mjs:3:1": the line on which the function
 * begins. `text` is of the name's length, and taken when used.
 */
static bool set_place_by_name(struct tfmt_location *location, char *text)
{
	strcpy(text, location->function);
	char *file = strrchr(text, ' ');
	unsigned long line = 0, column = 0;
	if (file == NULL || !cut_number(file, &column))
		return false;
	/* Before node 20 there is no column. */
	if (!cut_number(file, &line))
		line = column;
	if (line == 0 || line > UINT32_MAX)
		return false;
	*file++ = '\0';
	file += strncmp(file, "file://", 7) == 0 ? 7 : 0;
	char *name = strchr(text, ':');
	name = name != NULL ? name + 1 : text;
	location->function = name + strspn(name, "*~^+");
	location->file = file;
	location->line = location->first_line = (uint32_t)line;
	return true;
}

/* The locations of the tree's functions, those of V8's with their places. */
static int set_locations(struct walk *walk, size_t count)
{
	struct rend_source_lines *lines = walk->lines;
	lines->locations = calloc(count, sizeof(*lines->locations));
	lines->texts = calloc(count, sizeof(*lines->texts));
	if (lines->locations == NULL || lines->texts == NULL)
		return TFMT_E_NOMEM;
	lines->text_count = count;
	walk->locations = lines->locations;
	for (size_t i = 0; i < count; i++) {
		struct tfmt_location *location = &lines->locations[i];
		*location = tfmt_calltree_function(walk->tree, (uint32_t)i)->location;
		if (location->language != TFMT_LANG_JIT || location->file[0] != '\0')
			continue;
		char *text = malloc(strlen(location->function) + 1);
		if (text == NULL)
			return TFMT_E_NOMEM;
		if (set_place_by_name(location, text))
			lines->texts[i] = text;
		else
			free(text);
	}
	return 0;
}

static bool has_line(const struct tfmt_location *location)
{
	return !location->is_wait && location->line > 0 && location->file[0] != '\0';
}

static bool is_shown(const struct rend_model *model, const struct tfmt_location *location)
{
	return has_line(location) && rend_model_is_own(model, location) &&
	       (model->own_count > 0 || !is_installed(location->file));
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* qsort_r: by file and function. */
static int compare_functions(const void *left, const void *right, void *context)
{
	const struct walk *walk = context;
	const struct tfmt_location *a = &walk->locations[*(const uint32_t *)left];
	const struct tfmt_location *b = &walk->locations[*(const uint32_t *)right];
	int order = strcmp(a->file, b->file);
	return order != 0 ? order : strcmp(a->function, b->function);
}

/* qsort_r: by file and line, the heaviest first. */
static int compare_lines(const void *left, const void *right, void *context)
{
	const struct walk *walk = context;
	uint32_t left_id = *(const uint32_t *)left, right_id = *(const uint32_t *)right;
	const struct tfmt_function *a = tfmt_calltree_function(walk->tree, left_id);
	const struct tfmt_function *b = tfmt_calltree_function(walk->tree, right_id);
	const struct tfmt_location *at_a = &walk->locations[left_id];
	const struct tfmt_location *at_b = &walk->locations[right_id];
	int order = strcmp(at_a->file, at_b->file);
	if (order == 0)
		order = compare_numbers(at_a->line, at_b->line);
	if (order == 0)
		order = compare_numbers(b->self, a->self);
	if (order == 0)
		order = compare_numbers(b->total, a->total);
	return order != 0 ? order : strcmp(at_a->function, at_b->function);
}

/* `order` are the shown functions of the tree, which are one a line. */
static void add_functions(struct walk *walk, uint32_t *order, size_t count)
{
	struct rend_source_lines *lines = walk->lines;
	qsort_r(order, count, sizeof(*order), compare_functions, walk);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || compare_functions(&order[i - 1], &order[i], walk) != 0)
			lines->functions[lines->function_count++].location =
				&walk->locations[order[i]];
		walk->places[order[i]].function = (uint32_t)lines->function_count - 1;
	}
}

static void add_lines(struct walk *walk, uint32_t *order, size_t count)
{
	struct rend_source_lines *lines = walk->lines;
	const struct tfmt_location *last = NULL;
	qsort_r(order, count, sizeof(*order), compare_lines, walk);
	for (size_t i = 0; i < count; i++) {
		struct place *place = &walk->places[order[i]];
		const struct tfmt_location *location = &walk->locations[order[i]];
		bool is_new_file = last == NULL || strcmp(last->file, location->file) != 0;
		if (is_new_file)
			lines->files[lines->file_count++] = (struct rend_source_file){
				.path = location->file, .first = lines->line_count};
		struct rend_source_file *file = &lines->files[lines->file_count - 1];
		if (is_new_file || last->line != location->line) {
			lines->lines[lines->line_count++] = (struct rend_source_line){
				.line = location->line, .function = place->function};
			file->count++;
		}
		struct rend_source_line *line = &lines->lines[lines->line_count - 1];
		if (line->function != place->function &&
			tfmt_calltree_function(walk->tree, order[i])->self > 0)
			line->is_shared = true;
		place->line = (uint32_t)lines->line_count - 1;
		place->file = (uint32_t)lines->file_count - 1;
		last = location;
	}
}

static void enter(struct rend_weighed *weight, const struct tfmt_node *node)
{
	weight->self += node->self;
	if (weight->open++ == 0)
		weight->total += node->total;
}

static void enter_node(struct walk *walk, const struct tfmt_node *node)
{
	struct rend_source_lines *lines = walk->lines;
	const struct place *place = &walk->places[node->function];
	if (place->line == NONE) {
		bool is_known = has_line(&walk->locations[node->function]);
		*(is_known ? &lines->other_self : &lines->none_self) += node->self;
		return;
	}
	enter(&lines->lines[place->line].weight, node);
	enter(&lines->functions[place->function].weight, node);
	enter(&lines->files[place->file].weight, node);
}

static void leave_node(struct walk *walk, const struct tfmt_node *node)
{
	struct rend_source_lines *lines = walk->lines;
	const struct place *place = &walk->places[node->function];
	if (place->line == NONE)
		return;
	lines->lines[place->line].weight.open--;
	lines->functions[place->function].weight.open--;
	lines->files[place->file].weight.open--;
}

/* Depth first, so that what is open is the stack. The root is nobody's line. */
static void weigh(struct walk *walk)
{
	size_t count;
	const struct tfmt_node *nodes = tfmt_calltree_nodes(walk->tree, &count);
	uint32_t node = nodes[0].first_child;
	while (node != 0) {
		enter_node(walk, &nodes[node]);
		uint32_t next = nodes[node].first_child;
		while (next == 0 && node != 0) {
			leave_node(walk, &nodes[node]);
			next = nodes[node].next_sibling;
			node = nodes[node].parent;
		}
		node = next;
	}
}

static int compare_files(const void *left, const void *right, void *context)
{
	const struct rend_source_file *a = left, *b = right;
	bool by_total = *(const bool *)context;
	int by_self_order = compare_numbers(b->weight.self, a->weight.self);
	int by_total_order = compare_numbers(b->weight.total, a->weight.total);
	int order = by_total ? by_total_order : by_self_order;
	if (order == 0)
		order = by_total ? by_self_order : by_total_order;
	return order != 0 ? order : strcmp(a->path, b->path);
}

static int make_rows(struct walk *walk, uint32_t *order, size_t count)
{
	struct rend_source_lines *lines = walk->lines;
	lines->files = calloc(count + 1, sizeof(*lines->files));
	lines->lines = calloc(count + 1, sizeof(*lines->lines));
	lines->functions = calloc(count + 1, sizeof(*lines->functions));
	if (lines->files == NULL || lines->lines == NULL || lines->functions == NULL)
		return TFMT_E_NOMEM;
	add_functions(walk, order, count);
	add_lines(walk, order, count);
	weigh(walk);
	return 0;
}

int rend_source_lines_init(
	struct rend_source_lines *lines, const struct rend_model *model, bool sorts_by_total)
{
	size_t function_count, shown_count = 0;
	struct walk walk = {.lines = lines, .tree = model->tree};
	*lines = (struct rend_source_lines){0};
	/* The root is a function too, which the list leaves out. */
	tfmt_calltree_functions(model->tree, &function_count);
	lines->whole = tfmt_calltree_nodes(model->tree, &(size_t){0})[0].total;
	uint32_t *order = calloc(function_count + 1, sizeof(*order));
	walk.places = calloc(function_count + 1, sizeof(*walk.places));
	int status = order != NULL && walk.places != NULL ? 0 : TFMT_E_NOMEM;
	if (status == 0)
		status = set_locations(&walk, function_count + 1);
	for (size_t i = 0; status == 0 && i <= function_count; i++) {
		walk.places[i].line = NONE;
		if (is_shown(model, &walk.locations[i]))
			order[shown_count++] = (uint32_t)i;
	}
	if (status == 0)
		status = make_rows(&walk, order, shown_count);
	if (status == 0 && lines->file_count > 0)
		qsort_r(lines->files, lines->file_count, sizeof(*lines->files), compare_files,
			&sorts_by_total);
	free(walk.places);
	free(order);
	if (status < 0)
		rend_source_lines_release(lines);
	return status;
}

void rend_source_lines_release(struct rend_source_lines *lines)
{
	for (size_t i = 0; i < lines->text_count; i++)
		free(lines->texts[i]);
	free(lines->texts);
	free(lines->locations);
	free(lines->files);
	free(lines->lines);
	free(lines->functions);
	*lines = (struct rend_source_lines){0};
}
