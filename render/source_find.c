#include "source_find.h"

#include <stdio.h>
#include <string.h>

enum step {
	STEP_REPLACED,
	STEP_RECORDED,
	STEP_PROCESS, /* relative to the folder of the command's process */
	STEP_FOLDERS,
	STEP_DONE,
};

static bool set_place(struct rend_source_places *places, const char *folder, size_t folder_length,
	const char *rest)
{
	int length = snprintf(places->place, sizeof(places->place), "%.*s%s%s", (int)folder_length,
		folder, folder_length > 0 ? "/" : "", rest);
	return length > 0 && (size_t)length < sizeof(places->place);
}

/* "OLD=NEW" where the path is OLD or below it. */
static bool replace(struct rend_source_places *places, const char *rule)
{
	const char *equals = strchr(rule, '=');
	if (equals == NULL)
		return false;
	size_t length = (size_t)(equals - rule);
	while (length > 1 && rule[length - 1] == '/')
		length--;
	const char *rest = places->path + length;
	if (length == 0 || strncmp(places->path, rule, length) != 0 ||
		(*rest != '/' && *rest != '\0' && rule[length - 1] != '/'))
		return false;
	rest += strspn(rest, "/");
	return *rest != '\0' ? set_place(places, equals + 1, strlen(equals + 1), rest)
			     : set_place(places, "", 0, equals + 1);
}

static bool next_replaced(struct rend_source_places *places)
{
	const struct rend_model *model = places->model;
	while (places->index < model->source_path_count) {
		if (replace(places, model->source_paths[places->index++]))
			return true;
	}
	places->index = 0;
	places->step++;
	return false;
}

/* Every DIR with the whole path, then without its first folder, and so on to the bare name. */
static bool next_in_folders(struct rend_source_places *places)
{
	const struct rend_model *model = places->model;
	for (; places->index < model->source_path_count; places->index++) {
		const char *folder = model->source_paths[places->index];
		if (strchr(folder, '=') != NULL)
			continue;
		if (places->suffix == NULL)
			places->suffix = places->path;
		while (*places->suffix != '\0') {
			const char *rest = places->suffix + strspn(places->suffix, "/");
			places->suffix = rest + strcspn(rest, "/");
			if (*rest != '\0' && set_place(places, folder, strlen(folder), rest))
				return true;
		}
		places->suffix = NULL;
	}
	places->step++;
	return false;
}

static bool next_recorded(struct rend_source_places *places)
{
	const char *cwd = places->model->header->cwd;
	places->step++;
	return places->path[0] == '/' ? set_place(places, "", 0, places->path)
				      : set_place(places, cwd, strlen(cwd), places->path);
}

static bool next_of_process(struct rend_source_places *places)
{
	const struct rend_model *model = places->model;
	places->step++;
	if (places->path[0] == '/' || model->root == 0)
		return false;
	const char *cwd = tfmt_trace_text(model->trace, model->processes[model->root].info->cwd);
	return set_place(places, cwd, strlen(cwd), places->path);
}

bool rend_source_places_next(struct rend_source_places *places)
{
	static bool (*const steps[])(struct rend_source_places *) = {
		[STEP_REPLACED] = next_replaced,
		[STEP_RECORDED] = next_recorded,
		[STEP_PROCESS] = next_of_process,
		[STEP_FOLDERS] = next_in_folders,
	};
	while (places->step < STEP_DONE) {
		if (steps[places->step](places))
			return true;
	}
	return false;
}
